"""What the incidents bot needs from outside, and how it is made."""

from __future__ import annotations

from bellboard import Providers

from .settings import Settings


def register(providers: Providers, settings: Settings) -> None:
    """Register what the commands ask for."""
