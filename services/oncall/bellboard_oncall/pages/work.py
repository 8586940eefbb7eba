"""Carries pages out: what the engine says is done here, and written down before and after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bellboard import Call, UserError
from bellboard.errors import BusError, BusUnavailable
from bellboard.keep import Keep
from bellboard.marks import Draft, Marks
from bellboard.telemetry import logs, names

from ..rota import Rota
from . import engine
from .book import Book, steadily
from .model import CHAT, PAGERDUTY, Page, Plan, Policy, Send
from .plans import OPS, PAGER, PERSON, address, plans, policy_for
from .sending import Notifiers, NotSent, Unclear, notice

LOOK = 60.0
"""Seconds after which somebody looks whether a step that has begun was carried out."""


class Desk:
    """What the commands about pages work with; a rehearsing one has others.

    Attributes:
        book: the pages; rota: who is on call.
        notifiers: by the name of the way.
        web_url: where people find the room, for messages outside; empty if that is not known.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        keep: Keep,
        marks: Marks,
        rota: Rota,
        notifiers: Notifiers,
        *,
        web_url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keep, self.marks, self.rota, self.notifiers = keep, marks, rota, notifiers
        self.book, self.web_url, self.clock = Book(keep, marks), web_url, clock


async def begin(
    call: Call, keep: Keep, marks: Marks, rota: Rota, *, target: str, why: str, about: str = "", room: str = ""
) -> Page:
    """Page a team or a person. The same command, target and alert give the same page again, as it is now.

    Args:
        target: the name of a team, or the id of a person, with an @ before it if a team is called the same.
        about: the id of the alert behind it, such as A3; while a page about it is not over, that one is given.
        room: where people are mentioned; the team's own by default.

    Raises:
        UserError: there is no such team or person.
        BusError: it may have been begun; the same command will tell.
    """
    book = Book(keep, marks)
    before = await book.find(about) if about else None
    if before is not None and (before.state != "resolved" or await _is_by(marks, before, call)):
        if engine.due(before, call.at):
            await call.ask(_line(before))  # an attempt before this one may have come no further
        return before
    team, person, policy, home = aim(rota, target)
    draft = Draft(
        title=f"{team or person} paged: {why[:200]}",
        at=call.at,
        person=call.person,
        command=call.id,
        state="open",
        detail={"target": team or person, **({"about": about} if about else {})},
    )
    # Whoever else pages for the alert at this very moment knows the same page before, and so begins the same one.
    purpose = f"{about} after {before.id if before else 'none'}" if about else call.id
    mark = await marks.begin("P", draft, key=f"{purpose} {target}")
    shown = room or (call.room if call.rehearsal else home) or call.room or OPS
    page = engine.opened(mark.id, policy, call.at, team=team, person=person, why=why, about=about, room=shown, by=call.person)
    page = await book.create(replace(page, cards=() if about or not call.person else (call.card,)))
    now = engine.due(page, call.at)
    if now:
        await call.ask(_line(page))
    await call.ask(_line(page), at=max(page.due or 0.0, call.at + LOOK) if now else page.due or call.at, key=_timer(page))
    return page


async def _is_by(marks: Marks, page: Page, call: Call) -> bool:
    mark = await marks.find(page.id)
    return mark is not None and mark.command == call.id


def aim(rota: Rota, target: str) -> tuple[str, str, Policy, str]:
    """The team or the person that a word means, the policy, and the room. Raises UserError."""
    word = target.removeprefix("@")
    if not target.startswith("@") and any(team.name == word for team in rota.teams()):
        team = rota.team(word)
        return team.name, "", policy_for(rota, team.policy), team.room
    if word in rota.people:
        return "", word, rota.part("policies").get(PERSON.name, PERSON), ""
    known = ", ".join([*(team.name for team in rota.teams()), *(f"@{one}" for one in rota.people)][:8])
    raise UserError(f"there is no team and nobody “{word[:60]}”", hint=f"there is {known}" if known else "")


async def carry(call: Call, desk: Desk, id: str, step: int, round: int) -> None:
    """Do what is due about a page: begin the step, send what is to be sent, and say when to look again."""
    page = await desk.book.change(id, lambda page: engine.taken_over(page, call.id, call.attempt, desk.clock()))
    if engine.due(page, desk.clock()) and (page.step, page.round) == (step, round):
        wanted, trouble, reached = await plans(page, page.policy.steps[step - 1], desk.rota, desk.clock())
        page = await desk.book.change(
            id, lambda page: engine.begun(page, step, round, desk.clock(), wanted, trouble=trouble, reached=reached)
        )
    elif page.state == "acked" and page.until:
        again = Plan(whom=(page.acked_by,), how=CHAT, to=page.room, label=f"#{page.room}")
        page = await desk.book.change(id, lambda page: engine.reminded(page, desk.clock(), [again]))
    if to_send := engine.ready(page, desk.clock()):
        await wake(call, page, latest=desk.clock() + LOOK)  # whatever becomes of this command, somebody looks again
        ends = await asyncio.gather(*(_send(call, desk, id, send) for send in to_send), return_exceptions=True)
        for error in filter(None, ends):
            raise error  # only now: what breaks one message ends no other in the middle
        page = await desk.book.get(id)
    await wake(call, page)
    await tell(call, desk, page)


