"""What comes in without being asked for each time: a subscription that only queues, and whoever takes from the queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bellboard.errors import BusUnavailable

from .messages import Message, received

if TYPE_CHECKING:
    from .connection import Bus

T = TypeVar("T")


class Wake(Enum):
    """Put into a queue to wake who waits on it."""

    LOOK = 1  # something has changed
    END = 2  # nothing will ever come again


class Inbound(AsyncIterator[T], Generic[T]):
    """A subscription whose callback only queues, so that nothing slow ever holds up the connection.

    It survives reconnects, and ends when the bus closes or `aclose` is called.
    """

    def __init__(self, bus: Bus, subject: str) -> None:
        self._bus, self.subject = bus, subject
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._subscription: Any = None
        self._ended = False
        self._heard = time.monotonic()

    async def start(self) -> None:
        """Subscribe now, not when the first message is asked for."""
        if self._subscription is None and not self._ended:
            self._heard = time.monotonic()
            try:
                self._subscription = await self._bus.attach(self, self.subject, self._take)
            except BusUnavailable:
                self.end()

    async def aclose(self) -> None:
        """Unsubscribe, and end."""
        self.end()
        if self._subscription is not None:
            await self._bus.detach(self, self._subscription)

    def end(self) -> None:
        """Let whoever waits find that nothing will ever come again."""
        self._ended = True
        self._queue.put_nowait(Wake.END)

    def tick(self, now: float) -> None:
        """Called ten times a second."""

    def reconnected(self) -> None:
        """Called when the connection is there again; everything that was under way is lost."""

    async def _take(self, raw: Any) -> None:
        self._heard = time.monotonic()
        self._queue.put_nowait(raw)


class Listen(Inbound[Message]):
    """What is said on a subject from now on, and not kept: what comes while the connection is lost is missed."""

    async def __anext__(self) -> Message:
        await self.start()
        while True:
            raw = await self._queue.get()
            if raw is Wake.END:
                self._queue.put_nowait(Wake.END)
                raise StopAsyncIteration
            if raw is not Wake.LOOK:
                return received(raw)
