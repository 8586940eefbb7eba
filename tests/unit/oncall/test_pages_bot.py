"""Pages from a chat line to what people see."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.testing.talk import Ask, Said, Talk, TalkTo, settings_for
from bellboard_oncall.bot import bot
from bellboard_oncall.pages.model import OUTSIDE, PAGERDUTY, Policy, Step
from bellboard_oncall.pages.policy import Events
from bellboard_oncall.pages.work import Desk
from bellboard_oncall.providers import register
from bellboard_oncall.rota import Shift
from bellboard_oncall.settings import Settings

from .escalating import ADDRESSES, BEGAN, ROOM, PaperRota, Sink, three_steps


class Town:
    """A person, the bot, and what the bot can reach; ``now`` is its time."""

    def __init__(self, talk: Talk, rota: PaperRota) -> None:
        self.talk, self.rota, self.now = talk, rota, BEGAN
        self.outside, self.pager = Sink(), Sink(again=True)
        notifiers: Any = {OUTSIDE: self.outside, PAGERDUTY: self.pager}
        desk = Desk(talk.keep, talk.marks, rota, notifiers, clock=lambda: self.now)
        talk.provide(Desk, desk, twin=Desk(talk.keep, talk.marks.by(rehearsing=True), rota, notifiers))

    async def say(self, line: str, **named: Any) -> Said:
        return await self.talk(line, at=self.now, **named)

    async def step(self, said: Said) -> Said:
        """Run the first step of a page that asks for one."""
        return await self.say(next(ask.line for ask in said.asks if "step" in ask.line))


@pytest.fixture
def town(talk_to: TalkTo) -> Town:
    """Three people, their addresses, and PagerDuty."""
    rota = PaperRota({"default": three_steps(second=("all", "pagerduty"))}, ADDRESSES, Events("key"))
    return Town(talk_to(bot, register, settings_for(Settings)), rota)


def cells(said: Said, title: str) -> list[list[str]]:
    """The texts of a table."""
    tables = [block.table for block in said.blocks if block.HasField("table") and block.table.title == title]
    return [[cell.text for cell in row.cells] for row in tables[0].rows] if tables else []


def buttons(said: Said) -> list[str]:
    return [choice.line for block in said.blocks for choice in block.question.choices]


async def test_a_page_asks_for_its_first_step_and_shows_what_comes(town: Town) -> None:
    """And for somebody who looks after it, should that be lost."""
    said = await town.say("page payments checkout is down")

    assert said.text.startswith("P1 for payments: checkout is down")
    assert said.asks == (
        Ask("page step P1 1 --round 0"),
        Ask("page step P1 1 --round 0", at=BEGAN + 60, key="page.P1"),
    )
    assert cells(said, "who was told") == [["1", "oncall", "", "next", "", ""]]
    mark = await town.talk.marks.find("P1")
    assert mark is not None
    assert (mark.kind, mark.state, mark.title) == ("page", "open", "payments paged: checkout is down")


async def test_the_same_command_again_is_the_same_page(town: Town) -> None:
    """Whoever takes it over pages nobody twice."""
    first = await town.say("page payments checkout is down", id="c9")
    again = await town.say("page payments checkout is down", id="c9", attempt=2)

    assert first.text == again.text
    assert await town.talk.marks.find("P2") is None


async def test_a_step_mentions_and_sends_and_the_card_tells(town: Town) -> None:
    """A fresh card in the team's room; the page's own is brought up to date; no address is shown anywhere."""
    page = await town.say("page payments checkout is down")
    step = await town.step(page)

    assert step.blocks == ()
    assert Ask("page show P1", room=ROOM) in step.asks
    assert Ask("page show P1", card=page.id) in step.asks
    assert step.asks[-1].line == "page show P1"
    assert [ask.at for ask in step.asks if ask.key] == [BEGAN + 60, BEGAN + 60]
    assert sorted(address for _, address, _ in town.outside.taken) == ["json://ann/1", "mailto://ann"]
    shown = await town.say("page show P1")
    assert [row[:4] for row in cells(shown, "who was told")] == [
        ["1", "Ann", f"#{ROOM}", "sent"],
        ["1", "Ann", "json", "sent"],
        ["1", "Ann", "mailto", "sent"],
        ["2", "all, pagerduty", "", "next"],
    ]
    assert "://" not in str(shown.blocks)


async def test_only_cards_that_nobody_typed_mention_people(town: Town) -> None:
    """In the room where they are mentioned, and as long as it is open."""
    await town.step(await town.say("page payments checkout is down"))

    async def mentions(**named: Any) -> list[str]:
        said = await town.say("page show P1", **named)
        return [person for block in said.blocks for person in block.text.mentions]

    assert await mentions(cause=ledger_pb2.CAUSE_BOT, room=ROOM) == ["ann"]
    assert await mentions(cause=ledger_pb2.CAUSE_BOT, room="general") == []
    assert await mentions(room=ROOM) == []
    await town.say("page resolve P1 it was the disk")
    assert await mentions(cause=ledger_pb2.CAUSE_BOT, room=ROOM) == []


async def test_ack_ends_the_steps_and_says_who(town: Town) -> None:
    """Its timer is taken back, its cards and its mark say so, and the next who acks hears who was first."""
    page = await town.say("page payments checkout is down")
    await town.step(page)
    town.now += 5
    acked = await town.say("ack p1")

    assert acked.text == "Ann is on P1: checkout is down"
    assert acked.unasked == ("page.P1",)
    assert Ask("page show P1", card=page.id) in acked.asks
    shown = await town.say("page show P1")
    assert "Ann is on it" in shown.text
    assert cells(shown, "what happened") == [["", "Ann is on it"]]
    assert buttons(shown) == ["snooze P1 for 30m", "escalate P1", "page resolve P1"]
    town.now += 1
    assert (await town.say("ack P1")).failure.text == "you are on P1 already"
    town.talk.person = "bo"
    assert (await town.say("ack P1")).failure.text == "ann is on P1 already"
    assert (await town.say("page step P1 2 --round 0")).asks[-1].line == "page show P1", "a late timer finds nothing to do"
    assert len(town.outside.taken) == 2
    mark = await town.talk.marks.find("P1")
    assert mark is not None
    assert (mark.state, mark.detail["acked_by"], mark.detail["people"]) == ("acked", "ann", "ann")


async def test_ack_alone_means_your_only_open_page(town: Town) -> None:
    """Or asks which."""
    assert (await town.say("ack")).failure.text == "no page is open"
    await town.step(await town.say("page payments checkout is down"))
    town.now += 1
    await town.say("page @cy the disk is full")
    assert (await town.say("ack")).text == "Ann is on P1: checkout is down", "the one that ann was told of"
    await town.say("page @bo the disk is full")
    asked = await town.say("ack")
    assert buttons(asked) == ["ack P2", "ack P3"]


async def test_a_second_attempt_at_an_ack_means_the_same_page(town: Town) -> None:
    """And not the other one, which is the only one open by then."""
    await town.step(await town.say("page payments checkout is down"))
    await town.say("page @cy the disk is full")
    first = await town.say("ack", id="a1")
    again = await town.say("ack", id="a1", attempt=2)
    assert (first.text, again.text) == ("Ann is on P1: checkout is down",) * 2
    assert "nobody is on it" in (await town.say("page show P2")).text


async def test_pagerduty_is_told_of_all_of_it(town: Town) -> None:
    """Triggered by the step that names it, then acknowledged and resolved, each once."""
    await town.step(await town.say("page payments checkout is down"))
    town.now += 60
    await town.say("page step P1 2 --round 0")
    for line in ("ack P1", "page resolve P1"):
        town.now += 1
        await town.step(await town.say(line))

    assert [event for _, _, event in town.pager.taken] == ["trigger", "acknowledge", "resolve"]
    assert [row[0] for row in cells(await town.say("page show P1"), "who was told")][-2:] == ["acknowledge", "resolve"]


async def test_a_refused_message_is_tried_again_and_then_the_next_step_begins(town: Town) -> None:
    """Each try is shown, and the timer is asked for each."""
    town.outside.answers = ["refused"] * 6
    said = await town.step(await town.say("page payments checkout is down"))
    assert [ask.at for ask in said.asks if ask.key] == [BEGAN + 60, BEGAN + 5]
    town.now += 5
    await town.say("page step P1 2 --round 0")
    row = cells(await town.say("page show P1"), "who was told")[1]
    assert row[3:] == ["to be sent", "", "it was refused (try 2 of 3)"]
    town.now += 20
    said = await town.say("page step P1 2 --round 0")
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now, "the next step begins at once"
    shown = await town.say("page show P1")
    assert [row[3] for row in cells(shown, "who was told")] == ["sent", "FAILED", "FAILED", "next"]
    assert cells(shown, "what happened") == [["", "step 1 did not reach ann, so the next one begins at once"]]


async def test_a_message_without_an_answer_is_uncertain_and_stays_so(town: Town) -> None:
    """It may have arrived, so it is not sent again; the card says so."""
    town.outside.answers = ["silent"]
    await town.step(await town.say("page payments checkout is down"))
    town.now += 400
    await town.say("page step P1 1 --round 0")

    shown = await town.say("page show P1")
    assert "1 message is UNCERTAIN: nobody knows whether it arrived, and it is not sent again" in shown.text
    assert len(town.outside.taken) == 2


async def test_snooze_escalate_and_a_page_that_is_over(town: Town) -> None:
    """Put off, gone on with at once, and ended."""
    await town.step(await town.say("page payments checkout is down"))
    snoozed = await town.say("snooze P1 for 30m")
    assert snoozed.asks[0] == Ask("page step P1 2 --round 0", at=BEGAN + 1800, key="page.P1")
    town.now += 10
    escalated = await town.say("escalate P1")
    assert escalated.text == "P1 goes to all, pagerduty now"
    await town.step(escalated)
    assert {address for _, address, _ in town.outside.taken} == {"json://ann/1", "mailto://ann", "json://bo/1", "json://cy/1"}
    assert "between a minute" in (await town.say("snooze P1 for 1s")).failure.text
    await town.say("page resolve P1 the disk was full")
    for line in ("ack P1", "escalate P1", "snooze P1", "page resolve P1"):
        town.now += 1
        assert (await town.say(line)).failure.text == "P1 is over: resolved by ann"
    assert buttons(await town.say("page show P1")) == []


async def test_pages_are_listed(town: Town) -> None:
    """Those that are open; with --all every one."""
    assert (await town.say("page list")).text == "no page is open"
    await town.say("page payments checkout is down")
    await town.say("page @bo hello")
    await town.say("page resolve P2")
    assert [row[0] for row in cells(await town.say("page list"), "pages")] == ["P1"]
    listed = await town.say("page list --all")
    assert [row[:4] for row in cells(listed, "pages")] == [
        ["P2", "bo", "hello", "resolved"],
        ["P1", "payments", "checkout is down", "open"],
    ]
    assert isinstance(listed.result.table, chat.Table)
    assert len(listed.result.table.rows) == 2


async def test_a_preview_tells_whom_it_would_reach(town: Town) -> None:
    """And reaches nobody."""
    said = await town.say("page payments checkout is down?")
    title = "payments would be paged by default; nothing is sent yet"
    assert [row[:3] for row in cells(said, title)][:3] == [["1", "at once", "Ann"]] * 3
    assert said.asks == ()
    assert await town.talk.marks.find("P1") is None


async def test_whom_nobody_knows_is_not_paged(town: Town) -> None:
    """The answer says who can be."""
    said = await town.say("page billing help")
    assert said.failure.hint == "there is payments, @ann, @bo, @cy"


async def test_a_gap_in_the_rota_goes_to_the_next_step_at_once(town: Town) -> None:
    """The room is told all the same, and why."""
    town.rota.on = ()
    said = await town.step(await town.say("page payments checkout is down"))
    assert Ask("page show P1", room=ROOM) in said.asks
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now
    assert cells(await town.say("page show P1"), "what happened") == [["", "step 1: nobody is on call for payments"]]


async def test_a_gap_is_told_of_even_if_others_are_reached(town: Town) -> None:
    """The room alone is not who should have been told."""
    town.rota.on = ()
    steps = (Step(notify=("oncall", "#ops")), Step(notify=("all",), after=60.0))
    town.rota.policies = {"default": Policy(name="default", steps=steps)}
    said = await town.step(await town.say("page payments checkout is down"))
    assert {ask.room for ask in said.asks if ask.line == "page show P1" and ask.room} == {ROOM, "ops"}
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now + 60
    assert cells(await town.say("page show P1"), "what happened") == [["", "step 1: nobody is on call for payments"]]


async def test_nobody_is_told_in_a_room_that_is_gone(town: Town) -> None:
    """They are told in another one, and the card says so."""
    town.rota.rooms = frozenset({"general", "ops"})
    said = await town.step(await town.say("page payments checkout is down"))
    assert {ask.room for ask in said.asks if ask.room} == {"ops"}
    shown = await town.say("page show P1")
    assert cells(shown, "what happened") == [["", f"step 1: there is no room #{ROOM}"]]


async def test_a_way_that_can_not_be_loaded_is_certain_and_the_next_step_begins(town: Town) -> None:
    """The others of the step go out all the same."""

    async def broken() -> None:
        raise ImportError("apprise")

    town.outside.prepare = broken  # type: ignore[method-assign]
    await town.step(await town.say("page payments checkout is down"))
    for seconds in (5, 20):
        town.now += seconds
        said = await town.say("page step P1 2 --round 0")
    states = [row[2:4] for row in cells(await town.say("page show P1"), "who was told")]
    assert states[:3] == [["#payments", "sent"], ["json", "FAILED"], ["mailto", "FAILED"]]
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now


async def test_a_rota_that_breaks_keeps_nobody_from_being_told(town: Town) -> None:
    """Whatever it is: the next step may reach somebody."""

    async def broken(team: str, at: float) -> tuple[Shift, ...]:
        raise ValueError(team)

    town.rota.who = broken  # type: ignore[method-assign]
    said = await town.step(await town.say("page payments checkout is down"))
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now
    assert "who is on call is not known" in cells(await town.say("page show P1"), "what happened")[0][1]


async def test_who_has_left_is_not_called_told(town: Town) -> None:
    """The next step begins at once, in which there may be somebody."""
    town.rota.on, town.rota.rooms = ("zed",), frozenset({ROOM})
    said = await town.step(await town.say("page payments checkout is down"))
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now
    assert cells(await town.say("page show P1"), "what happened") == [["", "step 1: zed is not among the people any more"]]


async def test_a_policy_that_reached_nobody_says_so_and_keeps_its_rounds(town: Town) -> None:
    """The next round comes after its pause: somebody may be on call by then."""
    town.rota.on = ()
    town.rota.policies = {"default": Policy(name="default", steps=(Step(notify=("oncall",)),), repeat=2, pause=60.0)}
    said = await town.step(await town.say("page payments checkout is down"))
    assert [ask.at for ask in said.asks if ask.key][-1] == town.now + 60
    town.now += 60
    await town.say("page step P1 1 --round 1")
    assert "nobody is on it, and nobody was told" in (await town.say("page show P1")).text


async def test_what_names_no_page_is_said(town: Town) -> None:
    """Of alerts too."""
    assert (await town.say("ack P9")).failure.text == "there is no page P9"
    assert (await town.say("ack A9")).failure.text == "nothing burns under A9"
    assert (await town.say("page show x")).failure.text == "there is no page x"


async def test_the_mark_says_how_the_page_stands_whoever_is_slower(town: Town) -> None:
    """A step that ends after somebody resolved the page does not open its mark again."""
    await town.step(await town.say("page payments checkout is down"))
    desk = Desk(town.talk.keep, town.talk.marks, town.rota, {})
    stale = await desk.book.get("P1")
    await town.say("page resolve P1 fixed")

    await desk.book.mark(stale)

    mark = await town.talk.marks.find("P1")
    assert mark is not None
    assert mark.state == "resolved"


async def test_what_is_over_may_still_have_to_be_told(town: Town) -> None:
    """PagerDuty hears of the end, even if the timer of that was lost."""
    await town.step(await town.say("page payments checkout is down"))
    town.now += 60
    await town.say("page step P1 2 --round 0")
    await town.say("page resolve P1 fixed")
    town.now += 600
    said = await town.say("oncall tick", room="")
    assert [ask.line for ask in said.asks if ask.line.startswith("page step P1") and not ask.key]
