"""What must not repeat is not begun too late, nor without its beginning being on disk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BusUnavailable
from bellboard.history import History, Keeper, OwnRecords
from bellboard.ledger.ops import Put, Read, Snapshot, Stored, World
from bellboard.ledger.state import S
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key
from bellboard.ledger.work import Job, work
from bellboard.providers import Providers
from bellboard.replies import table
from bellboard.telemetry.otlp import SpanSender
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.talk import MemoryBlobs
from bellboard.worker import Means, errand
from bellboard.worker.admit import Order
from bellboard.worker.errand import Errand
from bellboard.worker.meters import Meters
from bellboard_practice.bot import bot
from bellboard_practice.providers import World as Practice

pytestmark = pytest.mark.integration

WORLD = World()
TABLE = table(["number"], [(1,)]).table.SerializeToString()


class Effects:
    """What happened; and what is to happen with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.then: Callable[[], object] = lambda: None

    def do(self, command: str, what: str, epoch: int) -> None:
        self.done.append(what)
        self.then()

    def did(self, command: str) -> list[str]:
        return self.done


class Away(MemoryBlobs):
    """They can't be reached at first, as while the bus is away."""

    def __init__(self, seconds: float) -> None:
        super().__init__("gw")
        self._until = asyncio.get_running_loop().time() + seconds

    async def get(self, ref: chat.BlobRef) -> bytes:
        if asyncio.get_running_loop().time() < self._until:
            raise BusUnavailable("the bus can't be reached")
        return await super().get(ref)


@pytest.fixture
def effects() -> Effects:
    """What the commands of a test did."""
    return Effects()


@pytest.fixture
async def providers(effects: Effects) -> Providers:
    """With nothing outside."""
    made = Providers()
    made.register(Practice, lambda: effects)
    await made.start([Practice])
    return made


async def _climb(bus_as: BusAs, providers: Providers, folder: Path) -> pb.Record:
    """The end of a climb by a worker that keeps in a folder what it saw of the ledger."""
    bus = await bus_as("practice")
    history = History(bus, OwnRecords(bus), Keeper(folder))
    await history.begin()
    return await _run(bus_as, "Climb", Means(bus, MemoryBlobs("practice"), SpanSender("practice"), history), providers)


async def test_what_waited_too_long_for_its_table_is_not_begun(
    bus_as: BusAs, effects: Effects, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been called lost by then, and somebody may have been told that it did not happen."""
    monkeypatch.setattr(errand, "CONFIRM_WITHIN", 0.5)
    for seconds, ends, happens in ((0.0, S.STATE_SUCCEEDED, ["fire"]), (0.8, S.STATE_FAILED, [])):
        effects.done.clear()
        blobs, bus = Away(seconds), await bus_as("practice")
        ref = await blobs.put(TABLE, media_type="application/x-bellboard-table")
        final = await _run(bus_as, "Fire", Means(bus, blobs, SpanSender("practice")), providers, ref)

        assert (final.state, effects.done) == (ends, happens), final.reason
    assert final.reason == "it took too long until it could begin; it was not begun"


async def test_a_step_that_can_not_be_kept_is_not_begun(
    bus_as: BusAs, effects: Effects, providers: Providers, tmp_path: Path
) -> None:
    """If it must not repeat: the bus might forget that it began, and it would be run again."""
    effects.then = lambda: shutil.rmtree(tmp_path / "ledger-seen")

    final = await _climb(bus_as, providers, tmp_path)

    assert (final.state, effects.done) == (S.STATE_UNKNOWN, ["boots"])
    assert final.reason == "the step could not be recorded"


async def test_a_step_that_may_repeat_goes_on_all_the_same(
    bus_as: BusAs, effects: Effects, providers: Providers, tmp_path: Path
) -> None:
    """A full disk does not leave a deploy half-way, where that isn't needed."""
    effects.then = lambda: shutil.rmtree(tmp_path / "ledger-seen") if effects.done[-1] == "rope" else None

    final = await _climb(bus_as, providers, tmp_path)

    assert (final.state, effects.done) == (S.STATE_SUCCEEDED, ["boots", "rope", "top"])


async def _run(bus_as: BusAs, method: str, means: Means, providers: Providers, piped: chat.BlobRef | None = None) -> pb.Record:
    """The final record of a command of the practice bot."""
    command = next(one for one in bot.contract.commands if one.method == method)
    key = Key("ops-work", "practice", WORLD.nonce())
    record = WORLD.record(S.STATE_RECEIVED)
    gateway = Store(await bus_as("gw-1"), "gateway")
    offered = await gateway.put(Put(key, Author.RUN, record, 0))
    assert isinstance(offered, Stored)
    job = Job(key, record, offered.sequence, True, "practice-1", command.effect, 1e12, steps=command.steps)
    order = Order(job, pb.Envelope(id=key.id, bot="practice", table=piped), command, command.request_type())
    running = Errand(order, bot, providers, means, Meters("practice"))
    await Store(means.bus, "worker", history=means.history).drive(running.watched(work(job, WORLD)), running.other)

    async def last() -> pb.Record | None:
        seen = await gateway.read(Read(key))
        return seen.record if isinstance(seen, Snapshot) else None

    final = await eventually(last)
    assert final is not None
    return final
