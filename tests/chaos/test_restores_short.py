"""The short form of `make chaos` for a bus that loses history: each way once."""

from __future__ import annotations

import pytest

from tests.chaos.restores.__main__ import run
from tests.chaos.restores.ground import KINDS, ground


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_every_loss_is_noticed_and_nothing_runs_twice() -> None:
    """By the gateway and by the bot, whichever way the history went."""
    async with ground(seed=5) as here:
        assert await run(here, len(KINDS)) == []
        assert here.fired
