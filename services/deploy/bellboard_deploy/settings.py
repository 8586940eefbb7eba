"""The settings of the deploy bot."""

from __future__ import annotations

from pathlib import Path

from bellboard import BotSettings


class Settings(BotSettings):
    """What the deploy bot can be told.

    Attributes:
        deploy_file: the YAML file of environments; the sandbox alone without one.
        sandbox_dir: the folder of the sandbox's sockets; without it, and without a file, everything happens on paper.
    """

    deploy_file: Path | None = None
    sandbox_dir: Path | None = None
