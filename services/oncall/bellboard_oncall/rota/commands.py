"""The commands of the rota."""

from __future__ import annotations

from datetime import timedelta

from bellboard import Block, Call, Reply, reply
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.api.oncall.v1 import rota_pb2 as pb

from ..declared import bot
from ..pages import Desk as Pages
from ..pages import sweep
from . import answer, changing, feeding, handover, importing, ticking
from . import load as sharing
from .desk import Desk


@bot.command
async def who(call: Call, team: str, at: TimeRange | None, *, desk: Desk) -> pb.WhoResponse:
    """Say who is on call."""
    blocks, shown = await answer.who(call, desk, team, at)
    return pb.WhoResponse(reply=reply(*blocks), table=shown.table)


@bot.command
async def schedule(call: Call, team: str, length: timedelta, *, desk: Desk) -> pb.ScheduleResponse:
    """Show the shifts ahead."""
    blocks, shown = await answer.schedule(call, desk, team, length)
    return pb.ScheduleResponse(reply=reply(*blocks), table=shown.table)


@bot.command
async def next_(call: Call, person: str, *, desk: Desk) -> pb.NextResponse:
    """Show when your next shifts are."""
    blocks, shown = await answer.next_(call, desk, person)
    return pb.NextResponse(reply=reply(*blocks), table=shown.table)


@bot.command
async def cover(call: Call, team: str, range: TimeRange | None, by: str, layer: str, *, desk: Desk) -> list[Block]:
    """Take over a stretch of on-call, or hand it to a person."""
    return await changing.cover(call, desk, team, range, by, layer)


@bot.command
async def uncover(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """Take a cover or a swap back."""
    return await changing.uncover(call, desk, id)


@bot.command
async def swap(
    call: Call, team: str, person: str, range: TimeRange | None, back: TimeRange | None, *, desk: Desk
) -> list[Block]:
    """Ask a person to swap shifts with you."""
    return await changing.swap(call, desk, team, person, range, back)


@bot.command
async def agree(call: Call, id: str, no: bool, *, desk: Desk) -> list[Block]:
    """Say yes or no to a swap."""
    return await changing.agree(call, desk, id, no)


@bot.command
async def load(call: Call, team: str, range: TimeRange | None, *, desk: Desk) -> pb.LoadResponse:
    """Show hours, nights, weekends and pages per person."""
    blocks, shown = await sharing.load(call, desk, team, range)
    return pb.LoadResponse(reply=reply(*blocks), table=shown.table)


@bot.command
async def import_(call: Call, source: str, *, desk: Desk) -> list[Block]:
    """Show what an outside schedule says, as a rota."""
    return await importing.show(call, desk, source)


@bot.command
async def feed(call: Call, team: str, renew: bool, *, desk: Desk) -> list[Block]:
    """Make a secret calendar address for you or a team."""
    return await feeding.address(call, desk, team, renew)


@bot.command
async def mention(call: Call, team: str, *, desk: Desk) -> list[Block]:
    """Reach whoever is on call for a team."""
    return await answer.mention(call, desk, team)


@bot.command
async def handover_(call: Call, team: str, *, desk: Desk) -> list[Block]:
    """What to know at a change of shift."""
    return await handover.note(call, desk, team)


@bot.command
async def tick(call: Call, *, desk: Desk, pages: Pages) -> Reply:
    """Do what time demands."""
    await sweep(call, pages)  # first: whatever keeps the rest from being done keeps no page waiting
    return reply(*await ticking.tick(call, desk))
