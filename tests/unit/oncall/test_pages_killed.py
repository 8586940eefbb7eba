"""Escalations whose workers are killed at every await: each message goes out once or is called uncertain, and none is lost."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from bellboard_oncall.pages import engine, sweep
from bellboard_oncall.pages.cards import show
from bellboard_oncall.pages.model import CHAT, OUTSIDE, PAGERDUTY, Page, Send
from bellboard_oncall.pages.policy import Events
from bellboard_oncall.pages.work import Desk, carry

from .escalating import ADDRESSES, ROOM, Command, PaperRota, World, three_steps

pytestmark = pytest.mark.timeout(300)

PLANNED = {
    (1, CHAT): 1,
    (1, OUTSIDE): 2,
    (2, CHAT): 1,
    (2, OUTSIDE): 3,
    (2, PAGERDUTY): 1,
    (3, CHAT): 1,
    (3, OUTSIDE): 4,
}
"""How many messages each step sends, and how."""


def world(deaths: list[int]) -> World:
    """One in which workers die at these points, counted from the death before."""
    policy = three_steps(second=("oncall", "next-oncall", "pagerduty"))
    return World(PaperRota({"default": policy}, ADDRESSES, Events("key")), deaths=deaths)


def judge(here: World, page: Page) -> int:
    """Hold the page against what reached the other side; how many messages are uncertain."""
    assert Counter((send.step, send.plan.how) for send in page.sends) == PLANNED
    for send in page.sends:  # what was never begun is sent by whoever takes over
        assert send.fate == "sent" or (send.fate == "uncertain" and "not sent again" in send.why)
    taken = Counter((address, event) for _, address, event in here.outside.taken)
    for person, urls in ADDRESSES.urls.items():
        for url in urls:
            plan = next(way for way in ADDRESSES.ways(person) if ADDRESSES.address(way) == url)
            mine = [send for send in page.sends if send.plan == plan]
            assert sure(mine) <= taken[url, "trigger"] <= len(mine), "exactly once, or called uncertain"
    rooms = Counter(room for room, _ in here.shown)
    assert rooms == {ROOM: 3}, "what is asked of the gateway is taken once: the room is told exactly once a step"
    assert all(send.fate == "sent" for send in page.sends if send.plan.how == CHAT)
    assert set(here.pager.taken) == {("P1", "key https://events.pagerduty.com/v2/enqueue", "trigger")}
    return sum(send.fate == "uncertain" for send in page.sends)


def sure(sends: list[Send]) -> int:
    return sum(send.fate == "sent" for send in sends)


async def lived(deaths: list[int]) -> tuple[World, Page]:
    """An escalation to its end."""
    here = world(deaths)
    id = await here.page()
    await here.live()
    return here, await here.found(id)


async def test_200_escalations_die_at_every_await_once() -> None:
    """The first at its first point, the next at its second, and so on; before and after each call of anything outside."""
    quiet, _ = await lived([])
    uncertain = 0
    for at in range(1, max(200, quiet.points) + 1):
        here, page = await lived([at])
        assert here.killed == (1 if at <= quiet.points else 0), at
        doubtful = judge(here, page)
        assert doubtful <= 4, "no more than one step was being sent"
        said = [block.text.text for block in show(page, here.rota) if block.HasField("text")]
        assert any("UNCERTAIN" in words for words in said) == bool(doubtful)
        uncertain += bool(doubtful)

    assert quiet.points >= 150
    assert uncertain, "where it is killed between sending and writing that down, nobody knows"


async def test_whoever_takes_over_dies_too() -> None:
    """Three workers in a row, at points spread over the whole way."""
    for first in range(2, 150, 20):
        for second in (1, 5, 9, 30):
            here, page = await lived([first, second, second + 3])
            assert here.killed == 3
            judge(here, page)


async def test_after_a_kill_of_everything_the_next_steps_come() -> None:
    """A bot that was away for an hour goes on with what is overdue."""
    here = world([])
    id = await here.page()
    here.now += 3600
    await here.live()
    assert judge(here, await here.found(id)) == 0


async def test_a_page_that_no_timer_looks_after_is_found() -> None:
    """The bot's own round does what is overdue."""
    here = world([])
    id = await here.page()
    here._queue.clear()
    here._timers.clear()
    here.now += 600
    await sweep(here.call(Command("tick", "oncall tick", here.now)), here.desk())
    await here.live()
    page = await here.found(id)
    assert judge(here, page) == 0
    assert engine.wake(page) is None


class Restless:
    """Something at whose every call others may come first."""

    def __init__(self, inner: Any, dice: random.Random) -> None:
        self._inner, self._dice = inner, dice

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def method(*args: Any, **named: Any) -> Any:
            for _ in range(self._dice.randrange(4)):
                await asyncio.sleep(0)
            answer = await found(*args, **named)
            for _ in range(self._dice.randrange(4)):
                await asyncio.sleep(0)
            return answer

        return method


@pytest.mark.parametrize("same", [False, True])
async def test_several_at_once_send_nothing_twice(same: bool) -> None:
    """Two commands about one step, or a slow worker and the one that took over from it, in 25 orders of their calls."""
    for seed in range(25):
        here, dice = world([]), random.Random(seed)
        id = await here.page()
        parts: list[Any] = [Restless(one, dice) for one in (here.keep, here.marks, here.rota, here.outside, here.pager)]
        keep, marks, rota, outside, pager = parts
        desk = Desk(keep, marks, rota, {OUTSIDE: outside, PAGERDUTY: pager}, clock=partial(getattr, here, "now"))
        command, other = Command("c2", "page step", here.now), Command("c3", "page step", here.now)
        calls = [here.call(command), here.call(command if same else other)]
        await asyncio.gather(*(carry(call, desk, id, 1, 0) for call in calls))
        await here.live()
        page = await here.found(id)
        taken = Counter(address for _, address, _ in here.outside.taken)
        assert taken == {"json://ann/1": 3, "mailto://ann": 3, "json://bo/1": 2, "json://cy/1": 1}, seed
        assert {send.fate for send in page.sends} <= {"sent", "uncertain"}
        assert Counter(room for room, _ in here.shown) == {ROOM: 3}


async def test_two_that_page_for_one_alert_at_once_begin_one_page() -> None:
    """Such as whoever took the alert in, and upkeep, which found it not paged for yet: neither knows of the other."""
    here = world([])
    first = await here.page(about="A1", id="c1")
    await here.keep.forget("about.a1")  # the second one looked before the first had come so far
    assert await here.page(about="A1", id="c2") == first


async def test_an_alert_is_paged_for_again_once_its_page_was_resolved() -> None:
    """But not by the command that began it, whose every attempt means the same page."""
    here = world([])
    first = await here.page(about="A1", id="c1")
    await here.desk().book.change(first, lambda page: engine.resolved(page, "ann", here.now))
    assert await here.page(about="A1", id="c1") == first
    second = await here.page(about="A1", id="c2")
    assert second != first
    assert await here.page(about="A1", id="c3") == second
