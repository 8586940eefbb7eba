"""What the practice bot has run, and what it does when nobody typed anything."""

from __future__ import annotations

from datetime import timedelta

from bellboard import Block, Call, Failed, text
from bellboard.api.hooks.v1.hooks_pb2 import HookBatch

from .declared import bot
from .providers import World


@bot.command
async def send(call: Call, line: str, room: str, thread: str, card: str, after: timedelta, key: str) -> Block:
    """Have another line run, as the bot."""
    at = call.at + after.total_seconds() if after else None
    id = await call.ask(line, room=room, thread=thread, card=card, at=at, key=key)
    return text(f"asked for {id}: {line}")


@bot.command
async def unsend(call: Call, key: str) -> Block:
    """Take a line back that was to be run later."""
    await call.unask(key)
    return text(f"{key} is taken back")


@bot.command
async def beat(call: Call, label: str, *, world: World) -> list[Block]:
    """Leave a mark, and say so if there is a label."""
    world.do(call.id, "beat", call.attempt)
    return [text(f"beat {label} on {call.card} in {call.room or 'no room'}")] if label else []


@bot.command
async def take(call: Call, batch: HookBatch | None, *, world: World) -> list[Block]:
    """Leave a mark for each delivery of a webhook."""
    taken = batch or HookBatch()
    if taken.HasField("blob"):
        taken = HookBatch.FromString(await call.blobs.get(taken.blob))
    if any(b"poison" in one.body for one in taken.deliveries):
        raise Failed("a delivery is poison")
    for one in taken.deliveries:
        world.do(call.id, f"{taken.hook}/{taken.format}:{one.sequence}:{len(one.body)}", call.attempt)
    return []
