"""The practice bot: one command of each effect, one in steps, one that asks, one that sends, one with every argument."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from bellboard import Block, Call, Failed, choice, progress, question, reply, table, text
from bellboard.api.chat.v1.chat_pb2 import BlobRef, Table, TimeRange
from bellboard.replies import GOOD

from . import unasked as _unasked  # noqa: F401  # declares commands too
from .declared import bot as bot
from .providers import World
from .v1 import practice_pb2 as pb


@bot.command
async def look(call: Call, word: str, wait: timedelta) -> Block:
    """Do nothing, and say so."""
    await asyncio.sleep(wait.total_seconds())
    return text(f"looked at {word}" if word else "looked")


@bot.command
async def set_(call: Call, mark: str, value: int, wait: timedelta, *, world: World) -> Block:
    """Set a mark, however often it is told to."""
    if call.preview:
        return text(f"would set {mark} to {value}")
    await asyncio.sleep(wait.total_seconds())
    world.do(call.id, "set", call.attempt)
    return text(f"{mark} is {value}", tone=GOOD)


@bot.command
async def fire(call: Call, label: str, wait: timedelta, fail: bool, reason: str, table: Table | None, *, world: World) -> Block:
    """Do what must not happen twice."""
    if call.preview:
        return text(f"would fire {label}" + (f", because {reason}" if reason else ""))
    await asyncio.sleep(wait.total_seconds())
    if fail:
        raise Failed(f"{label} did not go off", hint="leave out --fail")
    world.do(call.id, "fire", call.attempt)
    return text(f"fired {label}" + (f" for {len(table.rows)} rows" if table else ""), tone=GOOD)


@bot.command
async def probe(call: Call, lost: pb.FireRequest, *, world: World) -> pb.ProbeResponse:
    """Say whether a fire happened. Where no mark is left that is not known: its worker may only be slow."""
    if "fire" in world.did(call.id):
        return pb.ProbeResponse(reply=reply(text(f"{lost.label} did go off", tone=GOOD)), happened=True)
    return pb.ProbeResponse(reply=reply(text(f"{lost.label} has left no mark")))


@bot.command
async def climb(call: Call, hill: str, wait: timedelta, *, world: World) -> AsyncIterator[Block]:
    """Go through three steps."""
    async for step in call.steps():
        yield progress(f"{step} on {hill}", ("boots", "rope", "top").index(step) / 3)
        await asyncio.sleep(wait.total_seconds())
        world.do(call.id, step, call.attempt)
    yield text(f"up on {hill}", tone=GOOD)


@bot.command
async def ask(call: Call, label: str) -> Block:
    """Ask before doing."""
    return question(f"fire {label}?", choice("fire", f"practice fire {label}"), choice("look", f"practice look {label}"))


@bot.command
async def list_(call: Call, count: int) -> pb.ListResponse:
    """List numbers, to be piped."""
    rows = [(number,) for number in range(1, count + 1)]
    return pb.ListResponse(reply=reply(table(["number"], rows[:5])), table=table(["number"], rows).table)


@bot.command
async def total(call: Call, table: Table) -> Block:
    """Add up the numbers of a table."""
    return text(f"{sum(row.cells[0].number for row in table.rows):g} in {len(table.rows)} rows")


@bot.command
async def every(
    call: Call,
    direction: pb.Direction.ValueType,
    count: int,
    env: str,
    tag: Sequence[str],
    length: timedelta,
    ratio: float,
    who: str,
    where: str,
    loud: bool,
    token: str,
    picture: BlobRef | None,
    rest: str,
    since: TimeRange | None,
    during: TimeRange | None,
) -> pb.EveryResponse:
    """Take an argument of every kind, and say them back."""
    given = pb.EveryRequest(direction=direction, count=count, env=env, tag=tag, ratio=ratio, who=who, where=where, loud=loud)
    given.MergeFrom(pb.EveryRequest(picture=picture, rest=rest, since=since, during=during))
    given.length.FromTimedelta(length)
    given.token = "••••" if token else ""
    rows = [(field.name, str(value).strip()) for field, value in given.ListFields() if field.name != "picture"]
    return pb.EveryResponse(reply=reply(table(["argument", "value"], rows)), given=given)