async def _send(call: Call, desk: Desk, id: str, send: Send) -> None:
    """Send one message, at most once."""
    number, me = send.number, (call.id, call.attempt)
    trouble, mine = await _prepared(desk, send.plan), False

    def claim(page: Page) -> Page:
        nonlocal mine
        claimed = engine.claimed(page, number, *me, desk.clock())
        mine = claimed is not None
        return claimed or page

    page = await desk.book.change(id, claim)
    if not mine:
        return
    after = partial(engine.missed, why=trouble) if trouble else await _attempt(call, desk, page, send)
    page = await desk.book.change(id, lambda page: after(page, number, *me, desk.clock()))
    _log(page, page.send(number))


async def _prepared(desk: Desk, plan: Plan) -> str:
    """Have the way ready; why it is not, empty if it is. Nothing has been sent yet."""
    try:
        if plan.how != CHAT:
            await desk.notifiers[plan.how].prepare()
    except Exception as error:  # noqa: BLE001  # a task boundary: what can't be loaded sends nothing
        logs.emit(names.UNEXPECTED, exc=error, how=plan.how)
        return f"{plan.how} can't be loaded"
    return ""


async def _attempt(call: Call, desk: Desk, page: Page, send: Send) -> Callable[[Page, int, str, int, float], Page]:
    """Begin to send it: what that makes of the page."""
    try:
        if send.plan.how == CHAT:
            return partial(engine.settled, card=await call.ask(f"page show {page.id}", room=send.plan.to))
        await _outside(call, desk, page, send.plan)
    except (NotSent, BusUnavailable) as error:
        return partial(engine.missed, why=error.text)
    except (Unclear, BusError) as error:
        return partial(engine.doubted, why=error.text)
    except Exception as error:  # noqa: BLE001  # a task boundary: what broke may have been sent
        logs.emit(names.UNEXPECTED, exc=error, page=page.id)
        return partial(engine.doubted, why="it broke")
    return engine.settled


async def _outside(call: Call, desk: Desk, page: Page, plan: Plan) -> None:
    where = address(plan, desk.rota)
    if not where:
        raise NotSent("the address is not in the file any more")
    with call.span(plan.label):
        await desk.notifiers[plan.how].send(where, notice(page, plan.event, desk.web_url))


def _log(page: Page, send: Send) -> None:
    names.PAGE_MESSAGES.labels(send.plan.how, send.fate).inc()
    event = names.PAGE_SENT if send.fate == "sent" else names.PAGE_NOT_SENT
    logs.emit(event, page=page.id, step=send.step, how=send.plan.label, whom=list(send.plan.whom), fate=send.fate, why=send.why)


async def wake(call: Call, page: Page, *, latest: float | None = None) -> None:
    """Have somebody look at it when there is something to do, and not later than ``latest``; never if there is nothing."""
    at = engine.wake(page)
    if latest is not None:
        at = latest if at is None or page.due is None else min(page.due, latest)
    if at is None:
        await steadily(lambda: call.unask(_timer(page)))
        return
    moment = at
    await steadily(lambda: call.ask(_line(page), at=moment, key=_timer(page)))


async def hurry(call: Call, page: Page) -> None:
    """Have its next step begin now."""
    await steadily(lambda: call.ask(_line(page)))


async def tell(call: Call, desk: Desk, page: Page) -> None:
    """Bring its cards and its mark up to date."""
    for card in page.cards:
        if card != call.id:
            await steadily(lambda card=card: call.ask(f"page show {page.id}", card=card))  # type: ignore[misc]
    await desk.book.mark(page)


async def sweep(call: Call, desk: Desk) -> None:
    """Look after pages whose timers were lost: what is overdue is done now."""
    for page in await desk.book.all():  # what is over may still have to be told to others
        at = engine.wake(page)
        if at is not None and at + LOOK < desk.clock():
            await call.ask(_line(page))


def pager(page: Page) -> tuple[Plan, ...]:
    """What PagerDuty is to be told of a change, if it was told of the page."""
    return (PAGER,) if any(send.plan.how == PAGERDUTY for send in page.sends) else ()


def _line(page: Page) -> str:
    return f"page step {page.id} {page.step} --round {page.round}"


def _timer(page: Page) -> str:
    return f"page.{page.id}"
