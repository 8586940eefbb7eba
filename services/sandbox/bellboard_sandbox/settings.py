"""The settings of the sandbox bot."""

from __future__ import annotations

from pathlib import Path

from bellboard import BotSettings


class Settings(BotSettings):
    """What the sandbox bot can be told.

    Attributes:
        sandbox_dir: the folder of the sandbox that runs; without one, the bot runs one of its own as soon as it is asked.
    """

    sandbox_dir: Path | None = None
