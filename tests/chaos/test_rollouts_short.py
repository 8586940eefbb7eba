"""The short form of `make chaos` for rollouts: kill -9 of the deploy bot at pin, at launch, and at record."""

from __future__ import annotations

import pytest

from tests.chaos.rollouts.ground import ground
from tests.chaos.rollouts.verdict import LINES, judge

DEATHS = [
    ("good", "before marks.begin"),
    ("bad", "after keep.put rollout"),
    ("elsewhere", "after trigger.run"),
    ("elsewhere", "before keep.put ran"),
    ("good", "after keep.put ran"),
]


@pytest.mark.e2e
@pytest.mark.timeout(400)
async def test_a_killed_rollout_goes_on_and_nothing_is_done_twice() -> None:
    """A point of each of the steps that are over in a moment."""
    async with ground() as here:
        for kind, at in DEATHS:
            life = await here.live(LINES[kind], at)
            assert life.died == at
            assert judge(kind, life) == [], (kind, at)
