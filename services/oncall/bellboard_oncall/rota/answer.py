"""What people see of a rota: `oncall who`, `schedule` and `next`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, tzinfo

from bellboard import Block, Call, UserError, table, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.replies import WARNING, Value

from . import Shift
from .desk import Desk
from .model import TeamRota
from .times import Clock, alone, moment, stretch
from .words import length

NEXT = 60 * 86400.0
"""How far ahead, in seconds, the next shift is looked for."""

LONGEST = 370 * 86400.0
"""The longest schedule, in seconds."""

ROWS = 40
"""Shifts on a card."""

COLUMNS = ["team", "layer", "person", "from", "until", "instead", "cover"]


async def who(call: Call, desk: Desk, team: str, at: TimeRange | None) -> tuple[list[Block], Block]:
    """Who is on call: blocks for people, and a table for pipes."""
    rotas = (desk.rota(team),) if team else desk.rotas()
    start, end = await stretch(at, call.at, desk.marks())
    if at is not None and not alone(at, start, call.at) and start < end:
        return await _between(call, desk, rotas, start, end)
    when = end
    lines: list[Block] = []
    found: list[Shift] = []
    for rota in rotas:
        ahead = await desk.schedule(rota.team.name, when, when + (NEXT if len(rotas) == 1 else 0.001))
        on = desk.on(ahead, when)
        found += on
        clock = Clock(desk.zone(call.person, rota.team), call.at)
        lines += _told(desk, rota, clock, when, on, ahead) if len(rotas) == 1 else []
        lines += desk.warnings(rota) if len(rotas) == 1 else []
    whole = table(COLUMNS, [_row(one) for one in found])
    if len(rotas) == 1:
        return lines, whole
    said = text(
        f"on call in {len(rotas)} teams" + ("" if at is None else f" at {Clock(_zone(call, desk), call.at).zoned(when)}")
    )
    rows = [(rota.team.name, *_short(desk, found, rota)) for rota in rotas]
    return [said, table(["team", "on call", "until"], rows), *desk.warnings()], whole


def _zone(call: Call, desk: Desk) -> tzinfo:
    return desk.zone(call.person, desk.rotas()[0].team)


def _short(desk: Desk, found: Sequence[Shift], rota: TeamRota) -> tuple[Value, ...]:
    mine = [one for one in found if one.team == rota.team.name]
    if not mine:
        return "nobody", None
    return ", ".join(_named(desk, rota, one) for one in mine), moment(min(one.end for one in mine))


def _told(desk: Desk, rota: TeamRota, clock: Clock, when: float, on: Sequence[Shift], ahead: Sequence[Shift]) -> list[Block]:
    """A line for each layer: who, until when, and who is next."""
    team, later = rota.team.name, when - clock.now > 60
    at = f" on {clock.zoned(when)}" if later else ""
    if not on:
        after = next((one for one in ahead if one.start > when), None)
        then = f"; next is {desk.name(after.person)}, {clock.zoned(after.start)}" if after else ""
        return [text(f"nobody is on call for {team}{at}{then}", tone=WARNING)]
    lines = []
    for one in on:
        verb = "will be" if later else "is"
        cover = f", instead of {desk.name(one.instead)} ({one.cover})" if one.cover else ""
        end = _until(one, ahead)
        after = next((shift for shift in ahead if shift.layer == one.layer and shift.start == end), None)
        then = f", then {desk.name(after.person)}" if after else ""
        until = _said_until(one, end, when + NEXT, clock)
        lines.append(text(f"{_named(desk, rota, one)} {verb} on call for {team}{at}{cover}, {until}{then}"))
    return lines


def _until(one: Shift, ahead: Sequence[Shift]) -> float:
    """When a person's stretch ends: shifts that follow each other without a break are one."""
    end = one.end
    for other in ahead:
        if other.layer == one.layer and other.person == one.person and other.start <= end < other.end:
            end = other.end
    return end


def _said_until(one: Shift, end: float, seen: float, clock: Clock) -> str:
    """When a stretch ends, in words; turns of one person were followed as far as ``seen``, and may go on behind it."""
    return f"until {clock.zoned(end)}" if end < seen or end == one.end else "and nobody else in the next 60 days"


