"""What bots remember, on a real bus."""

from __future__ import annotations

import asyncio

import pytest

from bellboard.keep import Keep
from bellboard.keep.bus import REAL, REHEARSAL, BusKeep
from bellboard.marks import Draft, Marks
from bellboard.marks.bus import BusMarks
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.contract.remembering import NOON, KeepBehaviour, MarksBehaviour

pytestmark = pytest.mark.integration


class TestKeepOnBus(KeepBehaviour):
    """As a bot's own account has it."""

    @pytest.fixture(autouse=True)
    def _begin(self, bus_as: BusAs, nats: NatsServer) -> None:
        self._bus_as, self._nats = bus_as, nats

    async def keep(self, replica: int = 1, *, rehearsing: bool = False) -> Keep:
        return BusKeep(await self._bus_as("memes"), "memes", REHEARSAL if rehearsing else REAL)

    async def test_what_was_put_outlives_the_bus(self) -> None:
        """kill -9 between any two writes; what waits for the bus goes on when it is back."""
        keep = await self.keep()
        revision = 0
        for n in range(3):
            await self._nats.kill()
            putting = asyncio.create_task(keep.put("a", b"%d" % n, expected=revision))
            await self._nats.start()
            revision = await putting

            kept = await keep.get("a")
            assert kept is not None
            assert (kept.value, kept.revision) == (b"%d" % n, revision)

    async def test_a_write_whose_answer_was_lost_is_no_conflict(self) -> None:
        """The bus is killed while many write: whoever is told that it is kept finds it so, and whoever was first wins."""
        keep = await self.keep()
        writes = [asyncio.create_task(keep.put(f"k{n}", b"x", expected=0)) for n in range(40)]
        await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        await self._nats.restart()

        revisions = await asyncio.gather(*writes)

        kept = {one.key: one.revision for one in await keep.list()}
        assert kept == {f"k{n}": revision for n, revision in enumerate(revisions)}


class TestMarksOnBus(MarksBehaviour):
    """As the bots' own accounts have it."""

    @pytest.fixture(autouse=True)
    def _begin(self, bus_as: BusAs, nats: NatsServer) -> None:
        self._bus_as, self._nats = bus_as, nats

    async def marks(self, bot: str = "memes", *, rehearsing: bool = False) -> Marks:
        return BusMarks(await self._bus_as(bot), bot, rehearsing=rehearsing)

    async def test_marks_outlive_the_bus(self) -> None:
        """kill -9 while many begin: each key has one mark, and no number is left out."""
        one, two = await self.marks(), await self.marks()
        keys = [f"c{n}" for n in range(8)]
        begun = [
            asyncio.create_task(marks.begin("D", Draft(title=key, at=NOON), key=key)) for key in keys for marks in (one, two)
        ]
        await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        await self._nats.restart()

        made = await asyncio.gather(*begun)

        assert {mark.id for mark in made} == {f"D{n}" for n in range(1, 9)}
        assert len({(mark.title, mark.id) for mark in made}) == 8
        assert len(await one.between(NOON, NOON)) == 8

    async def test_a_mark_that_was_broken_off_is_completed(self) -> None:
        """A worker dies after any of its writes; the next attempt has the same mark, wherever the first one stopped."""
        bus = await self._bus_as("memes")
        for n in range(3):
            key = f"c{n}"
            dies = BusMarks(_Dying(bus, writes=n), "memes")  # type: ignore[arg-type]
            with pytest.raises(_Died):
                await dies.begin("D", Draft(title=key, at=NOON), key=key)
            other = await (await self.marks("practice")).begin("D", Draft(title="other", at=NOON), key=key)

            made = await (await self.marks()).begin("D", Draft(title=key, at=NOON), key=key)

            assert made.id != other.id
            assert await (await self.marks()).begin("D", Draft(title=key, at=NOON), key=key) == made
        found = await (await self.marks()).between(NOON, NOON)
        assert sorted(mark.id for mark in found) == [f"D{n}" for n in range(1, 7)]


class _Died(Exception):
    """The worker is no more."""


class _Dying:
    """A connection whose process dies after so many writes."""

    def __init__(self, bus: object, writes: int) -> None:
        self._bus, self._left = bus, writes

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)

    async def publish(self, *given: object, **named: object) -> int:
        if not self._left:
            raise _Died
        self._left -= 1
        sequence: int = await self._bus.publish(*given, **named)  # type: ignore[attr-defined]
        if not self._left:
            raise _Died
        return sequence
