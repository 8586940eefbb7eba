"""What the reaper measures now and then: how much its team's streams hold, and on how many servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from bellboard.bus import Bus, Holding, Usage
from bellboard.errors import BusError
from bellboard.telemetry import names

EVERY = 10.0
"""Seconds between two measures. A cluster asks all its servers for each."""


async def measure(bus: Bus) -> None:
    """Measure until cancelled. What can't be learnt keeps its last value."""
    while True:
        with contextlib.suppress(BusError):
            show(await bus.usage(), await bus.holdings())
        await asyncio.sleep(EVERY)


def show(usage: Usage, holdings: Iterable[Holding]) -> None:
    """Say it."""
    names.STORE_BYTES.set(usage.used)
    names.STORE_LIMIT.set(usage.limit)
    for one in holdings:
        names.STREAM_BYTES.labels(one.name).set(one.bytes)
        names.STREAM_MESSAGES.labels(one.name).set(one.messages)
        names.STREAM_COPIES.labels(one.name).set(one.copies)
        names.STREAM_WANTED.labels(one.name).set(one.wanted)
