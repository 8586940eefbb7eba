"""The short form of `make chaos`: the whole mesh under kill -9 and SIGSTOP."""

from __future__ import annotations

import pytest

from tests.chaos.storm import mesh

SEED = 20


@pytest.mark.e2e
@pytest.mark.timeout(600)
async def test_nothing_is_lost_and_nothing_dangerous_runs_twice() -> None:
    """150 commands, a third of each effect, under five blows of each kind on each process."""
    report = await mesh.run(commands=150, each=5, rate=1.5, seed=SEED)

    assert report.broken == [], report.figures
