"""A process finds out that a real bus has lost history, and only then."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.errors import SettingsError
from bellboard.history import AllOfIt, History, Keeper, OwnRecords, word
from bellboard.history.history import CHECKING
from bellboard.ledger.ops import Stored, World, put
from bellboard.ledger.state import S
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key
from bellboard.provision.accounts import PROVISIONER
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.history.restoring import begin_anew, copy, restore

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

As = Callable[[Bus, Path | None], History]

WORLD = World()


def gateway(bus: Bus, folder: Path | None = None) -> History:
    """As a gateway has it."""
    return History(bus, AllOfIt(bus), Keeper(folder), tells=True)


def bot(bus: Bus, folder: Path | None = None) -> History:
    """As a bot has it."""
    return History(bus, OwnRecords(bus), Keeper(folder))


@asynccontextmanager
async def guarded(history: History) -> AsyncIterator[History]:
    """It looks in the background, as in a service."""
    await history.begin()
    running = asyncio.create_task(history.run())
    try:
        yield history
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def write(bus: Bus, *histories: History, count: int = 1, bot: str = "practice") -> int:
    """Records of commands of the practice bot, each seen by everybody; the sequence of the last."""
    sequence = 0
    for _ in range(count):
        subject, payload = f"led.ops-work.{bot}.{secrets.token_hex(13)}.run", secrets.token_bytes(32)
        sequence = await bus.publish(subject, payload)
        for history in histories:
            history.note(sequence, subject, payload, 1e12)  # a bot takes only what is fresh for lost
    return sequence


async def lost(history: History) -> str:
    """What it says that was lost."""
    return await eventually(lambda: history.lost, 30, because="the loss was not noticed")


@pytest.mark.parametrize("make", [gateway, bot])
async def test_an_old_copy_of_the_store_is_noticed(make: As, nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """Whatever is to be run waits from the moment at which the bus is back, and safe mode follows."""
    writing, own = await bus_as("gw-1"), await bus_as("gw-2" if make is gateway else "practice")
    async with guarded(make(own, None)) as history:
        await write(writing, history, count=5)
        await copy(nats, tmp_path / "old")
        await eventually(lambda: writing.connected and own.connected)
        assert await eventually(lambda: _free(history))
        await write(writing, history, count=5)
        before = own.connections
        await restore(nats, tmp_path / "old")

        await eventually(lambda: own.connections > before)
        assert await history.bars()
        assert "10" in await lost(history)


def _accepted(history: History) -> bool:
    return not history.lost


async def _free(history: History) -> bool:
    return not await history.bars()


@pytest.mark.parametrize("make", [gateway, bot])
async def test_an_empty_store_is_noticed(make: As, nats: NatsServer, bus_as: BusAs) -> None:
    """As after somebody deleted the streams, and they were made again."""
    writing = await bus_as("gw-1")
    user = "gw-1" if make is gateway else "practice"
    async with guarded(make(await bus_as(user), None)) as history:
        await write(writing, history, count=5)
        await begin_anew(nats)

        assert "5" in await lost(history)


async def test_another_history_of_the_same_length_is_noticed(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """As after a cluster was split in two, and the other half was kept."""
    writing = await bus_as("gw-1")
    await copy(nats, tmp_path / "old")
    await eventually(lambda: writing.connected)
    watching, folder = await bus_as("gw-2"), tmp_path / "data"
    async with guarded(gateway(watching, folder)) as history:
        await write(writing, history, count=5)
    await history.keep()
    await restore(nats, tmp_path / "old")
    await eventually(lambda: writing.connected and watching.connected)
    await write(writing, count=9)

    async with guarded(gateway(watching, folder)) as again:
        assert await lost(again) == "record 5 is not the one that was seen there"


async def test_what_was_seen_outlives_the_process(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """The bus may be restored while nothing runs; who starts then knows what was there before."""
    writing = await bus_as("gw-1")
    async with guarded(gateway(await bus_as("gw-1"), tmp_path / "data")) as history:
        await copy(nats, tmp_path / "old")
        await eventually(lambda: writing.connected)
        await eventually(lambda: _free(history))
        await write(writing, history, count=3)
        await history.keep()
    await restore(nats, tmp_path / "old")

    async with guarded(gateway(await bus_as("gw-1"), tmp_path / "data")) as fresh:
        assert await lost(fresh) == "it ends at record 0, and record 3 was seen"


async def test_a_record_that_is_stored_too_low_shows_it_at_once(nats: NatsServer, bus_as: BusAs) -> None:
    """So a worker's own claim tells it, before it does anything, and without a look."""
    bus = await bus_as("gw-1")
    history = gateway(bus)
    await history.begin()
    await write(bus, history, count=3)
    before = history.place

    history.stored(before, 2, "led.ops-work.practice.x.bot", b"claimed")

    assert history.lost == "record 2 was stored when record 3 had been seen"


