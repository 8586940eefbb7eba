"""What the gateway does by itself with the bots of on-call and incidents beside it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_cli.bots import own
from bellboard_gateway.adapters.web_door import Said
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration

BOTS = ("oncall", "incidents")


@pytest.fixture
def house(house: House) -> House:
    """The house in which both bots are enrolled as `bell up` does it."""
    for bot in BOTS:
        house.enrol(own(bot))
    write_people(house)
    return house


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway, and both bots as processes."""
    bots = [mesh.service(bot, f"{bot}-1", f"bellboard_{bot}", {"BELLBOARD_REPLICA": f"{bot}-1"}).start() for bot in BOTS]
    async with opened(house, await bus_as("gw-1"), *bots) as desk:
        for bot in BOTS:
            await desk.listed(bot)
        yield desk


async def below(desk: Desk, line: str) -> View:
    """The newest command whose line begins so, once it is final."""

    def look() -> View | None:
        found = [v for v in desk.gateway.board._all.views.values() if v.final and v.envelope.line.startswith(line)]
        return max(found, key=lambda view: view.began, default=None)

    view = await eventually(look, 20, because=f"nothing of {line} was run")
    assert view is not None
    return view


async def test_resolve_ends_an_incident_and_a_page_as_whoever_asks(desk: Desk) -> None:
    """By their own bots' commands, on the same card."""
    await desk.run('incident open "checkout fails"')
    asked = await desk.run("resolve I1 it was the cache")
    assert asked.state == S.STATE_SUCCEEDED, says(asked)
    closed = await below(desk, "incident close I1")
    assert (closed.record.state, closed.envelope.principal.person) == (S.STATE_SUCCEEDED, "ann")
    assert closed.envelope.card == asked.command_id
    assert closed.envelope.line == "incident close I1 it was the cache"

    paged = await desk.run('page @bob "the till is down"')
    assert paged.state == S.STATE_SUCCEEDED, says(paged)
    await desk.run("resolve p1")
    resolved = await below(desk, "page resolve P1")
    assert resolved.record.state == S.STATE_SUCCEEDED, resolved.record.reason


async def test_a_team_is_reached_by_its_name_in_talk(desk: Desk) -> None:
    """Where the room has that on, whoever is on call is mentioned."""
    await desk.run("helper on oncall-mention", room="ops")
    said = Said(secrets.token_hex(8), "ops", "bob", "@oncall-home the till is down")

    assert await desk.gateway.web.door.say(said) == {"kind": "talk"}

    mention = await below(desk, "oncall mention home")
    card = await desk.final(mention.key.id)
    assert card.state == S.STATE_SUCCEEDED, says(card)
    assert (mention.room, mention.envelope.principal.person) == ("ops", "bob")
    assert [person for block in card.blocks for person in block.text.mentions] == ["ann"], "the only owner"
