"""Rubbish from whoever has the gateway's own key: no bot runs it, it is counted, and work goes on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import aiohttp
import nats as nats_client
import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus.link import inbox_of
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.integration.mesh import WORLD, Mesh, Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

UNSIGNED = WORLD.record(S.STATE_RECEIVED, command=pb.SignedEnvelope(envelope=pb.Envelope(id="x").SerializeToString()))
RUBBISH = {
    "bytes": b"\xff\xfe no record",
    "random": os.urandom(2000),
    "unsigned": UNSIGNED.SerializeToString(),
    "large": bytes(255 * 1024),
}


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def refused(bot: Process) -> float:
    """How many messages a bot has counted as none of its commands."""
    port = (await bot.says("service.ready"))["health_port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    counts = [line for line in lines if line.startswith('bellboard_refused_messages_total{bot="practice"')]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counts)


async def test_rubbish_on_a_bots_queue_is_counted_and_work_goes_on(desk: Desk, mesh: Mesh) -> None:
    """On both its queues, and on that of the gateway's own bot."""
    for bot in ("practice", "house"):
        for lane in ("ops-work", "ops-read"):
            for name, payload in RUBBISH.items():
                await desk.gateway.bus.publish(f"led.{lane}.{bot}.{name}.run", payload)

    worked = [await desk.run(line) for line in ("practice fire a", "practice look", "running")]

    assert [card.state for card in worked] == [S.STATE_SUCCEEDED] * 3
    assert len(mesh.effects_file.read_text().splitlines()) == 1
    counted = 2 * len(RUBBISH)

    async def all_counted() -> bool:
        return await refused(mesh.process("practice-1")) == counted

    await eventually(all_counted, because=f"there were {counted}")


async def _hear(error: Exception) -> None:
    """What the server says to that client is seen by its end."""


async def test_a_message_larger_than_the_bus_takes_harms_nobody(desk: Desk, nats: NatsServer, house: House) -> None:
    """By a client that does not look at the size first: the bus refuses it, and closes that connection alone."""
    seed = house.seed("gw-1")
    inbox = inbox_of("gw-1", seed)
    client = await nats_client.connect(
        nats.url, nkeys_seed=str(seed), inbox_prefix=inbox, allow_reconnect=False, error_cb=_hear
    )
    try:
        answer = await client.request("led.ops-work.practice.large.run", bytes(300 * 1024), timeout=5)
        assert b"exceeds maximum" in answer.data
        client._max_payload = 1 << 30
        await client.publish("led.ops-work.practice.larger.run", bytes(2 * 1024 * 1024))
        await eventually(lambda: client.is_closed)
    finally:
        await client.close()

    assert await desk.gateway.bus.last("LED", "led.ops-work.practice.large.run") is None
    assert await desk.gateway.bus.last("LED", "led.ops-work.practice.larger.run") is None
    assert (await desk.run("practice fire a")).state == S.STATE_SUCCEEDED
