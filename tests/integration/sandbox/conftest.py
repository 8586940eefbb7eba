"""A sandbox that runs."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.integration.sandbox.towns import Town


@pytest.fixture
async def make_town(tmp_path: Path) -> AsyncIterator[Callable[..., Town]]:
    """Runs a sandbox with these options; without customers, unless they are asked for."""
    made: list[Town] = []

    def make(*options: str) -> Town:
        town = Town(tmp_path / "t", *(options or ("--rate", "0")))
        made.append(town)
        town.start()
        return town

    yield make
    for town in made:
        for client in (town.control, town.front, town.caddy):
            client.close()
        town.end(signal.SIGKILL)


@pytest.fixture
async def town(make_town: Callable[..., Town]) -> Town:
    """A sandbox without customers."""
    return make_town()
