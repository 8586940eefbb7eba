"""The short form of `make chaos` for escalations: 20 of them, while everything is killed in turn."""

from __future__ import annotations

import pytest

from tests.chaos.escalations.__main__ import run
from tests.chaos.escalations.ground import ground


@pytest.mark.e2e
@pytest.mark.timeout(400)
async def test_each_message_is_sent_once_or_called_uncertain() -> None:
    """By the world outside, the ledger, and each page's own card."""
    async with ground() as here:
        assert await run(here, 20, 8, 2.5, seed=4) == []
        assert here.struck.total() == 8
