"""The short form of `make chaos` for a bus of three servers."""

from __future__ import annotations

import pytest

from tests.chaos.cluster import ground


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_a_bus_of_three_loses_nothing_and_runs_nothing_twice() -> None:
    """Though its servers are killed, stopped and cut off while commands run; and nobody takes that for a lost history."""
    report = await ground.run(commands=24, faults=4, rate=1.0, seed=2, longest=4.0)

    assert report.broken == [], report.figures
