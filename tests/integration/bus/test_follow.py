"""Following a stream without a gap and without anything twice."""

from __future__ import annotations

import asyncio
import time

import pytest

from bellboard.bus import Bus, Follow
from bellboard.errors import BusError
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def gateway(bus_as: BusAs) -> Bus:
    """Who publishes."""
    return await bus_as("gw-1")


@pytest.fixture
async def reaper(bus_as: BusAs) -> Bus:
    """Who follows."""
    return await bus_as("reaper")


async def tell(bus: Bus, *numbers: int, lane: str = "ops-read") -> None:
    for n in numbers:
        await bus.publish(f"led.{lane}.memes.c{n}.run", b"%d" % n)


async def take(follow: Follow, count: int, within: float = 20) -> list[int]:
    async with asyncio.timeout(within):
        return [int((await anext(follow)).payload) for _ in range(count)]


async def test_it_gives_what_is_there_and_what_comes(gateway: Bus, reaper: Bus) -> None:
    """From the beginning, in order, with sequence and time."""
    await tell(gateway, 1, 2)
    follow = reaper.follow("LED")
    assert await take(follow, 2) == [1, 2]
    await tell(gateway, 3)
    message = await anext(follow)
    assert (message.sequence, message.payload) == (3, b"3")
    assert message.time > 1_600_000_000


async def test_it_begins_where_it_is_told_to(gateway: Bus, reaper: Bus) -> None:
    """After a sequence, since a moment, and only what matches."""
    await tell(gateway, 1, 2)
    await tell(gateway, 3, lane="play-work")
    moment = time.time()
    await tell(gateway, 4)
    assert await take(reaper.follow("LED", after=2), 2) == [3, 4]
    assert await take(reaper.follow("LED", after=0), 4) == [1, 2, 3, 4]
    assert await take(reaper.follow("LED", since=moment), 1) == [4]
    assert await take(reaper.follow("LED", filters=["led.play-work.>", "led.*.memes.c4.run"]), 2) == [3, 4]
    end = reaper.follow("LED", after=await reaper.end("LED"))
    await tell(gateway, 5)
    assert await take(end, 1) == [5]


async def test_many_come_in_order(gateway: Bus, reaper: Bus) -> None:
    """More than are asked for at once."""
    for start in range(0, 3000, 100):
        some = range(start, start + 100)
        await asyncio.gather(*(gateway.publish(f"led.ops-read.memes.c{n}.run", b"x") for n in some))
    follow = reaper.follow("LED")
    assert [(await anext(follow)).sequence for _ in range(3000)] == list(range(1, 3001))


async def test_nothing_is_missed_and_nothing_comes_twice_while_the_server_is_killed(
    nats: NatsServer, gateway: Bus, reaper: Bus
) -> None:
    """Messages are stored all the while, over four kill -9; every acknowledged one comes exactly once, in order."""
    seen: list[int] = []
    stored: list[int] = []
    done = asyncio.Event()

    async def watch() -> None:
        async for message in reaper.follow("LED"):
            seen.append(message.sequence)  # noqa: PERF401

    async def write() -> None:
        n = 0
        while not done.is_set():
            n += 1
            try:
                stored.append(await gateway.publish(f"led.ops-read.memes.c{n}.run", b"x", timeout=1.0))
            except BusError:
                await asyncio.wait([asyncio.create_task(done.wait())], timeout=0.05)

    tasks = [asyncio.create_task(watch()), asyncio.create_task(write())]
    for _ in range(4):
        before = len(stored)
        await eventually(lambda before=before: len(stored) > before + 100)  # type: ignore[misc]
        await nats.restart()
    await eventually(lambda: gateway.connected and reaper.connected)
    done.set()
    await tasks[1]
    end = await gateway.end("LED")
    await eventually(lambda: bool(seen) and seen[-1] == end)
    assert seen == list(range(1, end + 1))
    assert set(stored) <= set(seen)
    await reaper.close()
    await tasks[0]


async def test_it_goes_on_after_the_server_stood_still(nats: NatsServer, gateway: Bus, reaper: Bus) -> None:
    """For longer than a heartbeat, and for so long that the connection is given up."""
    follow = reaper.follow("LED")
    await tell(gateway, 1)
    assert await take(follow, 1) == [1]
    waiting = asyncio.create_task(take(follow, 2, within=55))
    nats.freeze()
    await eventually(lambda: not reaper.connected and not gateway.connected, timeout=20)
    nats.thaw()
    await eventually(lambda: gateway.connected and reaper.connected)
    await tell(gateway, 2, 3)
    assert await waiting == [2, 3]


async def test_it_ends_when_it_is_closed(gateway: Bus, reaper: Bus) -> None:
    """Whoever waits for the next one comes to an end."""
    follow = reaper.follow("LED")
    waiting = asyncio.create_task(anext(follow, None))
    await asyncio.wait([waiting], timeout=0.2)
    await follow.aclose()
    assert await waiting is None
    assert await anext(follow, None) is None


async def test_two_gateways_each_see_everything(gateway: Bus, bus_as: BusAs) -> None:
    """Every replica follows for itself."""
    follows = [gateway.follow("LED"), (await bus_as("gw-2")).follow("LED")]
    await tell(gateway, 1, 2, 3)
    assert [await take(follow, 3) for follow in follows] == [[1, 2, 3], [1, 2, 3]]
