"""Fixtures: a bus that two teams share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.provisioner.shared import SharedBus


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[SharedBus]:
    """The objects of the teams alpha and beta; nothing runs yet."""
    bus = SharedBus(tmp_path)
    try:
        await bus.make("alpha", "beta")
        yield bus
    finally:
        await bus.close()
