"""The settings of the incidents bot."""

from __future__ import annotations

from bellboard import BotSettings


class Settings(BotSettings):
    """What the incidents bot can be told: nothing of its own so far."""
