"""Starts the sandbox bot: ``python -m bellboard_sandbox``. The sandbox itself is ``python -m bellboard_sandbox.town``."""

from __future__ import annotations

from bellboard import run

from .bot import bot
from .providers import register
from .settings import Settings

run(bot, providers=register, settings=Settings)
