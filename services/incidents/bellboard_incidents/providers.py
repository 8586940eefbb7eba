"""What the incidents bot needs from outside, and how it is made."""

from __future__ import annotations

from bellboard import Providers
from bellboard.keep import Keep
from bellboard.marks import Marks

from .settings import Settings
from .work import Desk


def register(providers: Providers, settings: Settings) -> None:
    """Say how the desk is made: over what the bot remembers, and the ids that all bots share."""

    def desk() -> Desk:
        return Desk(providers.get(Keep), providers.get(Marks), settings.web_url)

    providers.register(Desk, desk)
    providers.rehearse(Desk, desk)  # made of the twins of both