async def test_two_records_that_are_stored_at_once_may_be_told_in_any_order(nats: NatsServer, bus_as: BusAs) -> None:
    """Only what was known before a write began says anything about it."""
    bus = await bus_as("gw-1")
    history = gateway(bus)
    await history.begin()
    before = history.place

    history.stored(before, 2, "led.ops-work.practice.b.bot", b"second")
    history.stored(before, 1, "led.ops-work.practice.a.bot", b"first")

    assert history.lost == ""


async def test_nothing_is_lost_when_the_bus_is_killed(nats: NatsServer, bus_as: BusAs) -> None:
    """What it has said to be stored is on disk."""
    writing = await bus_as("gw-1")
    async with guarded(gateway(await bus_as("gw-1"))) as one, guarded(bot(await bus_as("practice"))) as other:
        for _ in range(5):
            await write(writing, one, other, count=20)
            await nats.restart()
            await eventually(lambda: writing.connected)
            assert await eventually(lambda: _free(one))
            assert await eventually(lambda: _free(other))

    assert (one.lost, other.lost) == ("", "")


async def test_a_first_start_and_an_old_house_are_no_loss(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """Who remembers nothing begins with what there is."""
    writing = await bus_as("gw-1")
    empty, old = gateway(await bus_as("gw-1"), tmp_path / "a"), gateway(await bus_as("gw-1"), tmp_path / "b")
    await empty.begin()
    await write(writing, count=3)
    await old.begin()

    assert await empty.bars() == await old.bars() == ""
    assert old.place.sequence == 3


async def test_what_limits_took_is_not_lost(nats: NatsServer, bus_as: BusAs) -> None:
    """An operator may have the ledger forget what is old."""
    writing, provisioner = await bus_as("gw-1"), await bus_as(PROVISIONER)
    async with guarded(gateway(await bus_as("gw-1"))) as one:
        await write(writing, one, count=5)
        info = orjson.loads((await provisioner.request("$JS.API.STREAM.INFO.LED")).payload)
        config = orjson.dumps({**info["config"], "max_msgs": 2, "discard": "old"})
        answer = orjson.loads((await provisioner.request("$JS.API.STREAM.UPDATE.LED", config)).payload)
        assert "error" not in answer, answer
        await write(writing, count=5)
        await one.look()

    assert one.lost == ""


async def test_a_bot_takes_an_old_record_that_is_gone_for_forgotten(nats: NatsServer, bus_as: BusAs) -> None:
    """It can't see how far the ledger reaches; a gateway can, and says so to all."""
    history = bot(await bus_as("practice"))
    await history.begin()
    history.note(7, "led.ops-work.practice.gone.run", b"long ago", 1000.0)

    await history.look()

    assert await history.bars() == ""


async def test_what_a_gateway_finds_holds_for_all(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """Also for a bot that remembers nothing. A person's word ends it for all, and it does not come back."""
    writing = await bus_as("gw-1")
    await copy(nats, tmp_path / "old")
    await eventually(lambda: writing.connected)
    async with (
        guarded(gateway(await bus_as("gw-1"), tmp_path / "data")) as one,
        guarded(gateway(await bus_as("gw-2"))) as two,
        guarded(bot(await bus_as("practice"))) as third,
    ):
        await write(writing, one, two, third, count=4)
        await restore(nats, tmp_path / "old")
        await asyncio.gather(lost(one), lost(two), lost(third))
        async with guarded(bot(await bus_as("memes"))) as blank:
            assert await lost(blank)
        await eventually(lambda: writing.connected)
        await two.accept("ann")
        for history in (one, two, third):
            await eventually(partial(_accepted, history))
        assert one.accepted_at == third.accepted_at > 0
        await write(writing, one, two, third, count=1)
        await nats.restart()
        for history in (one, two, third):
            assert await eventually(partial(_free, history))

    again = gateway(await bus_as("gw-1"), tmp_path / "data")
    await again.begin()
    assert again.lost == ""


async def test_an_accepted_loss_excuses_no_later_one(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """Though the second copy, too, is from before the first loss, and knows of none."""
    writing = await bus_as("gw-1")
    await copy(nats, tmp_path / "old")
    await eventually(lambda: writing.connected)
    async with guarded(gateway(await bus_as("gw-1"), tmp_path / "data")) as history:
        for _ in range(3):
            await write(writing, history, count=2)
            await restore(nats, tmp_path / "old")
            await lost(history)
            await eventually(lambda: writing.connected)
            await history.accept("ann")
            assert await history.bars() == ""


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"epoch": 0, "sequence": 6}'])
async def test_a_broken_file_is_one_line(tmp_path: Path, nats: NatsServer, bus_as: BusAs, text: str) -> None:
    """Nobody knows then what was seen, so somebody has to say."""
    (tmp_path / "ledger-seen").mkdir()
    (tmp_path / "ledger-seen" / "0-7.json").write_text(text)

    with pytest.raises(SettingsError, match="guards the ledger"):
        gateway(await bus_as("gw-1"), tmp_path)


async def test_a_server_that_tells_of_the_past_ends_nothing(nats: NatsServer, bus_as: BusAs) -> None:
    """It may still call a loss open that was accepted since. If it goes on, that was lost, and may be accepted again."""
    one, two = gateway(await bus_as("gw-1")), gateway(await bus_as("gw-2"))
    await two.begin()
    await one.accept("ann")
    await two.look()
    accepted = await word.read(await bus_as("gw-1"))
    past = pb.History(epoch=accepted.said.epoch, lost="the first one")
    await word.write(await bus_as("gw-1"), past, accepted)

    await two.look()
    assert (two.lost, await two.bars()) == ("", CHECKING)
    await word.write(await bus_as("gw-1"), accepted.said, await word.read(await bus_as("gw-1")))
    await two.look()
    assert await two.bars() == ""

    async with guarded(two):
        await word.write(await bus_as("gw-1"), past, await word.read(await bus_as("gw-1")))
        assert await lost(two) == "what was accepted of an earlier loss is gone"
        await eventually(partial(_newer, await bus_as("gw-1"), accepted.said.epoch))
        await two.accept("ann")
        assert await two.bars() == ""


async def _newer(bus: Bus, epoch: int) -> bool:
    return (await word.read(bus)).said.epoch > epoch


async def test_a_bot_that_saw_nothing_of_it_hears_of_a_loss_in_seconds(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """A gateway needs a moment to be sure; a minute later all might have been run again."""
    writing, own = await bus_as("gw-1"), await bus_as("practice")
    async with guarded(gateway(await bus_as("gw-2"))) as watching, guarded(bot(own)) as history:
        await write(writing, watching, history, count=2)
        await copy(nats, tmp_path / "old")
        await eventually(lambda: writing.connected)
        assert await eventually(partial(_free, watching))
        await write(writing, watching, count=3)
        await restore(nats, tmp_path / "old")
        assert await eventually(partial(_free, history))

        await eventually(lambda: history.lost, 10)


@pytest.mark.parametrize("fresh", [True, False])
async def test_what_is_written_while_the_bus_comes_back_is_kept_too(
    nats: NatsServer, bus_as: BusAs, tmp_path: Path, fresh: bool
) -> None:
    """Confirmed, or only found to be there: the start of what must not run twice is on disk before it begins."""
    own, key = await bus_as("practice"), Key("ops-work", "practice", "one")
    history = bot(own, tmp_path)
    await history.begin()
    if not fresh:
        await write(await bus_as("gw-1"), history, count=2)
    before = own.connections
    await nats.restart()
    await eventually(lambda: own.connections > before)
    record = WORLD.record(S.STATE_CLAIMED, epoch=1)
    sequence = await own.publish(key.subject(Author.BOT), record.SerializeToString(), expected=0)  # its answer was lost

    stored = await Store(own, "worker", history=history).drive(put(key, Author.BOT, record, 0))

    assert (stored, await history.bars(), await history.keep()) == (Stored(sequence), "", "")
    assert Keeper(tmp_path).load().sequence == sequence


async def test_what_is_written_while_nobody_knows_hides_no_loss(nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """Though the new history may be longer by then than the old one was."""
    writing, own = await bus_as("gw-1"), await bus_as("practice")
    history = bot(own, tmp_path / "data")
    await history.begin()
    await copy(nats, tmp_path / "old")
    await eventually(lambda: writing.connected)
    assert await eventually(partial(_free, history))
    await write(writing, history, count=2)
    before = own.connections
    await restore(nats, tmp_path / "old")
    await eventually(lambda: writing.connected and own.connections > before)

    await write(writing, history, count=9)

    assert await history.bars() == CHECKING
    await history.keep()
    assert Keeper(tmp_path / "data").load().sequence == 2
