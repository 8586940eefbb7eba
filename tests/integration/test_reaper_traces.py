"""A reaper tells of what ended, and not of everything that ever did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from bellboard.ledger.ops import World
from bellboard.ledger.reap import Patience
from bellboard.telemetry.trace import Entry, lifecycle
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_reaper.reaper import TOLD_AGAIN, Reaper
from tests.integration.mesh import Gate, Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.mark.parametrize(("later", "told"), [(0.0, True), (2 * TOLD_AGAIN, False)], ids=["just now", "long ago"])
async def test_what_ended_before_its_start_is_told_if_it_was_just_now(
    gate: Gate, mesh: Mesh, bus_as: BusAs, later: float, told: bool
) -> None:
    """One that takes over at once leaves no gap; one that starts on a long ledger does not send all of it again."""
    await mesh.practice()
    key = await gate.accept("practice look")
    await gate.final(key)
    seen: list[Sequence[Entry]] = []
    world = World(now=lambda: time.time() + later)
    reaper = Reaper(await bus_as("reaper"), Patience(), seen.append, world)
    reaping = asyncio.create_task(reaper.run())
    await eventually(lambda: reaper.caught_up)
    reaping.cancel()
    await asyncio.gather(reaping, return_exceptions=True)

    assert [{span.name for span in lifecycle(entries)} for entries in seen] == [{"command", "wait", "run"}] * told
