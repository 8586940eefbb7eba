"""Webhooks whose gateway is killed again and again: nothing that was taken is lost, and nothing comes in two commands."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial

import aiohttp
import pytest

from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer, free_port
from tests.integration.gateway.hooked import OPEN, Sender, marks, taken, write_hooks
from tests.integration.gateway.staff import write_people
from tests.integration.mesh import Mesh, Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

KILLS = 3


@pytest.fixture
def port() -> int:
    """Where the gateway's page is, at every start."""
    return free_port()


@pytest.fixture
async def gateway(house: House, nats: NatsServer, mesh: Mesh, port: int) -> Process:
    """A gateway as a process."""
    write_people(house)
    write_hooks(house)
    own = {"BELLBOARD_REPLICA": "gw-1", "BELLBOARD_WEB_PORT": str(port)}
    return await mesh.service("gw-1", "gw-1", "bellboard_gateway", own).start()


async def test_what_was_taken_outlives_the_gateway(gateway: Process, mesh: Mesh, port: int) -> None:
    """It is killed after its answer, and before any bot is there to be told."""
    sender = Sender(port)
    sequences = [await sender.give() for _ in range(20)]
    gateway.kill()
    await gateway.ended()
    await asyncio.gather(gateway.start(), mesh.practice())
    assert [mark.sequence for mark in await taken(mesh.effects_file, *sequences, timeout=60)] == sequences
    await sender.http.close()


async def test_kills_lose_nothing_and_bring_nothing_in_two_commands(gateway: Process, mesh: Mesh, port: int) -> None:
    """While senders send, the gateway is killed; a sender sends again what it has no answer for, and nothing else."""
    await mesh.practice()
    sender, accepted, over = Sender(port), list[int](), asyncio.Event()

    async def send() -> None:
        while not over.is_set():
            try:
                status, said = await sender.post(f"/hooks/open/{OPEN}")
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(0.02)
                continue
            if status == 202:
                accepted.append(said["taken"])

    sending = [asyncio.create_task(send()) for _ in range(3)]
    for _ in range(KILLS):
        enough = len(accepted) + 40
        await eventually(partial(_longer, accepted, enough), 60)
        gateway.kill()
        await gateway.ended()
        await gateway.start()
    over.set()
    await asyncio.gather(*sending)
    await taken(mesh.effects_file, *accepted, timeout=90)
    await sender.http.close()

    commands: dict[int, set[str]] = defaultdict(set)
    for mark in marks(mesh.effects_file):
        commands[mark.sequence].add(mark.command)
    assert [sequence for sequence, ids in commands.items() if len(ids) > 1] == []
    assert len(accepted) == len(set(accepted))
    order = list(dict.fromkeys(mark.sequence for mark in marks(mesh.effects_file)))
    assert order == sorted(order)


def _longer(taken: list[int], count: int) -> bool:
    return len(taken) > count
