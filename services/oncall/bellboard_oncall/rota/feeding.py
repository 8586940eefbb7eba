"""Calendars for programs outside: each under a secret address that `oncall feed` gives out, brought up to date by the tick."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

import orjson

from bellboard import Block, Call, ProviderError, UserError, choice, link, question, text
from bellboard.feeds import LARGEST, new_name
from bellboard.keep import KeepConflict, Kept, token
from bellboard.replies import WARNING
from bellboard.stored import revive

from . import Shift, calendar
from .desk import Desk

BEHIND, AHEAD = 30, 180
"""Days before and after today that a calendar holds."""

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Address:
    """A calendar that somebody asked for.

    Attributes:
        team, person: whose it is; one of them is empty.
        name: the secret part of its address.
        old: the secret before it, until it is certain that nothing is served there.
        command: the id of the command that made it, so that its second attempt makes no other.
        digest: of what is served, so that the same is not written again.
    """

    team: str
    person: str
    name: str
    command: str
    old: str = ""
    digest: str = ""


async def address(call: Call, desk: Desk, team: str, renew: bool) -> list[Block]:
    """Give the address of a calendar, making it if there is none or it is to be another."""
    if not team and not call.person:
        raise UserError("whose?", hint="such as oncall feed payments")
    name = desk.team(team).name if team else ""
    person = "" if team else call.person
    key = f"feed.{'team' if team else 'person'}.{token(name or person)}"
    made = await _made(desk, key, name, person, call.id, renew=renew)
    await serve(desk, key, made, call.at)
    whose = f"the on-call calendar of {name}" if name else "your on-call calendar"
    path = f"/feeds/oncall/{made.name}"
    again = f"oncall feed {name} --renew".replace("  ", " ")
    return [
        text(f"{whose}, for any calendar program; it is brought up to date every ten minutes"),
        link(f"{desk.web_url.rstrip('/')}{path}", "calendar address")
        if desk.web_url
        else text(f"{path} at the address of this room"),
        text("the address is a secret: whoever has it can read, and everybody in this room has seen it", tone=WARNING),
        question("Seen by the wrong people?", choice("Make another address", again)),
    ]


async def _made(desk: Desk, key: str, team: str, person: str, command: str, *, renew: bool) -> Address:
    while True:
        kept = await desk.keep().get(key)
        known = _load(kept)
        if known is not None and (not renew or known.command == command):
            return known
        made = Address(team, person, new_name(), command, known.name if known else "")
        try:
            await desk.keep().put(key, orjson.dumps(asdict(made)), expected=kept.revision if kept else 0)
        except KeepConflict:
            renew = False  # somebody else has made one at this moment: that is as new
            continue
        return made


async def serve(desk: Desk, key: str, made: Address, now: float) -> None:
    """Serve a calendar as the rota is now, and nothing under its former address."""
    data = await _data(desk, made, now)
    digest = sha256(data).hexdigest()
    if made.old:
        await desk.feeds().forget(made.old)
    if digest == made.digest and not made.old:
        return
    await desk.feeds().put(made.name, data, media_type="text/calendar")
    kept = await desk.keep().get(key)
    known = _load(kept)
    if kept is None or known is None or known.name != made.name:
        return  # it was renewed meanwhile, and whoever did that serves it
    try:
        await desk.keep().put(key, orjson.dumps(asdict(replace(known, old="", digest=digest))), expected=kept.revision)
    except KeepConflict:
        return  # the next tick looks again


async def _data(desk: Desk, made: Address, now: float) -> bytes:
    today = now // _DAY * _DAY
    names = {one.id: one.name for one in desk.people.values()}
    for ahead in (AHEAD, AHEAD // 2, AHEAD // 6):
        shifts = await _shifts(desk, made, today - BEHIND * _DAY, today + ahead * _DAY)
        title = f"On call: {made.team or names.get(made.person, made.person)}"
        data = calendar.write(title, shifts, names, own=made.person)
        if len(data) <= LARGEST:
            break
    return data


async def _shifts(desk: Desk, made: Address, start: float, end: float) -> list[Shift]:
    teams = [team.name for team in desk.teams()]
    if made.team:
        return list(await desk.schedule(made.team, start, end)) if made.team in teams else []
    return [one for team in teams for one in await desk.schedule(team, start, end) if one.person == made.person]


async def refresh(desk: Desk, now: float) -> int:
    """Bring every calendar up to date; how many there are."""
    kept = await desk.keep().list("feed")
    for one in kept:
        if (made := _load(one)) is not None:
            with suppress(ProviderError):  # then it stays as it was; whoever asks for the team is told
                await serve(desk, one.key, made, now)
    return len(kept)


def _load(kept: Kept | None) -> Address | None:
    return revive(Address, orjson.loads(kept.value)) if kept else None
