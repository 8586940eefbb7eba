"""What can be done over a connection to the bus."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import nats.errors

from bellboard.errors import BusUnavailable, Refused, Unconfirmed
from bellboard.settings import ServiceSettings
from bellboard.telemetry import names

from . import holdings, reads
from .acks import sequence_of
from .follow import Follow
from .holdings import Holding, Usage
from .inbound import Inbound, Listen
from .link import Link, inbox_of
from .messages import SEQUENCE, STATUS, Message
from .pull import Pull
from .reads import Span
from .replies import Replies
from .silence import Silence

PATIENCE = 10.0
TIMEOUT = 2.0
TICK = 0.1
NO_RESPONDERS = "503"


class Bus:
    """A connection to the bus, which comes back by itself as often as it is lost."""

    def __init__(self, name: str, inbox: str, on_closed: Callable[[], None] | None) -> None:
        self._link = Link(name, inbox, self)
        self.silence = Silence()
        self._replies = Replies(f"{inbox}.{secrets.token_hex(6)}")
        self._inbounds: set[Inbound[Any]] = set()
        self._inboxes = 0
        self._on_closed = on_closed
        self._ticking: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        name: str,
        nkey_seed: str | Path | None = None,
        ca: Path | None = None,
        inbox: str = "",
        patience: float = PATIENCE,
        on_closed: Callable[[], None] | None = None,
    ) -> Bus:
        """Connect, trying for ``patience`` seconds.

        Args:
            url: where it is; several servers of it with commas between them.
            name: shown in the server's lists.
            nkey_seed: the seed of the bus user, or the file it lies in (read again at each reconnect).
            ca: the certificates, one of which has signed those of the servers; then all that is said is encrypted, from the
                first byte on (``handshake_first`` in the servers' configuration).
            inbox: the prefix of this user's inboxes; by default made from its public key, else from its name.
            on_closed: called when the connection is lost for good, which only a new process can mend.

        Raises:
            BusUnavailable: the bus could not be reached in time.
            SettingsError: the seed or the certificates can't be read, or are none.
        """
        bus = cls(name, inbox or inbox_of(name, nkey_seed), on_closed)
        await bus._link.connect(url, nkey_seed, ca, patience)
        await bus._link.subscribe(f"{bus._replies.prefix}.*", bus._replies.take)
        bus._ticking = asyncio.create_task(bus._tick())
        return bus

    @classmethod
    async def of(cls, settings: ServiceSettings, on_closed: Callable[[], None]) -> Bus:
        """The bus of a service, as its settings say. Raises as `connect`."""
        return await cls.connect(
            settings.bus_url,
            name=settings.replica,
            nkey_seed=settings.nkey_file,
            ca=settings.bus_ca_file,
            on_closed=on_closed,
        )

    @property
    def connected(self) -> bool:
        """Whether the bus can be reached, as far as is known."""
        return self._link.connected

    @property
    def connections(self) -> int:
        """How often the bus was reached. What was known of it before the last time may not be so any more."""
        return self._link.connections

    @property
    def clustered(self) -> bool:
        """Whether the server that is connected to is one of several."""
        return self._link.clustered

    async def up(self, within: float) -> bool:
        """Whether the bus can be reached, or comes back in so many seconds."""
        return await self._link.up(within)

    @property
    def closed(self) -> bool:
        """Whether it was closed, or is lost for good."""
        return self._link.closed

    @property
    def denied(self) -> tuple[str, ...]:
        """What the server's permissions refused so far; anything here is a fault of the set-up."""
        return self._link.denied

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        expected: int | None = None,
        scope: str = "",
        timeout: float = TIMEOUT,
    ) -> int:
        """Store a message in the stream that takes the subject, and return its sequence there.

        Args:
            expected: store it only if this is the last sequence on ``scope``, or on the subject if there is none
                (0: nothing is stored there).

        Raises:
            CasLost: another message came first.
            Unconfirmed: no answer; it may be stored now, later or never.
            BusUnavailable: the bus is known to be out of reach, or has nothing that takes the subject. Not stored.
            TooLarge, Refused: not stored, and never will be.
        """
        if not payload:
            # Between accounts an empty answer ends a stream of answers, so it would cut off the pull of whoever gets it.
            raise Refused("an empty message can't be stored")
        if expected is not None:
            headers = {**(headers or {}), "Nats-Expected-Last-Subject-Sequence": str(expected)}
            if scope:
                headers["Nats-Expected-Last-Subject-Sequence-Subject"] = scope
        started = time.perf_counter()
        answer = await self.request(subject, payload, headers=headers, timeout=timeout)
        try:
            sequence = sequence_of(answer.payload)
        except Unconfirmed:  # such as that there is no leader
            self.silence.unanswered()
            raise
        self.silence.answered()
        names.BUS_STORE_SECONDS.observe(time.perf_counter() - started)
        return sequence

    async def request(
        self, subject: str, payload: bytes = b"", *, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT
    ) -> Message:
        """Send a message and wait for the one answer to it. Raises as `publish` does, but never CasLost."""
        reply, future = self._replies.expect(subject, timeout)
        try:
            await self._link.write(subject, payload, reply, headers)
            answer = await future
        except Unconfirmed:
            names.BUS_UNCONFIRMED.inc()
            self.silence.unanswered()
            raise
        finally:
            self._replies.forget(reply)
        if answer.headers.get(STATUS) == NO_RESPONDERS and SEQUENCE not in answer.headers:
            self.silence.unanswered()
            raise BusUnavailable(f"nothing on the bus answers on {subject}")
        return answer

    async def send(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None, *, reply: str = "") -> None:
        """Send a message to whoever listens now, without waiting for anything.

        Raises:
            BusUnavailable: the bus is known to be out of reach; nothing was sent.
            TooLarge, Refused: nothing was sent.
        """
        await self._link.write(subject, payload, reply, headers)

    async def last(self, stream: str, subject: str) -> Message | None:
        """The last message on a subject. It may be stale. Raises Unconfirmed or BusUnavailable."""
        return await reads.last(self, stream, subject)

    async def lasts(self, stream: str, pattern: str) -> list[Message]:
        """The last message of each subject that matches, oldest first. Raises Unconfirmed or BusUnavailable."""
        return await reads.lasts(self, stream, pattern)

    async def first(self, stream: str, pattern: str) -> Message | None:
        """The first message on all subjects that match. Raises Unconfirmed or BusUnavailable."""
        return await reads.first(self, stream, pattern)

    async def scan(
        self, stream: str, pattern: str, *, after: int = 0, since: float | None = None, most: float = inf
    ) -> list[Message]:
        """Every message on subjects that match, oldest first. Raises Unconfirmed or BusUnavailable.

        Args:
            after: only those after this sequence.
            since: or only those stored at or after this moment, in seconds since 1970.
            most: stop asking once there are so many; some more may have come.
        """
        return await reads.scan(self, stream, pattern, after, since, most)

    async def end(self, stream: str) -> int:
        """The last sequence of a stream. Raises Unconfirmed, BusUnavailable, or Refused: there is no such stream."""
        return (await self.span(stream)).last

    async def span(self, stream: str) -> Span:
        """How far a stream reaches. Raises as `end`."""
        found = await reads.span(self, stream)
        self.silence.answered()
        return found

    async def at(self, stream: str, sequence: int) -> Message | None:
        """The message at a sequence. It may not be there yet. Raises Unconfirmed or BusUnavailable."""
        return await reads.at(self, stream, sequence)

    async def usage(self) -> Usage:
        """What the account's streams take on disk. Raises Unconfirmed, BusUnavailable or Refused."""
        return await holdings.usage(self)

    async def holdings(self) -> list[Holding]:
        """What each stream of the account holds, and on how many servers. Raises as `usage`."""
        return await holdings.holdings(self)

    def pull(self, stream: str, consumer: str, *, ahead: int = 64) -> Pull:
        """Messages of a durable consumer, each to be acknowledged, until the bus is closed."""
        return Pull(self, stream, consumer, ahead)

    def follow(
        self, stream: str, *, filters: Sequence[str] = (), after: int | None = None, since: float | None = None
    ) -> Follow:
        """What a stream holds and what comes into it: without a gap, nothing twice, across reconnects.

        Args:
            filters: subjects to follow; all of them by default.
            after: start after this sequence.
            since: or with the first message stored at or after this moment, in seconds since 1970; else from the beginning.
        """
        return Follow(self, stream, filters, after, since)

    def listen(self, subject: str) -> Listen:
        """What is said on a subject while connected."""
        return Listen(self, subject)

    async def flush(self, timeout: float = TIMEOUT) -> None:
        """Wait until the server has all that was sent and subscribed so far. Raises Unconfirmed."""
        await self._link.flush(timeout)

    async def close(self, drain: bool = True) -> None:
        """End every iteration and close the connection; with ``drain`` after sending what waits to be sent."""
        if self._ticking is None:
            return
        self._ticking.cancel()
        self._ticking = None
        self._end_all()
        await self._link.close(drain)
        self._replies.lost()

    def new_inbox(self) -> str:
        """A subject of this user's own, for answers."""
        self._inboxes += 1
        return f"{self._replies.prefix}.s.{self._inboxes:x}"

    async def attach(self, inbound: Inbound[Any], subject: str, take: Callable[[Any], Awaitable[None]]) -> Any:
        """Subscribe for the modules of this package. Raises BusUnavailable if the bus is closed."""
        self._inbounds.add(inbound)
        return await self._link.subscribe(subject, take)

    async def detach(self, inbound: Inbound[Any], subscription: Any) -> None:
        """Undo `attach`."""
        self._inbounds.discard(inbound)
        with contextlib.suppress(nats.errors.Error):  # it went with the connection
            await subscription.unsubscribe()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._replies.sweep(now)
            for inbound in list(self._inbounds):
                inbound.tick(now)
            if self.clustered and self.silence.too_long(now):
                await self._link.hop()

    def _end_all(self) -> None:
        for inbound in list(self._inbounds):
            inbound.end()

    def lost(self) -> None:
        """The connection was lost, and with it every answer."""
        self._replies.lost()

    def back(self) -> None:
        """The connection is there again."""
        self.silence.answered()
        for inbound in list(self._inbounds):
            inbound.reconnected()

    def gone(self) -> None:
        """The connection is lost for good."""
        self._end_all()
        if self._on_closed is not None:
            self._on_closed()

    def refused(self, violation: str) -> None:
        """The server refused something."""
        self._replies.denied(violation)
