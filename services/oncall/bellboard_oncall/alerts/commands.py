"""The commands about alerts."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bellboard import Block, Call, UserError, reply, table, text
from bellboard.api.hooks.v1.hooks_pb2 import HookBatch
from bellboard.api.oncall.v1 import alerts_pb2 as pb
from bellboard.keep import Keep
from bellboard.plain import plain
from bellboard.replies import GOOD

from ..declared import bot
from . import cards, flood, quiet, taking
from .desk import Desk
from .groups import Group, closed
from .silences import over
from .store import Groups
from .telling import change_flood, renew


@bot.command
async def take_alerts(call: Call, batch: HookBatch, *, desk: Desk) -> list[Block]:
    """Take in what came from outside."""
    await taking.take(call, batch, desk)
    return []


@bot.command
async def sweep(call: Call, *, desk: Desk) -> list[Block]:
    """Look again at alerts whose cards are behind."""
    await taking.sweep(call, desk)
    return []


@bot.command
async def upkeep(call: Call, *, desk: Desk) -> list[Block]:
    """Find cards that were lost, and forget what is long over."""
    await taking.upkeep(call, desk)
    return []


@bot.command
async def begin_page(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """Page for an alert."""
    await taking.begin_page(call, desk, id)
    return []


@bot.command
async def show_flood(call: Call, room: str, *, desk: Desk) -> list[Block]:
    """Show how many alerts came at once."""
    found = await change_flood(desk, room, lambda one: one)
    return cards.flooded(room, found, time.time(), flood.WINDOW) if found.count else [text("no flood")]


@bot.command
async def show_alert(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """Show an alert group."""
    group = await desk.groups().of(id)
    if group is None:
        mark = await desk.marks.find(id)
        if mark is None or mark.kind != "alert":
            raise UserError(f"there is no alert {id[:16]}", hint="see: alert list")
        return cards.past(mark)
    silence = over(group, await desk.silences().all(), call.at)
    return cards.card(group, silence, await cards.deploy_before(desk.marks, group))


@bot.command
async def list_alerts(call: Call, team: str, all: bool, *, desk: Desk) -> pb.ListAlertsResponse:
    """List the alerts that burn."""
    groups = [one for one in await desk.groups().all() if (all or one.open) and team in ("", one.route.team)]
    if team and not groups:
        desk.rota.team(team)  # says so if there is no such team
    if not groups:
        return pb.ListAlertsResponse(reply=reply(text("nothing burns", tone=GOOD)))
    silences = await desk.silences().now(call.at)
    covered = [(one, silence) for one in groups if (silence := over(one, silences, call.at)) is not None]
    listed = cards.listing(groups[:200], covered)
    return pb.ListAlertsResponse(reply=reply(listed), table=listed.table)


@bot.command
async def silence(call: Call, target: str, why: str, length: timedelta, *, desk: Desk) -> list[Block]:
    """Keep alerts quiet for a while."""
    return await quiet.silence(call, desk, target, why, length.total_seconds())


@bot.command
async def silences(call: Call, *, desk: Desk) -> pb.SilencesResponse:
    """List the silences in force."""
    found = await desk.silences().now(call.at)
    if not found:
        return pb.SilencesResponse(reply=reply(text("nothing is silenced")))
    rows = [
        (
            one.id,
            quiet.about(one),
            datetime.fromtimestamp(one.until, UTC),
            one.person,
            one.why,
            "yes" if one.remote else one.note or "no",
        )
        for one in found
    ]
    listed = table(["id", "what", "until", "by", "why", "at the source"], rows)
    return pb.SilencesResponse(reply=reply(listed), table=listed.table)


@bot.command
async def expire(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """End a silence now."""
    return await quiet.expire(call, desk, id)


@bot.command
async def resolve_alert(call: Call, id: str, why: str, *, desk: Desk) -> list[Block]:
    """Say that an alert is over."""
    group = await desk.groups().of(id)
    if group is None or not (group.open or group.ended == call.at):  # by an attempt before this one
        raise UserError(f"nothing burns under {id[:16]}", hint="see: alert list")
    (group,) = await renew(call, desk, [group], lambda one: closed(one, call.at))
    return [text(cards.headline(group) + (f" — {plain(why)}" if why else ""), tone=GOOD)]


async def acknowledge(call: Call, keep: Keep, id: str, person: str) -> Group | None:
    """Note on an alert's card that a person takes care of it, unless somebody does; None if nothing burns under that id."""
    groups = Groups(keep)
    group = await groups.of(id)
    if group is None or not group.open:
        return None

    def how(one: Group) -> Group:
        if one.episode != group.episode or one.acked_by:
            return one
        return replace(one, acked_by=person, acked_at=call.at)

    changed = await groups.change(group.key, how)
    if changed.card:
        await call.ask(f"alert show {changed.id}", card=changed.card)
    return changed
