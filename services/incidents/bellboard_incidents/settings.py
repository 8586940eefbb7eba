"""The settings of the incidents bot."""

from __future__ import annotations

from bellboard import BotSettings


class Settings(BotSettings):
    """What the incidents bot can be told.

    Attributes:
        web_url: the address of the room's page, for links in documents; without one they name cards by their ids.
    """

    web_url: str = ""
