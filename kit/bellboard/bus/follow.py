"""Following a stream: without a gap, and nothing twice.

The consumer is a throw-away one in the server's memory. Whenever anything may have been missed, it is left to expire and
a new one begins after the last message seen.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from bellboard.errors import BusError
from bellboard.telemetry import logs, names

from .acks import failure
from .messages import Message
from .pull import Pull

if TYPE_CHECKING:
    from .connection import Bus

AHEAD = 512
RETRY = 0.3
IDLE = 30.0
"""Seconds after which the server forgets a consumer that nobody asks."""


class Follow(AsyncIterator[Message]):
    """What a stream holds and what comes into it, in order, until the bus is closed."""

    def __init__(self, bus: Bus, stream: str, filters: Sequence[str], after: int | None, since: float | None) -> None:
        self._bus, self._stream, self._filters = bus, stream, tuple(filters)
        self._seen, self._since = after or 0, since if after is None else None
        self._pull: Pull | None = None
        self._place = 0
        self._ended = False

    async def __anext__(self) -> Message:
        while not self._ended:
            if self._pull is None and not await self._begin():
                await asyncio.sleep(RETRY)
                continue
            assert self._pull is not None
            delivery = await anext(self._pull, None)
            if delivery is None or delivery.place != self._place + 1:
                await self._leave()
                continue
            self._place = delivery.place
            if delivery.sequence > self._seen:
                self._seen = delivery.sequence
                return Message(delivery.subject, delivery.payload, delivery.headers, delivery.sequence, delivery.time)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End, and ask for nothing more."""
        self._ended = True
        await self._leave()

    async def _leave(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.aclose()

    async def _begin(self) -> bool:
        if self._bus.closed:
            self._ended = True
            return False
        consumer = f"follow-{secrets.token_hex(6)}"
        body = {"stream_name": self._stream, "config": self._config(consumer), "action": "create"}
        try:
            answer = await self._bus.request(f"$JS.API.CONSUMER.CREATE.{self._stream}.{consumer}", orjson.dumps(body))
            created = orjson.loads(answer.payload)
            if "error" in created:
                raise failure(created["error"])
        except BusError as error:
            logs.emit(names.BUS_FOLLOW_RETRIED, stream=self._stream, error=error.text)
            return False
        self._place = 0
        self._pull = Pull(self._bus, self._stream, consumer, AHEAD, stale=float("inf"), brittle=True)
        return True

    def _config(self, consumer: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": consumer,
            "ack_policy": "none",
            "deliver_policy": "all",
            "inactive_threshold": int(IDLE * 1e9),
            "mem_storage": True,
            "num_replicas": 1,
        }
        if self._filters:
            config["filter_subjects"] = list(self._filters)
        if self._seen:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self._seen + 1}
        elif self._since is not None:
            start = datetime.fromtimestamp(self._since, UTC).isoformat()
            config |= {"deliver_policy": "by_start_time", "opt_start_time": start}
        return config
