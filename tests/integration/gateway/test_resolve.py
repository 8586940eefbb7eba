"""People say what became of commands that are UNKNOWN."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot, and a reaper."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice(), mesh.reaper()) as desk:
        await desk.listed()
        yield desk


async def lost(desk: Desk, mesh: Mesh, line: str = "practice fire a --wait 30s", steps: int = 0) -> View:
    """A command whose worker was killed in the middle, with so many steps begun; another worker is there."""
    id = await desk.command(line)
    began = await desk.view(id, S.STATE_STARTED, S.STATE_STEP)
    await eventually(lambda: sum(step.state != pb.STEP_STATE_UNSPECIFIED for step in began.record.steps) >= steps)
    mesh.process("practice-1").kill()
    await mesh.practice("practice-2")
    return await desk.view(id, S.STATE_UNKNOWN)


@pytest.mark.parametrize(
    ("verdict", "state", "said"),
    [
        ("succeeded", S.STATE_RESOLVED_SUCCEEDED, "Resolved by ann: it happened (it smoked)"),
        ("failed", S.STATE_RESOLVED_FAILED, "Resolved by ann: it did not happen (it smoked)"),
    ],
    ids=["succeeded", "failed"],
)
async def test_a_person_says_what_became_of_it(desk: Desk, mesh: Mesh, verdict: str, state: int, said: str) -> None:
    """In a line, with a reason; the card says by whom, nothing is run, and it is said once."""
    view = await lost(desk, mesh)

    answer = await desk.run(f"resolve {view.key.id[:8]} {verdict} it smoked")
    card = await desk.gateway.board.card(await desk.view(view.key.id, S.STATE_RESOLVED_SUCCEEDED, S.STATE_RESOLVED_FAILED))

    assert answer.state == S.STATE_SUCCEEDED
    assert (card.state, card.reason) == (state, said)
    assert mesh.effects(view.key) == []

    for other in ("succeeded", "failed"):
        second = await desk.run(f"resolve {view.key.id[:8]} {other}")
        assert second.state == S.STATE_FAILED
        assert "can't be resolved: it is" in says(second)
        assert "by ann" in says(second)
    assert (await desk.view(view.key.id)).record.state == state


async def test_only_who_may_run_it_says_what_became_of_it(desk: Desk, mesh: Mesh) -> None:
    """A stranger to the command is told no, and it stays UNKNOWN."""
    view = await lost(desk, mesh)

    refused = await desk.run(f"resolve {view.key.id} succeeded", "bob")

    assert refused.state == S.STATE_FAILED
    assert "you may not touch" in says(refused)
    assert (await desk.view(view.key.id)).record.state == S.STATE_UNKNOWN


async def test_what_waits_behind_it_gets_its_turn(desk: Desk, mesh: Mesh) -> None:
    """Nobody climbs the hill while it is not known whether somebody is on it; then the next one does, at once."""
    view = await lost(desk, mesh, "practice climb north --wait 5s", steps=2)
    behind = await desk.command("practice climb north")
    queued = await desk.view(behind, S.STATE_QUEUED)
    assert queued.record.turn.holder == view.key.id
    other = await desk.run("practice climb south")
    assert other.state == S.STATE_SUCCEEDED
    assert (await desk.view(behind)).record.state == S.STATE_QUEUED

    await desk.run(f"resolve {view.key.id} failed")

    assert (await desk.final(behind)).state == S.STATE_SUCCEEDED
    assert mesh.effects(queued.key) == ["boots", "rope", "top"]
    assert "top" not in mesh.effects(view.key)
