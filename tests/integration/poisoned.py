"""The practice bot, but whoever looks is dead at once: ``python -m tests.integration.poisoned``."""

from __future__ import annotations

import os
from datetime import timedelta

from bellboard import Block, Bot, Call, run
from bellboard_practice.bot import bot as practice
from bellboard_practice.providers import register
from bellboard_practice.settings import Settings
from bellboard_practice.v1 import practice_pb2

bot = Bot(practice_pb2.DESCRIPTOR.services_by_name["PracticeService"], version="0.1.0")


@bot.command
async def look(call: Call, word: str, wait: timedelta) -> Block:
    """Do nothing, and say so."""
    os.abort()


for method, handler in practice.handlers.items():
    if method != "Look":
        bot.command(handler.function)

if __name__ == "__main__":
    run(bot, providers=register, settings=Settings)
