"""What steps in by itself: which helpers there are, where they are on, and what an id in talk stands for."""

from __future__ import annotations

from datetime import UTC, datetime

from bellboard import Call, Failed, UserError, replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BusError
from bellboard.grammar.suggest import nearest
from bellboard.marks import Mark

from ..helpers import declared
from .bot import bot
from .hall import Hall

ONCE_IN = 3600.0
"""Seconds for which what was said of an id in a room or a thread is not said there again by itself."""

UNREACHABLE = "the bus can't be reached"


@bot.command
async def helpers(call: Call, *, hall: Hall) -> list[chat.Block]:
    """Say what steps in by itself, and whether it does here.

    Each is off until somebody switches it on.
    """
    on = await hall.dispatch.helpers.on(call.room)
    rows = [
        (helper.name, f"on, by {on[helper.name]}" if helper.name in on else "off", helper.help, helper.bot)
        for helper in declared(hall.registry.vocabulary.commands)
        if hall.registry.available(helper.bot)
    ]
    hint = replies.text("Switch one on with helper on NAME, and off with quiet NAME. It is about this room alone.")
    return [replies.table(["helper", "here", "what it does", "bot"], rows), hint]


@bot.command
async def helper_on(call: Call, name: str, *, hall: Hall) -> list[chat.Block]:
    """Have a helper step in by itself in this room."""
    known = {helper.name: helper for helper in declared(hall.registry.vocabulary.commands)}
    if (helper := known.get(name.lower())) is None:
        near = nearest(name, known)
        raise UserError(f"there is no helper “{name}”", hint=f"helper on {near}" if near else "helpers lists them")
    await hall.dispatch.helpers.begin(call.room, helper.name, hall.person(call).id)
    return [replies.text(f"{helper.name} is on in this room: {helper.help}. quiet {helper.name} ends it.", tone=replies.GOOD)]


@bot.command
async def quiet(call: Call, name: str, *, hall: Hall) -> list[chat.Block]:
    """Have a helper keep quiet in this room."""
    name, on = name.lower(), await hall.dispatch.helpers.on(call.room)
    known = {helper.name for helper in declared(hall.registry.vocabulary.commands)}
    if name not in on and name not in known:
        near = nearest(name, on) or nearest(name, sorted(known))
        raise UserError(f"there is no helper “{name}”", hint=f"quiet {near}" if near else "helpers lists them")
    await hall.dispatch.helpers.end(call.room, name)
    return [replies.text(f"{name} keeps quiet in this room.", tone=replies.GOOD)]


@bot.command
async def unfurl(call: Call, ref: str, *, hall: Hall) -> list[chat.Block]:
    """Say what an id or a ticket stands for.

    By itself it says so once an hour, and nothing where nothing is known.
    """
    unasked = call.cause == pb.CAUSE_TRIGGER
    if unasked and await hall.said_lately(call, ONCE_IN):
        return []
    blocks = _ticket(ref, hall) or await _mark(ref, hall, unasked=unasked)
    return blocks if blocks or unasked else [replies.text(f"Nothing is known of {ref}.")]


def _ticket(ref: str, hall: Hall) -> list[chat.Block]:
    tracker = hall.trackers.of(ref)
    return [replies.link(tracker.address(ref), f"{ref} in {tracker.name}")] if tracker else []


async def _mark(ref: str, hall: Hall, *, unasked: bool) -> list[chat.Block]:
    try:
        mark = await hall.marks.find(ref)
    except BusError:
        if unasked:
            return []
        raise Failed(UNREACHABLE, hint="try again") from None
    return _told(mark, hall) if mark is not None else []


def _told(mark: Mark, hall: Hall) -> list[chat.Block]:
    where = " in ".join(part for part in (mark.app, mark.env) if part)
    state = f"{mark.state}, rehearsed" if mark.rehearsal else mark.state
    began = datetime.fromtimestamp(mark.at, UTC)
    over = datetime.fromtimestamp(mark.until, UTC) if mark.until is not None and mark.until > mark.at else None
    row = (mark.id, mark.title, state, mark.person or mark.bot, where, began, over)
    told = [
        (name, value) for name, value in zip(("id", "what", "state", "who", "of", "when", "until"), row, strict=True) if value
    ]
    blocks = [replies.table([name for name, _ in told], [[value for _, value in told]])]
    if view := hall.board.known(mark.command):
        blocks.append(chat.Block(link=chat.Link(url=f"#{view.room}/{mark.command}", title=f"the card of {mark.id}")))
    return blocks
