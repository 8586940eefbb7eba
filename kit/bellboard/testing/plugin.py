"""Fixtures: a house, a real bus in it, connections to it. Load with ``pytest_plugins = ["bellboard.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.provision import House, enrol

from .servers import NatsServer, close_all
from .talk import talk_to

__all__ = ["BusAs", "bus_as", "house", "nats", "talk_to"]

READ, IDEMPOTENT, ONCE = options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE

BusAs = Callable[[str], Awaitable[Bus]]
"""Connects as a bus user: "gw-1", "gw-2", "reaper", "provisioner", or a bot."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the bots memes and practice enrolled."""
    house = House(tmp_path / "house")
    memes = enrol.enrolment(
        "memes",
        module="bellboard_memes",
        package="bellboard.api.memes.v1",
        phrases=["meme", "roll"],
        effects=[READ, IDEMPOTENT],
        open=True,
    )
    practice = enrol.enrolment(
        "practice",
        module="bellboard_practice",
        package="bellboard_practice.v1",
        phrases=["practice"],
        effects=[READ, IDEMPOTENT, ONCE],
        open=True,
    )
    house.make(bots=[memes, practice])
    return house


@pytest.fixture
async def nats(house: House) -> AsyncIterator[NatsServer]:
    """A running bus with its streams and consumers."""
    server = NatsServer(house)
    try:
        await server.start()
        await server.provision()
        yield server
    finally:
        await server.kill()


@pytest.fixture
async def bus_as(nats: NatsServer) -> AsyncIterator[BusAs]:
    """Connections to the bus, closed after the test."""
    opened: list[Bus] = []

    async def connect(user: str) -> Bus:
        bus = await nats.bus(user)
        opened.append(bus)
        return bus

    yield connect
    await close_all(opened)
