"""The settings of the practice bot."""

from __future__ import annotations

from pathlib import Path

from bellboard import BotSettings


class Settings(BotSettings):
    """What the practice bot can be told.

    Attributes:
        practice_file: where its effects are written, one line each.
    """

    practice_file: Path
