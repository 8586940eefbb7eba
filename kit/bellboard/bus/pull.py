"""A continuous pull from a consumer.

The server is always owed nothing or a request; what was requested is counted, and requested anew when it is used up, when
the connection comes back, and when the server's heartbeat stays away. A pull that is only waited for can stall for ever.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import orjson

from bellboard.errors import BusError
from bellboard.telemetry import logs, names

from .inbound import Inbound, Wake
from .messages import PENDING, STATUS, Delivery, origin

if TYPE_CHECKING:
    from .connection import Bus

EXPIRES = 5.0
"""Seconds a request stands. What a frozen process had requested goes to it, and is lost on others until the ack wait."""

BEAT = 1.5
PATIENCE = 2.5 * BEAT
RETRY = 0.5
HEARTBEAT, EXPIRED = "100", "408"


class Pull(Inbound[Delivery]):
    """Messages of a durable consumer, as long as the bus is open.

    At most ``ahead`` are under way or waiting here, so whoever stops taking them stops the flow. Messages that waited here
    for longer than ``stale`` seconds are let go, because the server hands them to someone else by then. With ``brittle``
    it ends, instead of asking again, when anything may have been missed.
    """

    def __init__(self, bus: Bus, stream: str, consumer: str, ahead: int, *, stale: float = 9.0, brittle: bool = False) -> None:
        super().__init__(bus, bus.new_inbox())
        self._request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._name, self._ahead, self._stale, self._brittle = consumer, ahead, stale, brittle
        self._redelivered = None if brittle else names.REDELIVERIES.labels(consumer)
        self._owed = 0  # requested and not come yet
        self._retry_at = 0.0
        self._asleep = False

    async def __anext__(self) -> Delivery:
        await self.start()
        while True:
            if self._owed + self._queue.qsize() <= self._ahead // 2:
                await self._ask()
            self._asleep = self._queue.empty()
            item = await self._queue.get()
            self._asleep = False
            if item is Wake.END:
                self._queue.put_nowait(Wake.END)
                raise StopAsyncIteration
            if isinstance(item, Delivery) and time.monotonic() - item.at < self._stale:
                return item

    async def aclose(self) -> None:
        """End, and hand back what waits here, so that another worker has it at once."""
        # Unsubscribed first: else what is handed back would come to the request that still stands here.
        await super().aclose()
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if isinstance(item, Delivery) and not self._brittle:
                with contextlib.suppress(BusError):  # then it comes again after its ack wait
                    await self._bus.send(item.reply, b"-NAK")
        self._queue.put_nowait(Wake.END)

    async def _ask(self) -> None:
        now = time.monotonic()
        want = self._ahead - self._owed - self._queue.qsize()
        if want < 1 or now < self._retry_at or self._ended:
            return
        body = {"batch": want, "expires": int(EXPIRES * 1e9), "idle_heartbeat": int(BEAT * 1e9)}
        try:
            await self._bus.send(self._request, orjson.dumps(body), reply=self.subject)
        except BusError:
            self._retry_at = now + RETRY
        else:
            self._owed += want

    async def _take(self, raw: Any) -> None:
        self._heard = now = time.monotonic()
        came = origin(raw.reply)
        if came is not None:
            self._owed = max(0, self._owed - 1)
            if came.deliveries > 1 and self._redelivered is not None:
                self._redelivered.inc()
            self._queue.put_nowait(
                Delivery(
                    self._bus, raw.subject, raw.data, raw.headers or {}, came.sequence, came.time, came.deliveries,
                    raw.reply, came.place, now,
                )
            )  # fmt: skip
            return
        headers = raw.headers or {}
        status = headers.get(STATUS)
        if status == HEARTBEAT:
            return
        self._owed = max(0, self._owed - int(headers.get(PENDING, self._owed)))
        if status != EXPIRED:
            self._retry_at = now + RETRY
            self._broken()
        self._queue.put_nowait(Wake.LOOK)

    def tick(self, now: float) -> None:
        if not self._asleep:
            return
        if self._owed and now - self._heard > PATIENCE and self._bus.connected:
            logs.emit(names.BUS_PULL_STALLED, consumer=self._name)
            names.PULLS_ASKED_AGAIN.inc()
            self._bus.silence.unanswered()
            self._heard, self._owed = now, 0
            self._broken()
            self._queue.put_nowait(Wake.LOOK)
        elif not self._owed and self._retry_at <= now:
            self._queue.put_nowait(Wake.LOOK)

    def reconnected(self) -> None:
        self._owed, self._retry_at, self._heard = 0, 0.0, time.monotonic()
        self._broken()
        self._queue.put_nowait(Wake.LOOK)

    def _broken(self) -> None:
        if self._brittle:
            self.end()
