"""Fixtures for tests with services as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.provision import House, layout
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_practice.bot import bot as practice
from tests.integration.mesh import Gate, Mesh


@pytest.fixture
def short_ack_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost commands are handed out again sooner. To be asked for before the bus."""
    monkeypatch.setattr(layout, "ACK_WAIT", 4)


@pytest.fixture
async def gate(house: House, bus_as: BusAs) -> Gate:
    """What a gateway does for the practice bot's commands."""
    return Gate(house, await bus_as("gw-1"), practice.contract)


@pytest.fixture
async def mesh(house: House, nats: NatsServer, tmp_path: Path) -> AsyncIterator[Mesh]:
    """Services as processes."""
    mesh = Mesh(house, tmp_path)
    yield mesh
    await mesh.close()
