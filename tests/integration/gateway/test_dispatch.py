"""From a line to the ledger."""

from __future__ import annotations

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from bellboard_gateway.lines import Command, NotAccepted, Talk
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs):
    write_people(house)
    async with opened(house, await bus_as("gw-1")) as desk:
        yield desk


async def test_a_line_is_answered_by_a_bot(desk: Desk, mesh: Mesh) -> None:
    """The whole way, from the line to the card."""
    await mesh.practice()
    await desk.listed()
    card = await desk.run("practice look here")
    assert card.state == S.STATE_SUCCEEDED
    assert "here" in says(card)
