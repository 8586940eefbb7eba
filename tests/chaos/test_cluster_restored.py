"""A bus of three servers whose stores are lost: one of them, or all."""

from __future__ import annotations

import asyncio
import gc
import secrets
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.bus import Bus
from bellboard.history import AllOfIt, History, Keeper
from bellboard.provision import House
from bellboard.testing import eventually
from tests.chaos.cluster.networks import Loopback
from tests.chaos.cluster.servers import Cluster

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    # nats-py leaves the socket of a server that takes it in and then ends; it is closed when it is collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def cluster(house: House) -> AsyncIterator[Cluster]:
    """Three servers, side by side."""
    cluster = Cluster(house, Loopback())
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.close()
        gc.collect()  # the sockets that are left: else one is found while another test runs, which does not expect it


async def write(bus: Bus, history: History, count: int) -> None:
    """Records that a gateway has seen."""
    for _ in range(count):
        subject, payload = f"led.ops-work.practice.{secrets.token_hex(13)}.run", secrets.token_bytes(32)
        history.note(await bus.publish(subject, payload, timeout=10.0), subject, payload, 1e12)


async def stop_all(cluster: Cluster) -> None:
    await asyncio.gather(*(server.end(signal.SIGTERM) for server in cluster.servers))


async def start_all(cluster: Cluster, bus: Bus) -> None:
    for server in cluster.servers:
        await server.start()
    await eventually(lambda: bus.connected, 60)
    await cluster.settled()


async def test_all_stores_put_back_are_a_loss_and_one_that_is_gone_is_none(cluster: Cluster, tmp_path: Path) -> None:
    """What one server lost it gets from the others; what all have lost, nobody has."""
    bus = await cluster.bus("gw-1")
    history = History(bus, AllOfIt(bus), Keeper(None), tells=True)
    await history.begin()
    await write(bus, history, 3)
    await stop_all(cluster)
    for server in cluster.servers:
        shutil.copytree(server.store, tmp_path / server.name)
    await start_all(cluster, bus)
    assert await eventually(lambda: _free(history), 60)
    await write(bus, history, 3)

    lost = cluster.servers[0]
    await lost.end(signal.SIGKILL)
    shutil.rmtree(lost.store)
    await lost.start()
    assert await eventually(lambda: any(lost.store.rglob("*.blk")), 60, because="it got nothing from the others")
    await cluster.settled()
    assert await eventually(lambda: _free(history), 60)
    await write(bus, history, 1)
    assert history.place.sequence == 7

    await stop_all(cluster)
    for server in cluster.servers:
        shutil.rmtree(server.store)
        shutil.copytree(tmp_path / server.name, server.store)
    await start_all(cluster, bus)

    async def noticed() -> str:
        await history.begin()  # which leaves it for later while the bus gives no answer
        return history.lost

    found = await eventually(noticed, 60, because="the loss is not noticed")
    await bus.close(drain=False)
    assert found == "it ends at record 3, and record 7 was seen"


async def _free(history: History) -> bool:
    return not await history.bars()
