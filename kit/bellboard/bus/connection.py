"""One connection to the bus, and what is published over it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nats.errors
import nkeys
from nats.aio.client import Client

from bellboard.errors import BusUnavailable, Refused, SettingsError, TooLarge, Unconfirmed
from bellboard.telemetry import logs, names

from . import reads
from .acks import sequence_of
from .follow import Follow
from .inbound import Inbound, Listen
from .messages import STATUS, Message
from .pull import Pull
from .replies import Replies

PATIENCE = 10.0
TIMEOUT = 2.0
TICK = 0.1
MAX_SUBJECT = 1024
NO_RESPONDERS = "503"


class Bus:
    """A connection to the bus, which comes back by itself as often as it is lost.

    Attributes:
        denied: what the server's permissions refused so far; anything here is a fault of the set-up.
    """

    def __init__(self, name: str, inbox: str, on_closed: Callable[[], None] | None) -> None:
        self._name, self._inbox, self._on_closed = name, inbox, on_closed
        self._client: Any = Client()
        self._replies = Replies(f"{inbox}.{secrets.token_hex(6)}")
        self._open: set[Inbound[Any]] = set()
        self._up = self._closing = False
        self._last_error = ""
        self._ticking: asyncio.Task[None] | None = None
        self._inboxes = 0
        self.denied: tuple[str, ...] = ()

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        name: str,
        nkey_seed: str | Path | None = None,
        inbox: str = "",
        patience: float = PATIENCE,
        on_closed: Callable[[], None] | None = None,
    ) -> Bus:
        """Connect, trying for ``patience`` seconds.

        Args:
            name: shown in the server's lists.
            nkey_seed: the seed of the bus user, or the file it lies in (read again at each reconnect).
            inbox: the prefix of this user's inboxes; by default made from its public key, else from its name.
            on_closed: called when the connection is lost for good, which nothing in here can mend.

        Raises:
            BusUnavailable: the bus could not be reached in time.
            SettingsError: the seed can't be read, or is none.
        """
        bus = cls(name, inbox or _inbox(name, nkey_seed), on_closed)
        await bus._connect(url, nkey_seed, patience)
        return bus

    async def _connect(self, url: str, seed: str | Path | None, patience: float) -> None:
        credentials = {"nkeys_seed": str(seed)} if isinstance(seed, Path) else {"nkeys_seed_str": seed}
        try:
            async with asyncio.timeout(patience):
                await self._client.connect(
                    url, name=self._name, inbox_prefix=self._inbox, **credentials,
                    pending_size=-1, max_reconnect_attempts=-1, reconnect_time_wait=0.2, connect_timeout=2,
                    ping_interval=3, max_outstanding_pings=2, drain_timeout=5,
                    error_cb=self._on_error, disconnected_cb=self._on_disconnected,
                    reconnected_cb=self._on_reconnected, closed_cb=self._on_client_closed,
                )  # fmt: skip
                await self._client.subscribe(f"{self._replies.prefix}.*", cb=self._replies.take)
        except (TimeoutError, OSError, nats.errors.Error) as error:
            self._closing = True
            with contextlib.suppress(Exception):  # what is left of a connection that never was
                await self._client.close()
            text = self._last_error or str(error)
            raise BusUnavailable(f"the bus at {url} can't be reached: {text}", hint="is nats-server running?") from error
        self._up = True
        names.BUS_UP.set(1)
        logs.emit(names.BUS_CONNECTED, url=url, user=self._name)
        self._ticking = asyncio.create_task(self._tick())

    @property
    def connected(self) -> bool:
        """Whether the bus can be reached, as far as is known."""
        return bool(self._up and self._client.is_connected and not self._closing)

    @property
    def closed(self) -> bool:
        """Whether it was closed, or is lost for good."""
        return bool(self._closing or self._client.is_closed)

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
        if expected is not None:
            headers = {**(headers or {}), "Nats-Expected-Last-Subject-Sequence": str(expected)}
            if scope:
                headers["Nats-Expected-Last-Subject-Sequence-Subject"] = scope
        started = time.perf_counter()
        answer = await self.request(subject, payload, headers=headers, timeout=timeout)
        sequence = sequence_of(answer.payload)
        names.BUS_STORE_SECONDS.observe(time.perf_counter() - started)
        return sequence

    async def request(
        self, subject: str, payload: bytes = b"", *, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT
    ) -> Message:
        """Send a message and wait for the one answer to it. Raises as `publish` does, but never CasLost."""
        reply, future = self._replies.expect(subject, timeout)
        try:
            await self._write(subject, payload, reply, headers)
            answer = await future
        except Unconfirmed:
            names.BUS_UNCONFIRMED.inc()
            raise
        finally:
            self._replies.forget(reply)
        if answer.headers.get(STATUS) == NO_RESPONDERS:
            raise BusUnavailable(f"nothing on the bus answers on {subject}")
        return answer

    async def send(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None, *, reply: str = "") -> None:
        """Send a message to whoever listens now, without waiting for anything.

        Raises:
            BusUnavailable: the bus is known to be out of reach; nothing was sent.
            TooLarge, Refused: nothing was sent.
        """
        await self._write(subject, payload, reply, headers)

    async def last(self, stream: str, subject: str) -> Message | None:
        """The last message on a subject. It may be stale. Raises Unconfirmed or BusUnavailable."""
        return await reads.last(self, stream, subject)

    async def lasts(self, stream: str, pattern: str) -> list[Message]:
        """The last message of each subject that matches, oldest first. Raises Unconfirmed or BusUnavailable."""
        return await reads.lasts(self, stream, pattern)

    async def end(self, stream: str) -> int:
        """The last sequence of a stream. Raises Unconfirmed or BusUnavailable."""
        return await reads.end(self, stream)

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

    async def close(self, drain: bool = True) -> None:
        """End every iteration and close the connection; with ``drain`` after sending what waits to be sent."""
        if self._closing:
            return
        was_up, self._closing = self.connected, True
        for inbound in list(self._open):
            inbound.end()
        if self._ticking is not None:
            self._ticking.cancel()
        # A stopped server takes no bytes, so neither way may wait for ever.
        with contextlib.suppress(TimeoutError, OSError, nats.errors.Error):
            async with asyncio.timeout(5):
                await (self._client.drain() if drain and was_up else self._client.close())
        self._replies.lost()
        names.BUS_UP.set(0)

    def new_inbox(self) -> str:
        """A subject of this user's own, for answers."""
        self._inboxes += 1
        return f"{self._replies.prefix}.s.{self._inboxes:x}"

    async def attach(self, inbound: Inbound[Any], subject: str, take: Callable[[Any], Awaitable[None]]) -> Any:
        """Subscribe for the modules of this package. Raises BusUnavailable if the bus is closed."""
        if self.closed:
            raise BusUnavailable("the bus is closed")
        self._open.add(inbound)
        return await self._client.subscribe(subject, cb=take)

    async def detach(self, inbound: Inbound[Any], subscription: Any) -> None:
        """Undo `attach`."""
        self._open.discard(inbound)
        with contextlib.suppress(nats.errors.Error):
            await subscription.unsubscribe()

    async def _write(self, subject: str, payload: bytes, reply: str, headers: Mapping[str, str] | None) -> None:
        if not self.connected:
            raise BusUnavailable("the bus can't be reached")
        size = len(payload) + sum(len(key) + 4 * len(value) + 4 for key, value in (headers or {}).items())
        # The server answers either of these by closing the connection.
        if size + 64 > self._client.max_payload:
            raise TooLarge(f"{size} bytes are more than the bus takes")
        if len(subject) > MAX_SUBJECT or "*" in subject or ">" in subject:
            raise Refused("that is no subject to publish to")
        try:
            await self._client.publish(subject, payload, reply=reply, headers=dict(headers) if headers else None)
        except (nats.errors.BadSubjectError, nats.errors.BadHeaderError) as error:
            raise Refused("that is no subject or header to publish") from error
        except nats.errors.Error as error:
            raise BusUnavailable("the bus can't be reached") from error

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._replies.sweep(now)
            for inbound in list(self._open):
                inbound.tick(now)

    async def _on_error(self, error: Exception) -> None:
        self._last_error = str(error) or type(error).__name__
        if isinstance(error, nats.errors.SlowConsumerError):
            names.BUS_DROPPED.inc()
            logs.emit(names.BUS_SLOW, subject=error.subject)
        elif "permissions violation" in self._last_error.lower():
            self.denied = (*self.denied[-19:], self._last_error)
            self._replies.denied(self._last_error.lower())
            logs.emit(names.BUS_DENIED, error=self._last_error)

    async def _on_disconnected(self) -> None:
        # What was not sent yet must not be sent after a reconnect: whoever sent it has been told that it failed.
        self._client._pending.clear()
        self._client._pending_data_size = 0
        self._replies.lost()
        names.BUS_UP.set(0)
        if self._up and not self._closing:
            logs.emit(names.BUS_LOST, error=self._last_error)
        self._up = False

    async def _on_reconnected(self) -> None:
        self._up = True
        names.BUS_UP.set(1)
        names.BUS_RECONNECTS.inc()
        logs.emit(names.BUS_CONNECTED, user=self._name)
        for inbound in list(self._open):
            inbound.reconnected()

    async def _on_client_closed(self) -> None:
        if self._closing:
            return
        self._up = False
        logs.emit(names.BUS_CLOSED, error=self._last_error)
        for inbound in list(self._open):
            inbound.end()
        if self._on_closed is not None:
            self._on_closed()


def _inbox(name: str, seed: str | Path | None) -> str:
    """The inbox prefix of a user, which its permissions name: made from its public key."""
    if seed is None:
        return f"_INBOX_{name}"
    try:
        text = seed.read_text() if isinstance(seed, Path) else seed
        pair = nkeys.from_seed(bytearray(text.strip().encode()))  # type: ignore[no-untyped-call]
        return f"_INBOX_{pair.public_key.decode()}"
    except OSError as error:
        raise SettingsError(f"the bus key {seed} can't be read: {error.strerror}") from error
    except Exception as error:  # nkeys raises errors of many kinds
        raise SettingsError("the bus key is not an nkey seed") from error
