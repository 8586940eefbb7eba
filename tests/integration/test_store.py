"""The ledger's operations on a real bus."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BusUnavailable
from bellboard.ledger.gate import Accepted, Closed, accept, settle
from bellboard.ledger.ops import (
    Busy,
    Execute,
    Held,
    Hold,
    Lost,
    Procedure,
    Put,
    Read,
    Snapshot,
    Stored,
    Unclear,
    Wait,
    World,
    put,
)
from bellboard.ledger.state import S
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration

KEY = Key("ops-work", "practice", "one")
WORLD = World()


def received(**fields: Any) -> pb.Record:
    return WORLD.record(S.STATE_RECEIVED, **fields)


@pytest.fixture
async def gateway(bus_as: BusAs) -> Store:
    """A store of the gateway's."""
    return Store(await bus_as("gw-1"), "gateway")


@pytest.fixture
async def worker(bus_as: BusAs) -> Store:
    """A store of the bot practice."""
    return Store(await bus_as("practice"), "worker")


async def test_a_command_that_nobody_wrote_of_has_no_record(gateway: Store) -> None:
    """Reading what is not there is not an error."""
    assert await gateway.read(Read(KEY)) == Snapshot()


async def test_the_newest_record_counts_whoever_wrote_it(gateway: Store, worker: Store) -> None:
    """Both sides see the bot's record after the gateway's."""
    first = await gateway.put(Put(KEY, Author.RUN, received(), 0))
    assert isinstance(first, Stored)
    claimed = WORLD.record(S.STATE_CLAIMED, epoch=1)
    second = await worker.put(Put(KEY, Author.BOT, claimed, first.sequence))
    assert isinstance(second, Stored)
    for store in (gateway, worker):
        assert await store.read(Read(KEY)) == Snapshot(second.sequence, claimed)


async def test_a_record_that_follows_an_old_one_is_lost(gateway: Store, worker: Store) -> None:
    """Compare-and-set is on all authors of a command together, across accounts."""
    first = await gateway.put(Put(KEY, Author.RUN, received(), 0))
    assert isinstance(first, Stored)
    assert isinstance(await gateway.put(Put(KEY, Author.GATEWAY, WORLD.record(S.STATE_CANCELLED), first.sequence)), Stored)
    assert await worker.put(Put(KEY, Author.BOT, WORLD.record(S.STATE_CLAIMED), first.sequence)) == Lost()
    assert await gateway.put(Put(KEY, Author.RUN, received(), 0)) == Lost()


async def test_of_many_racers_one_claims(gateway: Store, worker: Store) -> None:
    """Thirty claims of one command: one is stored."""
    first = await gateway.put(Put(KEY, Author.RUN, received(), 0))
    assert isinstance(first, Stored)
    claims = [worker.put(Put(KEY, Author.BOT, WORLD.record(S.STATE_CLAIMED), first.sequence)) for _ in range(30)]
    answers = await asyncio.gather(*claims)
    assert sum(isinstance(answer, Stored) for answer in answers) == 1
    assert answers.count(Lost()) == 29


async def test_garbage_in_the_ledger_is_a_record_that_nothing_follows(bus_as: BusAs, gateway: Store) -> None:
    """A bot can write what is no record; whoever reads it does not fall over."""
    bot = await bus_as("practice")
    sequence = await bot.publish(KEY.subject(Author.BOT), b"\xff\xff\xff")
    assert await gateway.read(Read(KEY)) == Snapshot(sequence, pb.Record())


async def test_a_turn_is_held_by_one_command_at_a_time(gateway: Store, worker: Store) -> None:
    """The second is told who holds it; it gets the turn when the first is final."""
    other = Key("play-work", "practice", "two")
    first = await gateway.put(Put(KEY, Author.RUN, received(), 0))
    assert isinstance(first, Stored)
    assert await worker.hold(Hold(KEY, "shop in prod")) == Held()
    assert await worker.hold(Hold(KEY, "shop in prod")) == Held()
    assert await worker.hold(Hold(other, "shop in prod")) == Busy("one")
    assert await worker.hold(Hold(other, "another turn")) == Held()
    assert isinstance(await worker.put(Put(KEY, Author.BOT, WORLD.record(S.STATE_SUCCEEDED), first.sequence)), Stored)
    assert await worker.hold(Hold(other, "shop in prod")) == Held()
    assert await worker.hold(Hold(KEY, "shop in prod")) == Busy("two")


