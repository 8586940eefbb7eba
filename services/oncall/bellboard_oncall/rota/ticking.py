"""What is done every ten minutes, in no room: timers of hand-overs, swaps that nobody answered, calendars."""

from __future__ import annotations

from dataclasses import replace

from bellboard import Block, Call, ProviderError, text

from . import feeding, handover
from .covers import ASKED, EXPIRED
from .desk import Desk


async def tick(call: Call, desk: Desk) -> list[Block]:
    """Do it all. What an outside calendar keeps from being done is told on the cards of those who ask for that team."""
    await desk.remember()
    for rota in desk.rotas():
        try:
            await desk.base(rota, call.at, call.at + 1)
        except ProviderError:
            continue  # it is told by whoever asks for the team
    expired = 0
    for cover in await desk.covers().everywhere():
        if cover.state == ASKED and not cover.asks(call.at):
            await desk.covers().change(cover, lambda found, _: replace(found, state=EXPIRED) if found.state == ASKED else found)
            expired += 1
    timers = await handover.tick(call, desk)
    feeds = await feeding.refresh(desk, call.at)
    return [text(f"{timers} hand-overs near, {expired} questions expired, {feeds} calendars")]
