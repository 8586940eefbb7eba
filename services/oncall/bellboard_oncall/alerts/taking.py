"""What comes in from outside becomes groups; what could not be told of at once is told by a sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from bellboard import Call, ProviderError
from bellboard.api.hooks.v1.hooks_pb2 import HookBatch
from bellboard.ledger.ops import seconds
from bellboard.telemetry import logs, names

from .desk import Desk
from .flood import Flood
from .formats import read
from .groups import Group, closed, merge, seen
from .model import Notice
from .routing import Routing
from .silences import Silence, matchers, over
from .store import Groups, kept_json, together
from .telling import DUE, EVERY, LOST, change_flood, due, later, renew, show_flood, tell, told

MOST_TOLD = 24
"""Groups that one sweep tells of; the others wait for the next."""

FORGOTTEN = 14 * 86400.0
"""Seconds after which a group that is over is forgotten."""


async def take(call: Call, batch: HookBatch, desk: Desk) -> None:
    """Take in what came at a webhook. Whatever comes twice changes nothing; what can't be read is counted, and passed over.

    Raises:
        BusError: some of it may not be remembered; taking it again is safe.
    """
    if batch.HasField("blob"):
        batch = HookBatch.FromString(await call.blobs.get(batch.blob))
    deliveries = [(one.sequence, seconds(one.at), one.body) for one in batch.deliveries]
    taken = read(batch.hook, batch.format, deliveries)
    _count(batch, taken.notices, taken.bad)
    store, groups = desk.groups(), defaultdict[str, list[Notice]](list)
    for notice in taken.notices:
        groups[notice.group].append(notice)
    changed = await together(_take(call, store, desk.routing, key, notices) for key, notices in groups.items())
    await told(call, desk, changed)


def _count(batch: HookBatch, notices: Sequence[Notice], bad: Sequence[str]) -> None:
    if bad:
        logs.emit(names.ALERTS_BAD, hook=batch.hook, format=batch.format, count=len(bad), why=sorted(set(bad))[:5])
    count: dict[str, int] = {"bad": len(bad), "firing": 0, "resolved": 0}
    for alert in (alert for notice in notices for alert in notice.alerts):
        count["firing" if alert.firing else "resolved"] += 1
    for outcome, number in count.items():
        names.ALERTS_TAKEN.labels(batch.hook, outcome).inc(number)


async def _take(call: Call, store: Groups, routing: Routing, key: str, notices: Sequence[Notice]) -> Group:
    def how(before: Group) -> Group:
        after = merge(before, notices, call.at)
        if after.episode != before.episode:
            after = replace(after, route=routing.choose(after.labels))
        known = not after.episode or seen(after) == seen(before)  # what was never seen to burn is told of to nobody
        return after if known else due(after, call.id, call.at)

    return await store.change(key, how, look=call.attempt > 1)


async def sweep(call: Call, desk: Desk) -> None:
    """Tell of what was put off, and of what a silence no longer covers."""
    await _unsilence(call, desk)
    kept = await desk.memory().get(DUE)
    waiting: list[str] = orjson.loads(kept.value)["names"] if kept else []
    done, claimed = set(waiting[:MOST_TOLD]), []
    for name in waiting[:MOST_TOLD]:
        if name.startswith("flood:"):
            await _flood(call, desk, name.removeprefix("flood:"))
            continue
        group = await desk.groups().get(name)
        group = await desk.groups().change(group.key, lambda one: _again(one, call)) if group else None
        if group is not None and group.claim == call.id:
            claimed.append(group)
        elif group is not None and group.behind:
            done.discard(name)

    def how(said: dict[str, Any] | None) -> dict[str, Any] | None:
        left = [name for name in said["names"] if name not in done] if said else []
        return {"at": 0.0, "by": "", "names": left} if left else None

    left = await kept_json(desk.memory(), DUE, how)
    names.ALERTS_DUE.set(len(left["names"]) if left else 0)
    await tell(call, desk, claimed, call.at)
    await later(call, desk, left["names"] if left else [], call.at)


def _again(group: Group, call: Call) -> Group:
    """The group, claimed by a sweep if something of it has not been told, or somebody who was about to has gone."""
    lost = group.claim and call.at - group.claimed > LOST
    return due(group, call.id, call.at) if group.behind or lost else group


async def _flood(call: Call, desk: Desk, room: str) -> None:
    found = await change_flood(desk, room, lambda one: one)
    if found.card and call.at - found.shown >= EVERY:
        await show_flood(call, desk, room, found, call.at)
    elif found.card:
        await later(call, desk, [f"flood:{room}"], call.at)


async def _unsilence(call: Call, desk: Desk) -> None:
    """What a silence covered that has ended is told of; alerts that ended at their source meanwhile are over."""
    for silence in await _ended(desk, call.at):
        still = await _still(desk, silence)
        covered = [one for one in await desk.groups().all() if one.open and silence.covers(one)]
        await renew(call, desk, covered, partial(_loud, still=still, now=call.at))
        await desk.silences().forget(silence)


async def _ended(desk: Desk, now: float) -> list[Silence]:
    """Silences that are over, and have not been told of."""
    return [one for one in await desk.silences().all() if one.since <= now and not one.holds(now)]


async def _still(desk: Desk, silence: Silence) -> frozenset[str] | None:
    """The alerts that burn on where the silence was set as well; None if that is not known."""
    if not silence.remote or not silence.labels:
        return None
    try:
        return await desk.silencer.burning(matchers(silence.labels))
    except ProviderError:
        return None  # whoever looks at the card will see


def _loud(group: Group, still: frozenset[str] | None, now: float) -> Group:
    if still is not None and group.silencer:
        group = closed(group, now, still)
    return group


async def begin_page(call: Call, desk: Desk, id: str) -> None:
    """Page whoever is on call for an alert, once; of a flood only for the first."""
    from ..pages.work import begin  # not before it is needed: it knows of alerts

    group = await desk.groups().of(id)
    if group is None or not group.open or group.page or not group.route.team:
        return
    if over(group, await desk.silences().now(call.at), call.at) is not None:
        return  # when the silence ends it is asked for again
    if group.flood and not await _first_of_flood(desk, group):
        return
    where = group.label(group.route.app)
    why = f"{group.id}: {group.title}" + (f" on {where}" if where else "")
    page = await begin(
        call,
        desk.keep,
        desk.marks,
        desk.rota,
        target=group.route.team,
        why=why,
        about=group.id,
        room=group.route.room,
    )

    def paged(one: Group) -> Group:
        return replace(one, page=page.id) if one.episode == group.episode else one

    (changed,) = await renew(call, desk, [group], paged)
    if changed.episode != group.episode or changed.ended:
        await call.ask(f"page resolve {page.id} {group.id} is over")


async def _first_of_flood(desk: Desk, group: Group) -> bool:
    """Whether this is the group for which a flood pages the team."""
    team, mine = group.route.team, f"{group.route.team}={group.id}"

    def how(one: Flood) -> Flood:
        known = any(paged.startswith(f"{team}=") for paged in one.paged)
        return one if known else replace(one, paged=(*one.paged, mine))

    return mine in (await change_flood(desk, group.route.room, how)).paged


async def upkeep(call: Call, desk: Desk) -> None:
    """What is to be done now and then: what was lost is asked for again, and what is long over is forgotten."""
    groups, silences = await desk.groups().all(), await desk.silences().now(call.at)
    await later(call, desk, [one.name for one in groups if one.behind or one.claim], call.at)
    for one in groups:
        if one.open and one.route.page and not (one.page or one.flood or one.claim) and over(one, silences, call.at) is None:
            await call.ask(f"alert page {one.id}")
    kept = await desk.memory().get(DUE)
    waits = kept is not None and orjson.loads(kept.value)["at"] < call.at - LOST
    if waits or await _ended(desk, call.at - LOST):
        await call.ask("alert sweep", at=call.at, key="sweep")
    await desk.groups().tidy(call.at - FORGOTTEN)