async def test_an_unknown_command_keeps_its_turn_until_it_is_resolved(gateway: Store, worker: Store) -> None:
    """What may still be happening is not out of the way."""
    other = Key("ops-work", "practice", "two")
    first = await gateway.put(Put(KEY, Author.RUN, received(), 0))
    assert isinstance(first, Stored)
    assert await worker.hold(Hold(KEY, "turn")) == Held()
    unknown = await worker.put(Put(KEY, Author.BOT, WORLD.record(S.STATE_UNKNOWN), first.sequence))
    assert isinstance(unknown, Stored)
    assert await worker.hold(Hold(other, "turn")) == Busy("one")
    resolved = WORLD.record(S.STATE_RESOLVED_FAILED)
    assert isinstance(await gateway.put(Put(KEY, Author.GATEWAY, resolved, unknown.sequence)), Stored)
    assert await worker.hold(Hold(other, "turn")) == Held()


async def test_of_many_that_want_a_turn_one_has_it(gateway: Store, worker: Store) -> None:
    """Twenty commands race for a turn."""
    keys = [Key("ops-work", "practice", f"c{n}") for n in range(20)]
    for key in keys:
        await gateway.put(Put(key, Author.RUN, received(), 0))
    answers = await asyncio.gather(*(worker.hold(Hold(key, "turn")) for key in keys))
    assert sum(isinstance(answer, Held) for answer in answers) == 1


async def test_a_procedure_is_carried_out_to_its_end(gateway: Store) -> None:
    """Accepting a command twice finds the one that stands."""
    record = received()
    first = await gateway.drive(accept(KEY, Author.RUN, record))
    again = await gateway.drive(accept(KEY, Author.RUN, received()))
    assert isinstance(first, Accepted)
    assert not first.again
    assert isinstance(again, Accepted)
    assert again.again
    assert again.snapshot.record == record


async def test_what_the_ledger_does_not_know_is_carried_out_by_the_caller(gateway: Store) -> None:
    """Execute goes to the other driver, and its answer to the procedure."""

    def procedure() -> Generator[Any, Any, str]:
        yield Wait(0)
        answer: str = yield Execute(1, "a")
        return answer

    async def other(op: object) -> str:
        return f"ran {op}"

    assert (await gateway.drive(procedure(), other)).startswith("ran Execute")
    with pytest.raises(TypeError):
        await gateway.drive(procedure())


async def test_a_write_is_unclear_while_the_bus_is_down(nats: NatsServer, gateway: Store) -> None:
    """Writing and reading say so, and raise nothing."""
    await nats.kill()
    assert await gateway.put(Put(KEY, Author.RUN, received(), 0)) == Unclear()
    assert await gateway.read(Read(KEY)) == Unclear()
    assert await gateway.hold(Hold(KEY, "turn")) == Unclear()


async def test_a_strict_store_says_when_nothing_was_sent(nats: NatsServer, bus_as: BusAs) -> None:
    """A gateway may then tell the person at once that nothing was accepted."""
    bus = await bus_as("gw-1")
    store = Store(bus, "gateway", strict=True)
    await nats.kill()
    await eventually(lambda: not bus.connected)
    with pytest.raises(BusUnavailable):
        await store.drive(accept(KEY, Author.RUN, received()))


async def test_an_unclear_write_is_found_again_after_the_bus_was_frozen(nats: NatsServer, worker: Store) -> None:
    """The bus stands still for longer than a write waits; the write is then looked for, and stored once."""
    nats.freeze()
    writing = asyncio.create_task(worker.drive(_write()))
    await asyncio.wait([writing], timeout=2.5)
    assert not writing.done()
    nats.thaw()
    assert isinstance(await writing, Stored)


def _write() -> Procedure[Stored | Lost | Unclear]:
    return put(KEY, Author.BOT, WORLD.record(S.STATE_CLAIMED), 0)


async def test_a_tombstone_keeps_a_late_accept_out(nats: NatsServer, gateway: Store) -> None:
    """Once an unclear accept is closed, the command can never be accepted."""
    record = received()
    assert await gateway.drive(settle(KEY, record, WORLD)) == Closed()
    assert await gateway.put(Put(KEY, Author.RUN, record, 0)) == Lost()
    assert await gateway.drive(accept(KEY, Author.RUN, record)) == Closed()
