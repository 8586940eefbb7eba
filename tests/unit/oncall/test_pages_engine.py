"""The engine of pages, whatever comes in whatever order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bellboard import UserError
from bellboard_oncall.pages import engine
from bellboard_oncall.pages.model import CHAT, OUTSIDE, PAGERDUTY, Page, Plan, Policy, Send, Step, dump, load

BEGAN = 1_800_000_000.0
PEOPLE = ("ann", "bo", "cy")
POLICY = Policy(name="default", steps=(Step(notify=("oncall",)), Step(notify=("all",), after=60.0)), repeat=2, pause=120.0)
PLANS = (
    Plan(whom=("ann",), how=CHAT, to="ops", label="#ops"),
    Plan(whom=("ann",), how=OUTSIDE, to="1", label="json"),
    Plan(whom=("bo",), how=OUTSIDE, to="2", label="json"),
    Plan(whom=(), how=PAGERDUTY, to="", label="PagerDuty"),
)


def opened(policy: Policy = POLICY) -> Page:
    """A page that has just come."""
    return engine.opened("P1", policy, BEGAN, team="payments", person="", why="it burns", about="", room="ops", by="dee")


class Escalation(RuleBasedStateMachine):
    """Commands, people, answers and deaths in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGAN
        self.sent: list[tuple[int, int, str]] = []  # what went out: the number, the try, and whether anybody may know
        self.held: set[tuple[int, str, int]] = set()

    @initialize()
    def begins(self) -> None:
        self.page = opened()
        self.owners = 0

    def become(self, page: Page) -> None:
        before = {send.number: send for send in self.page.sends}
        for send in page.sends:
            if send.number in before:
                lawful(before[send.number], send)
        assert len(page.sends) >= len(before), "nothing that was to be sent is forgotten"
        self.page = page

    @rule(seconds=st.sampled_from([0.0, 1.0, 6.0, 59.0, 61.0, 181.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(plans=st.lists(st.sampled_from(PLANS), max_size=4), trouble=st.sampled_from(["", "nobody is on call"]))
    def a_step_is_due(self, plans: list[Plan], trouble: str) -> None:
        before, was = self.page, engine.due(self.page, self.now)
        self.become(engine.begun(before, before.step, before.round, self.now, plans, trouble=trouble, reached=not trouble))
        assert was or self.page == before, "no step begins before its time, nor twice"
        assert engine.begun(self.page, before.step, before.round, self.now, PLANS) == self.page

    @rule(data=st.data())
    def a_message_is_begun(self, data: st.DataObject) -> None:
        if ready := engine.ready(self.page, self.now):
            send = data.draw(st.sampled_from(ready))
            self.owners += 1
            page = engine.claimed(self.page, send.number, f"c{self.owners}", 1, self.now)
            assert page is not None
            self.become(page)
            assert engine.claimed(self.page, send.number, "another", 1, self.now) is None, "only one may send it"
            self.held.add((send.number, f"c{self.owners}", 1))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), how=st.sampled_from(["settled", "doubted", "missed"]))
    def it_is_answered(self, data: st.DataObject, how: str) -> None:
        number, owner, attempt = data.draw(st.sampled_from(sorted(self.held)))
        self.held.discard((number, owner, attempt))
        words = {} if how == "settled" else {"why": "so"}
        self.become(getattr(engine, how)(self.page, number, owner, attempt, self.now, **words))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def its_worker_dies(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(sorted(self.held)))
        self.held.discard(held)
        self.become(engine.taken_over(self.page, held[1], 2, self.now))

    @rule(who=st.sampled_from(PEOPLE), what=st.sampled_from(["acked", "resolved", "escalated"]))
    def somebody_acts(self, who: str, what: str) -> None:
        try:
            self.become(getattr(engine, what)(self.page, who, self.now))
        except UserError:
            assert self.page.state != "open" or what == "escalated"

    @rule(who=st.sampled_from(PEOPLE), seconds=st.sampled_from([60.0, 1800.0]))
    def somebody_puts_it_off(self, who: str, seconds: float) -> None:
        try:
            self.become(engine.snoozed(self.page, who, seconds, self.now))
        except UserError:
            assert self.page.state == "resolved"

    @rule()
    def whoever_is_on_it_is_reminded(self) -> None:
        self.become(engine.reminded(self.page, self.now, PLANS[:1]))

    @invariant()
    def what_is_left_to_do_is_woken_for(self) -> None:
        at = engine.wake(self.page)
        busy = any(send.fate in ("waiting", "sending") for send in self.page.sends)
        assert (at is not None) >= (busy or (self.page.state == "open" and self.page.due is not None))
        assert self.page.state == "open" or self.page.due is None

    @invariant()
    def nobody_new_is_told_once_it_is_acked(self) -> None:
        if self.page.state != "open":
            waiting = [send for send in self.page.sends if send.fate == "waiting" and send.step]
            assert not [send for send in waiting if send.again == "never"]

    @invariant()
    def each_message_of_a_round_is_there_once(self) -> None:
        keys = [(send.round, send.step, send.plan) for send in self.page.sends]
        assert len(keys) == len(set(keys))
        assert [send.number for send in self.page.sends] == list(range(1, len(keys) + 1))

    @invariant()
    def it_is_kept_as_it_is(self) -> None:
        assert load(dump(self.page)) == self.page


def lawful(before: Send, after: Send) -> None:
    """What may become of a message: what nobody knows of is never sent again, unless that does no harm."""
    if (before.fate, before.tries) == (after.fate, after.tries):
        return
    allowed = {
        "waiting": {"sending", "dropped"},
        "sending": {"sent", "failed", "uncertain", "waiting", "dropped"},
        "uncertain": {"sent"},
        "sent": set(),
        "failed": set(),
        "dropped": set(),
    }
    assert after.fate in allowed[before.fate], f"{before.fate} became {after.fate}"
    if (before.fate, after.fate) == ("sending", "waiting"):
        assert after.why == "so" or after.again != "never"
    assert after.tries <= engine.TRIES


TestEscalation = Escalation.TestCase
TestEscalation.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def told(page: Page, now: float = BEGAN) -> Page:
    """The page with its due step begun, and every message of it sent."""
    page = engine.begun(page, page.step, page.round, now, PLANS)
    for send in engine.ready(page, now):
        page = engine.claimed(page, send.number, "c1", 1, now) or page
        page = engine.settled(page, send.number, "c1", 1, now)
    return page


def test_its_steps_come_at_their_times_and_its_rounds_after_them() -> None:
    """60 s after the step before, 120 s between the rounds, and then no more."""
    page, moments = opened(), []
    while page.due is not None:
        moments.append((page.round, page.step, page.due - BEGAN))
        page = told(page, page.due)

    assert moments == [(0, 1, 0.0), (0, 2, 60.0), (1, 1, 180.0), (1, 2, 240.0)]
    assert engine.wake(page) is None


def test_a_notifier_that_fails_is_tried_again_and_then_the_next_step_begins() -> None:
    """Three tries, each later than the one before; the step that comes in time stays where it is."""
    page = engine.begun(opened(), 1, 0, BEGAN, PLANS[:2])
    page = engine.settled(engine.claimed(page, 1, "c1", 1, BEGAN) or page, 1, "c1", 1, BEGAN)
    now, tries = BEGAN, []
    while page.send(2).fate != "failed":
        now = max(now, page.send(2).due)
        tries.append(now - BEGAN)
        page = engine.missed(engine.claimed(page, 2, "c1", 1, now) or page, 2, "c1", 1, now, "no connection")

    assert tries == [0.0, 5.0, 25.0]
    assert page.due == BEGAN + 25, "the next step begins at once"
    assert "did not reach ann" in page.story[-1][1]


def test_one_way_that_works_is_enough() -> None:
    """The next step waits for its time while another way to the same person may have worked."""
    other = replace(PLANS[1], to="3")
    page = engine.begun(opened(), 1, 0, BEGAN, [PLANS[1], other])
    page = engine.settled(engine.claimed(page, 2, "c1", 1, BEGAN) or page, 2, "c1", 1, BEGAN)
    for _ in range(engine.TRIES):
        now = page.send(1).due
        page = engine.missed(engine.claimed(page, 1, "c1", 1, now) or page, 1, "c1", 1, now, "no connection")

    assert page.send(1).fate == "failed"
    assert page.due == BEGAN + 60


def test_a_late_answer_counts() -> None:
    """A slow worker that was taken for lost says that it was sent after all."""
    page = engine.begun(opened(), 1, 0, BEGAN, PLANS[1:2])
    page = engine.claimed(page, 1, "c1", 1, BEGAN) or page
    page = engine.taken_over(page, "c1", 2, BEGAN + 11)
    assert page.send(1).fate == "uncertain"

    assert engine.settled(page, 1, "c1", 1, BEGAN + 12).send(1).fate == "sent"
    assert engine.missed(page, 1, "c1", 1, BEGAN + 12, "no") == page, "it is not tried again, whatever it was"


def test_acking_twice_says_who_was_first_and_over_is_over() -> None:
    """The same command again changes nothing."""
    page = engine.acked(told(opened()), "ann", BEGAN + 5)
    assert engine.acked(page, "ann", BEGAN + 5) == page
    with pytest.raises(UserError, match="ann is on P1 already"):
        engine.acked(page, "bo", BEGAN + 6)

    page = engine.resolved(page, "bo", BEGAN + 7, "the disk was full")
    assert page.story[-1][1] == "resolved by bo: the disk was full"
    for act in (engine.acked, engine.escalated):
        with pytest.raises(UserError, match="is over: resolved by bo"):
            act(page, "ann", BEGAN + 8)


def test_what_is_put_off_goes_on_where_it_was() -> None:
    """An open page goes on with its next step; after the last one it begins anew."""
    page = engine.snoozed(told(opened()), "ann", 600, BEGAN + 10)
    assert (page.step, page.due, engine.wake(page)) == (2, BEGAN + 610, BEGAN + 610)
    assert engine.begun(page, 2, 0, BEGAN + 60, PLANS) == page, "an old timer finds nothing to do"

    last = replace(page, step=3, round=1, due=None, until=0.0)
    assert engine.snoozed(last, "bo", 60, BEGAN + 700).step == 1


def test_what_fails_while_a_page_is_put_off_is_not_tried_again() -> None:
    """Nobody is told until then."""
    page = engine.begun(opened(), 1, 0, BEGAN, PLANS[1:2])
    page = engine.claimed(page, 1, "c1", 1, BEGAN) or page
    page = engine.snoozed(page, "ann", 1800.0, BEGAN + 1)
    page = engine.missed(page, 1, "c1", 1, BEGAN + 2, "refused")
    assert (page.send(1).fate, page.due, engine.wake(page)) == ("dropped", BEGAN + 1801, BEGAN + 1801)


def test_messages_beyond_the_most_are_told_of() -> None:
    """What is not sent stands on the card."""
    many = [replace(PLANS[1], to=str(number)) for number in range(engine.MOST + 7)]
    page = engine.begun(opened(), 1, 0, BEGAN, many)
    assert len(page.sends) == engine.MOST
    assert page.story[-1][1] == f"step 1: 7 messages were NOT SENT: a page sends {engine.MOST} at most"
    assert len(dump(page)) < 250 * 1024


def test_whoever_is_on_it_is_reminded_after_a_snooze() -> None:
    """Once, and nobody else is told."""
    page = engine.snoozed(engine.acked(told(opened()), "ann", BEGAN + 5), "ann", 600, BEGAN + 10)
    page = engine.reminded(page, BEGAN + 610, PLANS[:1])
    assert [(send.step, send.plan.whom) for send in engine.ready(page, BEGAN + 610)] == [(0, ("ann",))]
    assert engine.reminded(page, BEGAN + 611, PLANS[:1]) == page


def test_escalating_goes_on_at_once_even_if_somebody_is_on_it() -> None:
    """Until there is no further step."""
    page = engine.escalated(engine.acked(told(opened()), "ann", BEGAN + 5), "bo", BEGAN + 6)
    assert (page.state, page.step, page.due) == ("open", 2, BEGAN + 6)
    for now in (BEGAN + 6, BEGAN + 7):
        page = engine.escalated(told(page, now), "bo", now + 1)
    with pytest.raises(UserError, match="no further step"):
        engine.escalated(told(page, BEGAN + 9), "bo", BEGAN + 10)


@given(st.floats(0, 7 * 86400))
def test_lengths_are_told(seconds: float) -> None:
    """In hours, minutes and seconds."""
    assert engine.length(seconds).endswith(("h", "min", "s"))
