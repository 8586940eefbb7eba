"""A small production, and the deploy bot as a process of its own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.provision import House, enrol
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_deploy.bot import bot
from bellboard_deploy.sandbox import Sandbox
from tests.integration.mesh import Gate, Mesh


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the deploy bot enrolled."""
    house = House(tmp_path / "house")
    deploy = enrol.enrolment(
        "deploy",
        module="bellboard_deploy",
        package="bellboard.api.deploy.v1",
        phrases=["deploy", "rollback", "lock", "unlock", "freeze", "scale", "restart", "lb", "wcid"],
        effects=[options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE],
        open=True,
    )
    house.make(bots=[deploy])
    return house


@pytest.fixture
async def gate(house: House, bus_as: BusAs) -> Gate:
    """What a gateway does for the deploy bot's commands."""
    return Gate(house, await bus_as("gw-1"), bot.contract)


@pytest.fixture
async def town() -> AsyncIterator[Path]:
    """The folder of a running sandbox with its customers. Socket paths are short, so it is not below the test's own."""
    with tempfile.TemporaryDirectory(prefix="bb-") as folder:
        town = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bellboard_sandbox.town", "--dir", folder, "--rate", "60"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await eventually(lambda: (Path(folder) / "control.sock").exists(), 20, because="the sandbox did not start")
            yield Path(folder)
        finally:
            town.terminate()
            await town.wait()


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
