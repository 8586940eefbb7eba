"""The disk under the bus is full: what is typed then is answered in time, and never runs later."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bellboard.bus import Bus
from bellboard.errors import Unconfirmed
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_gateway.lines import NotAccepted
from tests.integration.gateway.staff import Desk, opened, says, within, write_people
from tests.integration.mesh import Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

STORE = 256 * 1024
"""Bytes of the small store."""

Fill = Callable[[NatsServer, Bus], Awaitable[None]]


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def _no_byte_more(nats: NatsServer, bus: Bus) -> None:
    """Every write to a file fails, as on a disk without room; the server itself goes on."""
    resource.prlimit(nats.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


async def _up_to_the_limit(nats: NatsServer, bus: Bus) -> None:
    """The server's store has a limit, and blobs have taken all of it."""
    config = nats.house.server_config
    config.write_text(config.read_text().replace("jetstream {", f"jetstream {{\n  max_file_store: {STORE}"))
    await nats.restart()
    await nats.provision()
    await eventually(lambda: bus.connected)
    await eventually(lambda: _is_full(bus), 30)


async def _is_full(bus: Bus) -> bool:
    try:
        await bus.publish("blob.gw.filler.0", bytes(1024))
    except Unconfirmed:
        return True
    return False


async def _make_room(nats: NatsServer) -> None:
    """After a failed write the server takes nothing more for its stream until it is started anew."""
    nats.house.configure(nats.house.port)
    await nats.restart()
    await nats.provision()


@pytest.mark.parametrize("fill", [_no_byte_more, _up_to_the_limit], ids=["no byte more", "up to the limit"])
async def test_what_is_typed_on_a_full_disk_never_runs(desk: Desk, nats: NatsServer, mesh: Mesh, fill: Fill) -> None:
    """It is unconfirmed within 3 s, refused for good when there is room again, and then what is typed runs."""
    await fill(nats, desk.gateway.bus)
    await eventually(lambda: desk.gateway.ill() is None)
    await desk.listed()
    async with within(3):
        answer = await desk.take("practice fire a", message="m1")
    assert isinstance(answer, NotAccepted)
    assert "unconfirmed" in answer.reason
    async with within(3):
        assert isinstance(await desk.take("practice fire a", message="m1"), NotAccepted)

    await _make_room(nats)

    async def told() -> NotAccepted | None:
        again = await desk.take("practice fire a", message="m1")
        assert isinstance(again, NotAccepted)
        return again if again.final else None

    verdict = await eventually(told, 30)
    assert verdict is not None
    assert "it can never run" in verdict.reason
    await desk.listed()
    card = await desk.run("practice fire b", message="m2")
    assert (card.state, says(card)) == (S.STATE_SUCCEEDED, "fired b")
    assert mesh.effects_file.read_text().count("fire") == 1


async def test_what_ran_when_the_disk_became_full_is_known_when_there_is_room(desk: Desk, nats: NatsServer, mesh: Mesh) -> None:
    """Its worker keeps the result until it can be written; it ran once."""
    id = await desk.command("practice fire a --wait 1s")
    view = await desk.view(id, S.STATE_STARTED)
    await _no_byte_more(nats, desk.gateway.bus)
    await eventually(lambda: mesh.effects(view.key))

    await _make_room(nats)

    assert (await desk.final(id)).state == S.STATE_SUCCEEDED
    assert mesh.effects(view.key) == ["fire"]
