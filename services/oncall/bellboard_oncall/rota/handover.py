"""What to know at a change of shift, and when there is one: `oncall handover` and the timers that bring it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bellboard import Block, Call, ProviderError, table, text
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.marks import Mark
from bellboard.replies import GOOD, WARNING

from . import Shift
from .desk import Desk
from .model import TeamRota
from .times import Clock

LOOK_BACK = 24 * 3600.0
"""Seconds of deploys that are told of."""

AHEAD = 25 * 60.0
"""How far ahead, in seconds, a tick sets the timer of a hand-over: more than two ticks, so that one may be missed."""

NEAR = 15 * 60.0
"""How far from a hand-over, in seconds, its timer may fire and still be right."""

ROWS = 12

_WORTH_TELLING = ("incident", "alert", "page", "lock", "silence")


async def note(call: Call, desk: Desk, team: str) -> list[Block]:
    """Who hands over to whom, and what is open. A timer that comes when nobody hands over any more says nothing."""
    rota = desk.rota(team)
    timed = call.cause == ledger.CAUSE_TIMER
    changes = await hand_overs(desk, rota, call.at - NEAR, call.at + (NEAR if timed else 8 * 86400))
    if timed and not changes:
        return []
    clock = Clock(desk.zone(call.person, rota.team), call.at)
    lines = [_change(desk, rota, clock, before, after) for before, after in _near(changes, call.at, timed=timed)]
    people = [person for before, after in changes for person in (before.person, after.person)] if timed else []
    said = [text("; ".join(lines) or f"nobody hands over for {rota.team.name} within a week", mentions=dict.fromkeys(people))]
    return [*said, *await _open(desk, rota, call.at), *await _covers(desk, rota, clock), *desk.warnings(rota)]


async def hand_overs(desk: Desk, rota: TeamRota, start: float, end: float) -> list[tuple[Shift, Shift]]:
    """Who goes and who comes, for each layer and moment at which one person follows another in a stretch of time."""
    shifts = await desk.schedule(rota.team.name, start - 1, end + 1)
    return [
        (before, after)
        for after in shifts
        for before in shifts
        if start <= after.start <= end
        and before.layer == after.layer
        and before.end == after.start
        and before.person != after.person
    ]


def _near(changes: Sequence[tuple[Shift, Shift]], now: float, *, timed: bool) -> list[tuple[Shift, Shift]]:
    """Those of the next moment at which anybody hands over; of a timer, all around it."""
    if timed or not changes:
        return list(changes)
    ahead = [one for one in changes if one[1].start >= now] or list(changes)
    first = min(after.start for _, after in ahead)
    return [one for one in ahead if one[1].start == first]


def _change(desk: Desk, rota: TeamRota, clock: Clock, before: Shift, after: Shift) -> str:
    layer = f" ({after.layer})" if len(rota.layers) > 1 else ""
    cover = f" ({after.cover} instead of {desk.name(after.instead)})" if after.cover else ""
    names = f"{desk.name(before.person)} hands over to {desk.name(after.person)}"
    return f"{rota.team.name}{layer}: {names}{cover} at {clock.zoned(after.start)}"


async def _open(desk: Desk, rota: TeamRota, now: float) -> list[Block]:
    """What is open, and what was deployed: a row each, the gravest first."""
    marks = await desk.marks().between(now - LOOK_BACK, now)
    ours = [mark for mark in marks if mark.detail.get("team", rota.team.name) == rota.team.name]
    going = [mark for kind in _WORTH_TELLING for mark in reversed(ours) if mark.kind == kind and _goes_on(mark, now)]
    deploys = [mark for mark in reversed(ours) if mark.kind == "deploy"]
    bad = [mark for mark in deploys if mark.state not in ("succeeded", "running")]
    if not going and not deploys:
        return [text("nothing is open, and nothing was deployed in the last day", tone=GOOD)]
    rows = [_row(mark) for mark in [*going, *deploys][:ROWS]]
    quiet = "nothing is open" if not going else f"{len(going)} open: " + ", ".join(mark.id for mark in going[:8])
    known = f"; {', '.join(mark.id for mark in bad[:4])} did not go well" if bad else ""
    return [
        text(f"{quiet}{known}", tone=WARNING if going or bad else GOOD),
        table(["id", "what", "since", "state", "by"], rows),
    ]


def _goes_on(mark: Mark, now: float) -> bool:
    return mark.until is None or (mark.kind in ("lock", "silence") and mark.until > now)


def _row(mark: Mark) -> tuple[str | datetime | None, ...]:
    return mark.id, mark.title, datetime.fromtimestamp(mark.at, UTC), mark.state, mark.person or None


async def _covers(desk: Desk, rota: TeamRota, clock: Clock) -> list[Block]:
    """Covers and swaps of the week ahead, so that nobody is surprised."""
    found = await desk.schedule(rota.team.name, clock.now, clock.now + 7 * 86400)
    lines = [
        f"{desk.name(one.person)} instead of {desk.name(one.instead)} {clock.span(one.start, one.end)} ({one.cover})"
        for one in found
        if one.cover and one.start > clock.now
    ]
    return [text(f"ahead: {'; '.join(lines[:5])}")] if lines else []


async def tick(call: Call, desk: Desk) -> int:
    """Set a timer for every hand-over that is near, in the rooms of teams that want a note; how many."""
    found = 0
    for rota in desk.rotas():
        if not rota.team.handover or not rota.team.room:
            continue
        try:
            changes = await hand_overs(desk, rota, call.at, call.at + AHEAD)
        except ProviderError:
            continue  # whoever asks for the team is told
        if changes:
            at = min(after.start for _, after in changes)
            line = f"oncall handover {rota.team.name}"
            await call.ask(line, room=rota.team.room, at=at, key=f"handover.{rota.team.name}")
            found += 1
    return found
