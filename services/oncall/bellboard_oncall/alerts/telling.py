"""Telling of groups: marks, cards, pages; each group at most once in `EVERY` seconds, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from bellboard import Call
from bellboard.marks import Draft, Mark
from bellboard.telemetry import names

from . import flood
from .desk import Desk
from .flood import Flood
from .groups import Group
from .silences import Silence, over
from .store import kept_json, together

EVERY = 5.0
"""Seconds between two changes of one card."""

LOST = 60.0
"""Seconds after which somebody else takes on what a command was about to tell."""

DUE = "alerts.due"
"""Where it is remembered which groups are to be told of later, and when."""


def due(group: Group, by: str, now: float) -> Group:
    """The group, to be told of by a command: now, or later if it was told of just now or another command is at it."""
    busy = group.claim not in ("", by) and now - group.claimed < LOST
    if busy or (group.id and group.claim != by and now - group.claimed < EVERY):
        return replace(group, behind=True)
    return replace(group, claim=by, claimed=now, behind=False)


async def renew(
    call: Call, desk: Desk, groups: Iterable[Group], how: Callable[[Group], Group] = lambda one: one
) -> list[Group]:
    """Change some groups, and tell of them: now, or later if they were told of just now. What they are then."""

    def renewed(one: Group) -> Group:
        return due(how(one), call.id, call.at)

    changed = await together(desk.groups().change(one.key, renewed) for one in groups)
    await told(call, desk, changed)
    return changed


async def told(call: Call, desk: Desk, changed: Sequence[Group]) -> None:
    """Tell of what this command has claimed, and have the rest told later."""
    await tell(call, desk, [one for one in changed if one.claim == call.id], call.at)
    await later(call, desk, [one.name for one in changed if one.behind], call.at)


async def tell(call: Call, desk: Desk, groups: Sequence[Group], now: float) -> None:
    """Tell of the groups that this command has claimed. An attempt after this one tells the same, and it counts once."""
    if not groups:
        return
    fresh = {one.name for one in groups if not one.id}
    named = [await _named(desk, one) for one in groups]
    silences = await desk.silences().now(now)
    quiet = {one.name: over(one, silences, now) for one in named}
    loud = [one for one in named if quiet[one.name] is None and not one.card and not one.flood]
    floods = await _floods(call, desk, [one for one in loud if one.open or one.name in fresh], now)
    said = [await _tell(call, desk, one, quiet[one.name], floods.get(one.route.room), one.name in fresh, now) for one in named]
    changed = await together(_told(desk, one) for one in said)
    await later(call, desk, [one.name for one in changed if one.behind], now)


async def _named(desk: Desk, group: Group) -> Group:
    """The group with its mark."""
    if group.id:
        return group
    mark = await desk.marks.begin("A", _draft(group), key=f"{group.name}.{group.episode}")
    named = replace(group, id=mark.id)
    await desk.groups().note(named)
    return named


def _draft(group: Group) -> Draft:
    return Draft(
        title=group.title,
        at=group.since or group.opened,
        app=group.label(group.route.app),
        env=group.label(group.route.env),
        state="firing",
        detail={"room": group.route.room, "team": group.route.team, "severity": group.severity},
    )


async def _floods(call: Call, desk: Desk, fresh: Sequence[Group], now: float) -> dict[str, Flood]:
    """What each room has had lately, those that are to have cards counted in; the card of a flood is opened or renewed."""
    found = {}
    for room in dict.fromkeys(one.route.room for one in fresh):
        new = [(one.id, one.title) for one in fresh if one.route.room == room]
        found[room] = await change_flood(desk, room, partial(flood.admit, new=new, now=now, by=call.id))
        if not all(found[room].own(id) for id, _ in new):
            await show_flood(call, desk, room, found[room], now)
    return found


async def change_flood(desk: Desk, room: str, how: Callable[[Flood], Flood]) -> Flood:
    """Change what is remembered of a room's flood, and return it."""
    said = await kept_json(desk.memory(), flood.key(room), lambda one: asdict(how(Flood.of(one))))
    return Flood.of(said)


async def show_flood(call: Call, desk: Desk, room: str, found: Flood, now: float) -> None:
    """Open the card of a flood, or bring it up to date now or later."""
    line = f"alert flood {room}"
    if not found.card and found.claim == call.id:
        card = await call.ask(line, room=room)
        await change_flood(desk, room, lambda one: replace(one, card=card, shown=now) if one.begun == found.begun else one)
    elif found.card and now - found.shown >= EVERY:
        await change_flood(desk, room, lambda one: replace(one, shown=now) if one.begun == found.begun else one)
        await call.ask(line, card=found.card)
    else:
        await later(call, desk, [f"flood:{room}"], now)


async def _tell(
    call: Call, desk: Desk, group: Group, silence: Silence | None, room: Flood | None, fresh: bool, now: float
) -> Group:
    """Tell of one group; what it is then."""
    line, own = f"alert show {group.id}", not group.flood and (room is None or room.own(group.id))
    if group.last_id:
        await end_mark(desk, group.last_id, now)
        if group.last_card:
            await call.ask(f"alert show {group.last_id}", card=group.last_card)
    group = replace(group, flood=not own, last_id="", last_card="")
    if group.card:
        await call.ask(line, card=group.card)
    elif own and silence is None and (group.open or fresh):
        group = replace(group, card=await call.ask(line, room=group.route.room))
    if group.open and group.route.page and not group.page and silence is None:
        await call.ask(f"alert page {group.id}")
    if group.ended:
        await end_mark(desk, group.id, group.ended)
        if group.page:
            await call.ask(f"page resolve {group.page} {group.id} is over")
    return group


async def end_mark(desk: Desk, id: str, at: float) -> None:
    """Note that an alert is over."""
    mark: Mark | None = await desk.marks.find(id)
    if mark is not None and mark.until is None:
        await desk.marks.update(replace(mark, until=max(at, mark.at), state="resolved"))


async def _told(desk: Desk, told: Group) -> Group:
    """Remember what was told. If the group burns anew meanwhile, its old card is to say that it was over."""

    def how(group: Group) -> Group:
        if group.episode == told.episode:
            return replace(
                group, id=told.id, card=told.card, flood=told.flood, claim="", last_id=told.last_id, last_card=told.last_card
            )
        return group if group.last_id else replace(group, last_id=told.id, last_card=told.card, behind=True)

    return await desk.groups().change(told.key, how)


async def later(call: Call, desk: Desk, whom: Sequence[str], now: float) -> None:
    """Have these groups told of by a sweep to come; there is one for all of them."""
    if not whom:
        return

    def how(said: dict[str, Any] | None) -> dict[str, Any]:
        plan = said if said and said["at"] > now - LOST else {"at": now + EVERY, "by": call.id}
        return {**plan, "names": list(dict.fromkeys([*(said["names"] if said else ()), *whom]))}

    plan = await kept_json(desk.memory(), DUE, how)
    if plan["by"] == call.id:
        await call.ask("alert sweep", at=float(plan["at"]), key="sweep")
    names.ALERTS_DUE.set(len(plan["names"]))
