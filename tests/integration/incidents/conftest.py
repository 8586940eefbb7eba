"""A whole gateway, and the incidents bot as a process beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from bellboard_cli.bots import own
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.integration.mesh import Mesh, Process

WEB = "http://127.0.0.1:8420"


@pytest.fixture
def house(house: House) -> House:
    """The house in which the incidents bot is enrolled as `bell up` does it."""
    house.enrol(own("incidents"))
    write_people(house)
    return house


async def incidents(mesh: Mesh, replica: str = "incidents-1") -> Process:
    """A replica of the bot."""
    env = {"BELLBOARD_REPLICA": replica, "BELLBOARD_WEB_URL": WEB}
    return await mesh.service("incidents", replica, "bellboard_incidents", env).start()


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the incidents bot, and practice to have something to run."""
    async with opened(house, await bus_as("gw-1"), incidents(mesh), mesh.practice()) as desk:
        for bot in ("incidents", "practice"):
            await desk.listed(bot)
        yield desk
