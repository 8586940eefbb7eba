"""A rehearsing command: what it is given, what it leaves behind, and that the real thing is out of its reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bellboard import Block, Call, text
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.call import CallServices
from bellboard.handlers import declare
from bellboard.keep import Keep
from bellboard.ledger.ops import timestamp
from bellboard.marks import Draft, Marks
from bellboard.providers import Providers
from bellboard.testing.talk import MemoryBlobs, Talk, TalkTo, settings_for
from bellboard_practice.bot import bot
from bellboard_practice.providers import FileWorld, World, register
from bellboard_practice.settings import Settings


class Recorder:
    """A world that remembers what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def do(self, command: str, what: str, epoch: int) -> None:
        self.done.append(what)

    def did(self, command: str) -> list[str]:
        return self.done


@pytest.fixture
def talk(talk_to: TalkTo) -> Talk:
    return talk_to(bot, register, settings_for(Settings, practice_file="/nowhere/effects"))


async def test_it_is_given_the_twin(talk: Talk) -> None:
    """The real world hears nothing of it."""
    real, twin = Recorder(), Recorder()
    talk.provide(World, real, twin=twin)

    said = await talk("practice set a 3 --sandbox")

    assert said.state == "SUCCEEDED"
    assert (real.done, twin.done) == ([], ["set"])
    await talk("practice set a 3")
    assert (real.done, twin.done) == (["set"], ["set"])


async def test_the_answers_that_it_offers_are_rehearsals(talk: Talk) -> None:
    """A button under what was only rehearsed does nothing for real."""
    rehearsed, real = await talk('practice ask "a b" --sandbox'), await talk('practice ask "a b"')

    lines = [choice.line for block in rehearsed.blocks for choice in block.question.choices]
    assert all(line.endswith(" --sandbox") or " --sandbox " in line for line in lines)
    assert len(lines) == 2
    assert not any("--sandbox" in choice.line for block in real.blocks for choice in block.question.choices)


async def test_what_has_no_twin_fails(talk_to: TalkTo) -> None:
    """Certainly, and before anything happened."""
    real = Recorder()
    talk = talk_to(bot, lambda providers, settings: providers.register(World, lambda: real))

    said = await talk("practice fire a --sandbox")

    assert said.state == "FAILED"
    assert said.failure.text == "World can't be rehearsed"
    assert real.done == []


async def test_what_needs_nothing_needs_no_twin(talk: Talk) -> None:
    """A READ command that reaches nowhere."""
    assert (await talk("practice look far --sandbox")).text == "looked at far"


async def test_the_real_one_is_nowhere_within_reach(talk: Talk) -> None:
    """Neither in the handler's arguments nor behind them."""
    providers = Providers()
    real, twin = FileWorld.__new__(FileWorld), Recorder()
    providers.register(World, lambda: real)
    providers.rehearse(World, lambda: twin)
    await providers.start([World])
    given: list[object] = []

    async def look(call: Call, word: str, wait: timedelta, *, world: World) -> Block:
        """Do nothing, and say so."""
        given.extend((call, world))
        return text(word)

    handler = declare(look, bot.handlers["Look"].method)
    call = Call.__new__(Call)
    call.rehearsal = True
    await handler.invoke(call, handler.request_type(), providers)

    assert given == [call, twin]
    assert not _reaches(given, real)


def _reaches(start: object, wanted: object) -> bool:
    """Whether an object can be come by from another, over attributes and what containers hold."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if one is wanted:
            return True
        if id(one) in seen or isinstance(one, type | str | bytes | int | float | None):
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += list(one)
        else:
            waiting += list(getattr(one, "__dict__", {}).values())
            waiting += [getattr(one, name, None) for name in getattr(type(one), "__slots__", ())]
            waiting += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
    return False


async def test_it_remembers_apart(talk: Talk) -> None:
    """What the kit gives every bot has twins: another memory, and marks that are flagged."""
    await talk("practice look")
    keep, marks = talk.keep, talk.marks
    providers = talk._providers
    await keep.put("a", b"real")
    twin: Keep = providers.get(Keep, rehearsal=True)
    rehearsed: Marks = providers.get(Marks, rehearsal=True)

    assert await twin.list() == []
    mark = await rehearsed.begin("D", Draft(title="v2", at=1.0), key="a")
    assert mark.rehearsal
    assert await marks.between(0.0, 2.0) == []
    assert await marks.find("D1") == mark


async def test_a_call_knows_when_and_how_it_was_asked() -> None:
    """When the line came in, that it was forced, that it only rehearses."""

    async def nothing(request: pb.CommandRequest) -> None:
        """Nobody asks."""

    async def steps() -> AsyncIterator[str]:
        """There are none."""
        yield ""

    envelope = pb.Envelope(id="c1", received_at=timestamp(1_795_348_800.25), force=True, rehearsal=True)
    call = Call(envelope, 1, CallServices(MemoryBlobs("practice"), nothing, lambda blocks: None), steps)

    assert (call.at, call.force, call.rehearsal, call.preview) == (1_795_348_800.25, True, True, False)


async def test_a_line_is_forced_and_rehearsed_as_it_says(talk: Talk) -> None:
    """The reason arrives like any other argument."""
    twin = Recorder()
    talk.provide(World, Recorder(), twin=twin)

    said = await talk("practice fire! a --reason because --sandbox")

    assert said.state == "SUCCEEDED"
    assert twin.done == ["fire"]
    assert said.line == "practice fire! a --reason because --sandbox"
