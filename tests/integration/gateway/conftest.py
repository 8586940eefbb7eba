"""Fixtures for the board and the web room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from tests.integration.gateway.stage import Stage


@pytest.fixture
async def stage(house: House, bus_as: BusAs) -> AsyncIterator[Stage]:
    """A board, rooms and a web adapter on a real bus; the board has caught up."""
    stage = Stage(await bus_as("gw-1"), await bus_as("practice"), house)
    following = asyncio.create_task(stage.board.run())
    await stage.board.caught_up.wait()
    yield stage
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
