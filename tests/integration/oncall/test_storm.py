"""A storm of alerts over webhooks: all of them are counted, and the room stays readable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_oncall.alerts.flood import MOST
from tests.integration.gateway.staff import says
from tests.integration.mesh import Mesh

from .burning import Burning, burning, burning_house

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

ALERTS, GROUPS = 600, 30


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the on-call bot enrolled."""
    return burning_house(tmp_path / "house")


@pytest.fixture
async def room(house: House, nats: NatsServer, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Burning]:
    """The mesh, with two replicas of the bot."""
    async with burning(house, await bus_as("gw-1"), mesh, replicas=2) as room:
        yield room


def said(number: int, status: str = "firing") -> bytes:
    app = f"app-{number % GROUPS}"
    return orjson.dumps({"title": "Slow", "group": app, "status": status, "labels": {"app": app, "host": f"host-{number}"}})


async def firing(room: Burning) -> list[float]:
    """How many alerts fire in each group, as the list says."""
    card = await room.desk.run("alert list", room="play")
    return [row.cells[4].number for block in card.blocks for row in block.table.rows]


async def test_none_of_many_is_lost_and_the_room_is_not_flooded(room: Burning, mesh: Mesh) -> None:
    """One of two replicas is killed in the middle of it; what it had begun, the other one ends."""
    gate = asyncio.Semaphore(16)

    async def give(number: int, status: str = "firing") -> None:
        async with gate:
            await room.give(said(number, status))

    await asyncio.gather(*(give(number) for number in range(ALERTS // 2)))
    mesh.process("oncall-1").kill()
    await asyncio.gather(*(give(number) for number in range(ALERTS // 2, ALERTS)))

    async def all_are_there() -> bool:
        return await firing(room) == [ALERTS / GROUPS] * GROUPS

    await eventually(all_are_there, 90, because="some are missing, or counted twice")
    flood = await room.shows(f"{GROUPS - MOST} groups of alerts more", line="alert flood", timeout=60)
    assert flood.room == "ops"

    async def each_has_its_card() -> bool:
        return len(await room.cards()) == MOST

    await eventually(each_has_its_card, 60, because="a group has no card, or too many have one")
    await eventually(lambda: _each(room, f"{ALERTS // GROUPS} firing"), 60, because="a card is behind")

    await asyncio.gather(*(give(number, "resolved") for number in range(ALERTS)))

    async def none_burns() -> bool:
        return await firing(room) == []

    await eventually(none_burns, 90, because="some still burn")
    await eventually(lambda: _each(room, "over after"), 60, because="a card does not say that it is over")
    assert len(await room.cards()) == MOST


async def _each(room: Burning, words: str) -> bool:
    return all(words in says(card) for card in await room.cards())
