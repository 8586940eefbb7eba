"""One attempt to run a handler, and how whatever happens to it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bellboard import Block, Bot, Call, Failed, ProviderError, Providers, UserError, progress, text
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.call import CallServices
from bellboard.errors import BellboardError
from bellboard.execution import Execution
from bellboard.ledger.ops import Ended, Event, StepBegins
from bellboard.ledger.state import S
from bellboard.testing import eventually
from bellboard.testing.talk import MemoryBlobs
from bellboard_practice.v1 import practice_pb2 as practice

TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Stage:
    """A bot whose handlers do what the test says."""

    bot: Bot
    error: BaseException | None = None
    wait: asyncio.Event = field(default_factory=asyncio.Event)
    shown: list[list[chat.Block]] = field(default_factory=list)
    asked: list[pb.CommandRequest] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    cleaned: bool = False

    async def act(self) -> Block:
        try:
            if self.error is not None:
                raise self.error
            await self.wait.wait()
        finally:
            self.cleaned = True
        return text("done")

    def execution(self, method: str, *, deadline: float = 60, preview: bool = False, **request: object) -> Execution:
        command = replace(self.bot.contract.command(method), deadline=deadline)
        envelope = pb.Envelope(id="c1", preview=preview, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        services = CallServices(MemoryBlobs("practice"), self._ask, lambda blocks: self.shown.append(list(blocks)))
        return Execution(self.bot, command, envelope, command.request_type(**request), services, Providers())

    async def _ask(self, request: pb.CommandRequest) -> None:
        self.asked.append(request)


@pytest.fixture
def stage() -> Stage:
    """Look, Set and Fire wait for the test; Climb takes its steps; Send asks twice; Probe knows what the test knows."""
    bot = Bot(practice.DESCRIPTOR.services_by_name["PracticeService"], version="0")
    stage = Stage(bot)

    @bot.command
    async def look(call: Call, word: str, wait: timedelta) -> Block:
        """Do nothing, and say so."""
        return await stage.act()

    @bot.command
    async def set_(call: Call, mark: str, value: int, wait: timedelta) -> Sequence[Block]:
        """Set a mark, however often it is told to."""
        return [await stage.act()]

    @bot.command
    async def fire(
        call: Call, label: str, wait: timedelta, fail: bool, reason: str, table: chat.Table | None
    ) -> practice.FireResponse:
        """Do what must not happen twice."""
        return practice.FireResponse(reply=chat.Reply(blocks=[await stage.act()]))

    @bot.command
    async def probe(call: Call, lost: practice.FireRequest) -> practice.ProbeResponse:
        """What the label says."""
        await stage.act()
        return practice.ProbeResponse(happened={"yes": True, "no": False}.get(lost.label))

    @bot.command
    async def climb(call: Call, hill: str, wait: timedelta) -> AsyncIterator[Block]:
        """Go through three steps."""
        async for step in call.steps():
            stage.taken.append(step)
            yield progress(step)
        await stage.act()
        yield text("up")

    @bot.command
    async def send(call: Call, line: str, room: str, thread: str, card: str, after: timedelta, key: str) -> Block:
        """Have another line run, as the bot."""
        await call.ask(
            line, room=room, thread=thread, card=card, at=call.at + after.total_seconds() if after else None, key=key
        )
        await call.ask(f"{line} again")
        return text("asked")

    @bot.command
    async def unsend(call: Call, key: str) -> Block:
        """Take a line back that was to be run later."""
        await call.unask(key)
        return text("taken back")

    @bot.command
    async def beat(call: Call, label: str) -> Block:
        """Leave a mark, and say so if there is a label."""
        return await stage.act()

    return stage


def end(event: Event) -> Ended:
    assert isinstance(event, Ended)
    return event


def failure(ended: Ended) -> chat.Failure:
    return ended.outcome.reply.blocks[0].failure


@pytest.mark.parametrize("method", ["Look", "Set", "Fire"])
async def test_what_is_returned_is_the_answer(stage: Stage, method: str) -> None:
    """A block, a list of blocks, or the response message."""
    stage.wait.set()

    ended = end(await stage.execution(method).start(1, "a"))

    assert ended.state == S.STATE_SUCCEEDED
    assert [block.text.text for block in ended.outcome.reply.blocks] == ["done"]


async def test_the_reply_is_recorded_once(stage: Stage) -> None:
    """The response message for programs holds everything but the reply."""
    stage.wait.set()

    ended = end(await stage.execution("Fire").start(1, "a"))

    assert ended.outcome.result == b""


@pytest.mark.parametrize("method", ["Look", "Set", "Fire"])
@pytest.mark.parametrize("error", [UserError("no such thing", hint="that one"), Failed("no such thing", hint="that one")])
async def test_a_failure_that_is_certain_is_failed(stage: Stage, method: str, error: BellboardError) -> None:
    """Of whatever effect the command is: the author says that nothing happened."""
    stage.error = error

    ended = end(await stage.execution(method).start(1, "a"))

    assert ended.state == S.STATE_FAILED
    assert ended.reason == "no such thing"
    told = failure(ended)
    assert (told.text, told.hint, told.code, told.trace_id) == ("no such thing", "that one", error.code, TRACE)


@pytest.mark.parametrize(
    ("method", "state"), [("Look", S.STATE_FAILED), ("Set", S.STATE_FAILED), ("Fire", S.STATE_UNKNOWN)], ids=str
)
@pytest.mark.parametrize(
    "error", [ProviderError("it hung up"), RuntimeError("password=hunter2"), TimeoutError("hunter2")], ids=repr
)
async def test_what_broke_is_unknown_where_it_must_not_repeat(
    stage: Stage, method: str, state: pb.State.ValueType, error: Exception
) -> None:
    """And nothing of an error that nobody foresaw is shown."""
    stage.error = error

    ended = end(await stage.execution(method).start(1, "a"))

    assert ended.state == state
    assert failure(ended).trace_id == TRACE
    assert failure(ended).hint
    assert "hunter2" not in f"{ended}"


@pytest.mark.parametrize(
    ("method", "state"), [("Look", S.STATE_FAILED), ("Set", S.STATE_FAILED), ("Fire", S.STATE_UNKNOWN)], ids=str
)
async def test_time_runs_out(stage: Stage, method: str, state: pb.State.ValueType) -> None:
    """The handler is stopped, and cleans up."""
    ended = end(await stage.execution(method, deadline=0.01).start(1, "a"))

    assert ended.state == state
    assert failure(ended).code == "deadline"
    assert stage.cleaned


@pytest.mark.parametrize("method", ["Look", "Set", "Fire"])
async def test_a_person_cancels(stage: Stage, method: str) -> None:
    """The handler is stopped where it waits, and cleans up."""
    execution = stage.execution(method)
    run = asyncio.create_task(execution.start(1, "a"))
    await eventually(lambda: execution.running)

    assert execution.cancel()
    assert execution.cancel()
    assert end(await run).state == S.STATE_CANCELLED
    assert stage.cleaned
    assert not execution.cancel()


async def test_what_was_cancelled_before_it_began_never_begins(stage: Stage) -> None:
    """Nothing of it can have happened."""
    execution = stage.execution("Fire")

    assert execution.cancel()
    assert end(await execution.start(1, "a")).state == S.STATE_CANCELLED
    assert not stage.cleaned


async def test_nobody_stops_what_its_contract_lets_nobody_stop(stage: Stage) -> None:
    """It goes on to its end."""
    execution = stage.execution("Climb", hill="north")
    await execution.start(1, "a")

    assert not execution.cancel()

    stage.wait.set()
    await execution.resume(True)
    await execution.resume(True)
    assert end(await execution.resume(True)).state == S.STATE_SUCCEEDED


async def test_a_step_waits_until_it_is_recorded(stage: Stage) -> None:
    """It begins when the record stands, never before."""
    stage.wait.set()
    execution = stage.execution("Climb", hill="north")

    assert await execution.start(1, "a") == StepBegins("boots")
    assert stage.taken == []
    assert await execution.resume(True) == StepBegins("rope")
    assert stage.taken == ["boots"]
    assert await execution.resume(True) == StepBegins("top")
    ended = end(await execution.resume(True))
    assert stage.taken == ["boots", "rope", "top"]
    assert ended.outcome.reply.blocks[0].text.text == "up"
    assert [blocks[0].progress.text for blocks in stage.shown[:3]] == ["boots", "rope", "top"]


async def test_done_steps_are_left_out(stage: Stage) -> None:
    """A later attempt goes on where the one before stopped."""
    stage.wait.set()
    execution = stage.execution("Climb", hill="north")

    assert await execution.start(2, "b", ("boots", "rope")) == StepBegins("top")
    await execution.resume(True)
    assert stage.taken == ["top"]


async def test_a_step_that_could_not_be_recorded_does_not_begin(stage: Stage) -> None:
    """The handler is stopped there."""
    execution = stage.execution("Climb", hill="north")
    await execution.start(1, "a")

    assert end(await execution.resume(False)).state == S.STATE_UNKNOWN
    assert stage.taken == []


async def test_whoever_drives_it_may_leave(stage: Stage) -> None:
    """The handler does not outlive its driver."""
    execution = stage.execution("Fire")
    run = asyncio.create_task(execution.start(1, "a"))
    await eventually(lambda: execution.running)
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    await eventually(lambda: stage.cleaned)


async def test_a_second_attempt_asks_for_the_same(stage: Stage) -> None:
    """Each request has a number that follows from what it asks for, whatever else was asked for before it."""
    for attempt in (1, 2):
        await stage.execution("Send", line="practice look").start(attempt, "a")
    first, other, again, other_again = stage.asked

    assert [first.line, other.line] == ["practice look", "practice look again"]
    assert first.ordinal != other.ordinal
    assert (first, other) == (again, other_again)


async def test_the_last_attempt_has_the_last_word_about_a_card_and_a_timer(stage: Stage) -> None:
    """What the one before it asked for may be out of date."""
    for attempt in (1, 2):
        await stage.execution("Send", line="practice look", card="root").start(attempt, "a")
        await stage.execution("Send", line="practice look", key="k", after={"seconds": 5}).start(attempt, "a")

    numbers = [request.ordinal for request in stage.asked if request.card or request.key]
    assert len(set(numbers)) == 4


async def test_a_preview_needs_a_contract_that_has_one(stage: Stage) -> None:
    """Otherwise the handler is not even called."""
    ended = end(await stage.execution("Send", preview=True, line="practice look").start(1, "a"))

    assert ended.state == S.STATE_FAILED
    assert "can't be previewed" in failure(ended).text
    assert stage.asked == []


async def test_a_preview_that_breaks_has_failed(stage: Stage) -> None:
    """Even of a ONCE command: it has no effect."""
    stage.error = RuntimeError()

    assert end(await stage.execution("Fire", preview=True).start(1, "a")).state == S.STATE_FAILED


@pytest.mark.parametrize(("label", "happened"), [("yes", True), ("no", False), ("who knows", None)])
async def test_a_probe_says_what_it_knows(stage: Stage, label: str, happened: bool | None) -> None:
    """It happened, it did not, or nobody knows."""
    stage.wait.set()

    assert (await stage.execution("Fire", label=label).probe()).happened is happened


async def test_a_probe_that_breaks_knows_nothing(stage: Stage) -> None:
    """The command stays UNKNOWN."""
    stage.error = RuntimeError()

    assert (await stage.execution("Fire", label="yes").probe()).happened is None
    assert (await stage.execution("Set").probe()).happened is None
