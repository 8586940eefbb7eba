"""The commands about pages."""

from __future__ import annotations

from datetime import timedelta

from bellboard import Block, Call, UserError, reply, text
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.api.oncall.v1 import pages_pb2 as pb
from bellboard.marks import parse
from bellboard.plain import plain
from bellboard.replies import GOOD

from ..alerts.commands import acknowledge
from ..declared import bot
from . import cards, engine, work
from .model import Page
from .plans import plans

BY_ITSELF = (ledger_pb2.CAUSE_BOT, ledger_pb2.CAUSE_TIMER)


@bot.command
async def page(call: Call, target: str, why: str, *, pages: work.Desk) -> list[Block]:
    """Page whoever is on call, or a person."""
    if not (why := plain(why)):
        raise UserError("why? whoever is woken wants to know", hint=f'page {target} "checkout is down"')
    if call.preview:
        team, person, policy, room = work.aim(pages.rota, target)
        made = engine.opened("P0", policy, call.at, team=team, person=person, why=why, about="", room=room or call.room, by="")
        told = [
            (number, plan)
            for number, step in enumerate(policy.steps, 1)
            for plan in (await plans(made, step, pages.rota, call.at))[0]
        ]
        return cards.preview(made.target, policy, told, pages.rota)
    begun = await work.begin(call, pages.keep, pages.marks, pages.rota, target=target, why=why)
    return cards.show(begun, pages.rota)


@bot.command
async def ack(call: Call, id: str, *, pages: work.Desk) -> list[Block]:
    """Say that you are on it."""
    if not id:
        known = await pages.book.all()
        mine = [one for one in known if one.state == "open"]
        mine = [one for one in mine if call.person in one.told] or mine
        if call.attempt > 1:  # the one that an attempt before this one acked
            mine = [one for one in known if (one.acked_by, one.acked_at) == (call.person, call.at)] or mine
        if len(mine) > 1:
            return [cards.which(mine, "ack")]
        if not mine:
            raise UserError("no page is open", hint="page list --all")
        id = mine[0].id
    about = await pages.book.find(id)
    if _alert(id) and (about is None or about.state == "resolved"):
        if (group := await acknowledge(call, pages.keep, id.upper(), call.person)) is None:
            raise UserError(f"nothing burns under {id[:16]}", hint="see: alert list")
        return [text(f"{cards.name(pages.rota, group.acked_by)} is on {group.id}: {group.title}", tone=GOOD)]
    found = await pages.book.get(id)
    told = work.pager(found)
    found = await pages.book.change(found.id, lambda page: engine.acked(page, call.person, call.at, plans=told))
    await _changed(call, pages, found)
    if found.about:
        await acknowledge(call, pages.keep, found.about, call.person)
    return [text(f"{cards.name(pages.rota, call.person)} is on {found.id}: {found.why}", tone=GOOD)]


@bot.command
async def resolve_page(call: Call, id: str, why: str, *, pages: work.Desk) -> list[Block]:
    """Say that it is over."""
    why = plain(why)
    found = await pages.book.get(id)
    told = work.pager(found)
    found = await pages.book.change(found.id, lambda page: engine.resolved(page, call.person, call.at, why, plans=told))
    await _changed(call, pages, found)
    await pages.book.prune()
    return [text(f"{found.id} is over{f': {why}' if why else ''}", tone=GOOD)]


@bot.command
async def snooze(call: Call, id: str, length: timedelta, *, pages: work.Desk) -> list[Block]:
    """Be reminded of it later."""
    found, seconds = await pages.book.get(id), length.total_seconds()
    if not 60 <= seconds <= 7 * 86400:
        raise UserError("between a minute and a week", hint=f"snooze {found.id} for 30m")
    found = await pages.book.change(found.id, lambda page: engine.snoozed(page, call.person, seconds, call.at))
    await _changed(call, pages, found)
    return [text(f"{found.id} is put off for {engine.length(seconds)}; if it is not over then, it goes on")]


@bot.command
async def escalate(call: Call, id: str, *, pages: work.Desk) -> list[Block]:
    """Go to the next step at once."""
    found = await pages.book.get(id)
    found = await pages.book.change(found.id, lambda page: engine.escalated(page, call.person, call.at))
    await work.hurry(call, found)
    await _changed(call, pages, found)
    whom = ", ".join(found.policy.steps[found.step - 1].notify) if found.step <= len(found.policy.steps) else "the next"
    return [text(f"{found.id} goes to {whom} now")]


@bot.command
async def show_page(call: Call, id: str, *, pages: work.Desk) -> list[Block]:
    """Show a page and who was told."""
    found = await pages.book.get(id)
    mention = cards.mentioned(found, call.room) if call.cause in BY_ITSELF else ()
    return cards.show(found, pages.rota, mention=mention)


@bot.command
async def list_pages(call: Call, team: str, all: bool, *, pages: work.Desk) -> pb.ListPagesResponse:
    """List the pages that are open."""
    found = await (pages.book.all() if all else pages.book.open())
    found = [one for one in found if not team or one.target == team.removeprefix("@")]
    if not found:
        return pb.ListPagesResponse(reply=reply(text("no page is open" if not all else "there are no pages", tone=GOOD)))
    block = cards.listed(found[-100:], pages.rota)
    return pb.ListPagesResponse(reply=reply(block), table=block.table)


@bot.command
async def step(call: Call, id: str, step: int, round: int, *, pages: work.Desk) -> list[Block]:
    """Send one step of a page."""
    await work.carry(call, pages, id, step, round)
    return []


async def _changed(call: Call, pages: work.Desk, page: Page) -> None:
    """After a person did something with it."""
    await work.wake(call, page)
    await work.tell(call, pages, page)


def _alert(id: str) -> bool:
    found = parse(id)
    return found is not None and found[0] == "A"
