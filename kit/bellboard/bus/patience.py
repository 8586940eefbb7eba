"""Trying again until the bus is back: for what may be done twice without harm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from bellboard.errors import BusUnavailable, Unconfirmed

if TYPE_CHECKING:
    from .connection import Bus

T = TypeVar("T")

SECONDS = 10.0
PAUSE = 0.1


async def patiently(bus: Bus, do: Callable[[], Awaitable[T]], *, seconds: float = SECONDS) -> T:
    """Do something on the bus, and do it again if the bus was away or did not answer.

    Raises:
        BusError: what it raised last, when the time is up, or anything but those two.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await do()
        except (BusUnavailable, Unconfirmed):
            left = deadline - time.monotonic()
            if left <= 0 or bus.closed:
                raise
            await asyncio.sleep(PAUSE)
            await bus.up(left)
