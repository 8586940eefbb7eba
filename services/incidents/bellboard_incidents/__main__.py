"""Starts the incidents bot: ``python -m bellboard_incidents``."""

from __future__ import annotations

from bellboard import run

from .bot import bot
from .providers import register
from .settings import Settings

run(bot, providers=register, settings=Settings)
