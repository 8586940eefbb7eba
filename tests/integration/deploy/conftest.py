"""A small production, and the deploy bot as a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_cli.bots import own
from bellboard_deploy.bot import bot
from bellboard_deploy.sandbox import Sandbox
from tests.integration.mesh import Gate, Mesh
from tests.integration.sandbox.towns import busy_town


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the deploy bot enrolled."""
    house = House(tmp_path / "house")
    house.make(bots=[own("deploy")])
    return house


@pytest.fixture
async def gate(house: House, bus_as: BusAs) -> Gate:
    """What a gateway does for the deploy bot's commands."""
    return Gate(house, await bus_as("gw-1"), bot.contract)


@pytest.fixture
async def town() -> AsyncIterator[Path]:
    """The folder of a running sandbox with its customers."""
    async with busy_town() as folder:
        yield folder


@pytest.fixture
async def sandbox(town: Path) -> Sandbox:
    """The sandbox, as the bot reaches it."""
    return Sandbox(town)


@pytest.fixture
async def mesh(house: House, nats: NatsServer, tmp_path: Path) -> AsyncIterator[Mesh]:
    """Services as processes."""
    mesh = Mesh(house, tmp_path)
    yield mesh
    await mesh.close()