def _named(desk: Desk, rota: TeamRota, one: Shift) -> str:
    several = len(rota.layers) > 1
    return f"{desk.name(one.person)} ({one.layer})" if several and one.layer else desk.name(one.person)


async def _between(call: Call, desk: Desk, rotas: Sequence[TeamRota], start: float, end: float) -> tuple[list[Block], Block]:
    found = [one for rota in rotas for one in await desk.schedule(rota.team.name, start, end)]
    shown = _shifts(desk, found)
    said = text(f"on call {Clock(_zone(call, desk), call.at).span(start, end)}")
    warnings = desk.warnings(rotas[0] if len(rotas) == 1 else None)
    return [said, shown, *warnings] if found else [text("nobody is on call then", tone=WARNING), *warnings], shown


async def schedule(call: Call, desk: Desk, team: str, ahead: timedelta) -> tuple[list[Block], Block]:
    """The shifts ahead."""
    rota = desk.rota(team)
    seconds = ahead.total_seconds()
    if not 0 < seconds <= LONGEST:
        raise UserError("a schedule is a year long at most", hint="--for 14d")
    found = await desk.schedule(rota.team.name, call.at, call.at + seconds)
    shown = _shifts(desk, found[:ROWS])
    zone = Clock(desk.zone(call.person, rota.team), call.at)
    head = f"{rota.team.name}: {length(seconds)} ahead, until {zone.zoned(call.at + seconds)}"
    more = [text(f"and {len(found) - ROWS} more: oncall schedule {rota.team.name} --for …")] if len(found) > ROWS else []
    if not found:
        return [text(f"nobody is on call for {rota.team.name} in that time", tone=WARNING), *desk.warnings(rota)], shown
    return [text(head), shown, *more, *desk.warnings(rota)], _shifts(desk, found)


async def next_(call: Call, desk: Desk, person: str) -> tuple[list[Block], Block]:
    """When a person is on call next, in every team. Raises UserError: nobody is called so."""
    rotas = desk.rotas()
    who = desk.known(person) if person else call.person
    mine = [one for rota in rotas for one in await desk.schedule(rota.team.name, call.at, call.at + NEXT) if one.person == who]
    mine.sort(key=lambda one: one.start)
    shown = _shifts(desk, mine)
    you = "you are" if who == call.person else f"{desk.name(who)} is"
    if not mine:
        return [text(f"{you} not on call in the next 60 days"), *desk.warnings()], shown
    clock, first = Clock(_zone(call, desk), call.at), mine[0]
    if first.start <= call.at:
        until = _said_until(first, _until(first, mine), call.at + NEXT, clock)
        head = f"{you} on call for {first.team} now, {until}"
    else:
        head = f"{you} on call for {first.team} in {length(first.start - call.at)}, {clock.span(first.start, first.end)}"
    return [text(head), _shifts(desk, mine[:8]), *desk.warnings()], shown


async def mention(call: Call, desk: Desk, team: str) -> list[Block]:
    """Ask for the attention of whoever is on call; of several layers, of the first. Of no team of ours, nothing is said."""
    rotas = {rota.team.name: rota for rota in desk.rotas()}
    if team not in rotas and call.cause == ledger.CAUSE_TRIGGER:
        return []
    rota = desk.rota(team)
    on = await desk.who(rota.team.name, call.at)
    if not on:
        return [text(f'nobody is on call for {rota.team.name} now: page {rota.team.name} "why"', tone=WARNING)]
    first = [one for one in on if one.layer == on[0].layer]
    called = " ".join(f"@{one.person}" for one in first)
    others = [_named(desk, rota, one) for one in on if one not in first]
    behind = f" Behind you: {', '.join(others)}." if others else ""
    by = f" {desk.name(call.person)} asks." if call.person else ""
    said = f"{called}: you are on call for {rota.team.name}.{by}{behind}"
    return [text(said, mentions=[one.person for one in first]), *desk.warnings(rota)]


def _shifts(desk: Desk, shifts: Sequence[Shift]) -> Block:
    return table(COLUMNS, [_row(one) for one in shifts])


def _row(one: Shift) -> tuple[Value, ...]:
    return one.team, one.layer, one.person, moment(one.start), moment(one.end), one.instead or None, one.cover or None
