"""Starts the k8s bot: ``python -m bellboard_k8s``."""

from __future__ import annotations

from bellboard import run

from .bot import bot
from .providers import register
from .settings import Settings

run(bot, providers=register, settings=Settings)
