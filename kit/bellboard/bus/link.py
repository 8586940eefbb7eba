"""The connection itself: a client of `nats` held in such a way that nothing it does comes as a surprise."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import nats.errors
import nkeys
from nats.aio.client import Client

from bellboard.errors import BusUnavailable, Refused, SettingsError, TooLarge, Unconfirmed
from bellboard.telemetry import logs, names

MAX_SUBJECT = 1024
OVERHEAD = 64  # bytes that a message needs besides its payload and headers
CLOSE_PATIENCE = 3


class Owner(Protocol):
    """Who is told what becomes of a link."""

    def lost(self) -> None: ...

    def back(self) -> None: ...

    def gone(self) -> None: ...

    def refused(self, violation: str) -> None: ...


class Link:
    """A connection that comes back by itself as often as it is lost, and sends nothing that was meant for before.

    Attributes:
        denied: what the server's permissions refused so far.
        connections: how often it was reached, the first time counted.
    """

    def __init__(self, name: str, inbox: str, owner: Owner) -> None:
        self._name, self._inbox, self._owner = name, inbox, owner
        self._client: Any = Client()
        self._up = self._closing = False
        self._came = asyncio.Event()
        self._last_error = ""
        self.denied: tuple[str, ...] = ()
        self.connections = 0

    async def connect(self, url: str, seed: str | Path | None, ca: Path | None, patience: float) -> None:
        """Reach any of the servers, whose addresses commas part. Raises BusUnavailable and SettingsError."""
        credentials: dict[str, Any] = {"nkeys_seed": str(seed)} if isinstance(seed, Path) else {"nkeys_seed_str": seed}
        if ca is not None:  # before the server says a word: nobody between us can say that it wants no TLS
            credentials |= {"tls": _trusting(ca), "tls_handshake_first": True}
        try:
            async with asyncio.timeout(patience):
                await self._client.connect(
                    url.split(","), name=self._name, inbox_prefix=self._inbox, **credentials,
                    pending_size=-1, max_reconnect_attempts=-1, reconnect_time_wait=0.2, connect_timeout=2,
                    ping_interval=3, max_outstanding_pings=2,
                    error_cb=self._on_error, disconnected_cb=self._on_lost,
                    reconnected_cb=self._on_back, closed_cb=self._on_closed,
                )  # fmt: skip
        except (TimeoutError, OSError, nats.errors.Error) as error:
            await self.close(drain=False)
            text = self._last_error or str(error)
            raise BusUnavailable(
                f"the bus at {url} can't be reached: {text}", hint="is nats-server running, and does it know this key?"
            ) from error
        self._up = True
        self.connections += 1
        self._came.set()
        self._tell()

    @property
    def connected(self) -> bool:
        return bool(self._up and self._client.is_connected and not self._closing)

    @property
    def closed(self) -> bool:
        return bool(self._closing or self._client.is_closed)

    @property
    def clustered(self) -> bool:
        """Whether the server that it is connected to is one of several."""
        return bool(self._client._server_info.get("cluster"))

    async def up(self, within: float) -> bool:
        """Whether it is connected, or comes back in so many seconds."""
        if not self._came.is_set():  # else no timer is needed, which every line would pay for
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), within)
        return self.connected

    async def hop(self) -> None:
        """Leave a server that answers nothing, for any of the others."""
        if self.connected:
            logs.emit(names.BUS_HOPPED)
            await self._client.force_reconnect()

    async def write(self, subject: str, payload: bytes, reply: str, headers: Mapping[str, str] | None) -> None:
        """Hand a message to the connection. Raises BusUnavailable, TooLarge or Refused; then nothing was sent."""
        if not self.connected:
            raise BusUnavailable("the bus can't be reached")
        size = len(payload) + sum(len(key) + 4 * len(value) + 4 for key, value in (headers or {}).items())
        # The server answers either of these by closing the connection.
        if size + OVERHEAD > self._client.max_payload:
            raise TooLarge(f"{size} bytes are more than the bus takes")
        if len(subject) > MAX_SUBJECT or "*" in subject or ">" in subject:
            raise Refused("that is no subject to publish to")
        try:
            await self._client.publish(subject, payload, reply=reply, headers=dict(headers) if headers else None)
        except (nats.errors.BadSubjectError, nats.errors.BadHeaderError) as error:
            raise Refused("that is no subject or header to publish") from error
        except nats.errors.Error as error:
            raise BusUnavailable("the bus can't be reached") from error

    async def subscribe(self, subject: str, take: Callable[[Any], Awaitable[None]]) -> Any:
        """Raises BusUnavailable if it is closed. ``take`` must only queue."""
        if self.closed:
            raise BusUnavailable("the bus is closed")
        return await self._client.subscribe(subject, cb=take)

    async def flush(self, timeout: float) -> None:
        """Raises Unconfirmed."""
        try:
            # What waits to be written comes first: the client's ping would overtake it. And it takes a cancel for its own.
            await asyncio.wait([asyncio.create_task(self._client._flush_pending(force_flush=True))], timeout=timeout)
            await self._client.flush(timeout)
        except (TimeoutError, OSError, nats.errors.Error) as error:
            raise Unconfirmed("the bus did not answer") from error

    async def close(self, drain: bool) -> None:
        """Close it for good; with ``drain`` after sending what waits to be sent."""
        was_up, self._closing = self.connected, True
        with contextlib.suppress(TimeoutError, OSError, nats.errors.Error):
            if drain and was_up:
                await self._client.flush(CLOSE_PATIENCE)
        self._forget_unsent()
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._client.close()
        except (TimeoutError, OSError, nats.errors.Error):
            # A frozen server takes no bytes, and the client would wait until it does.
            self._client._transport._io_writer.transport.abort()
        names.BUS_UP.set(0)

    async def _on_error(self, error: Exception) -> None:
        self._last_error = str(error) or type(error).__name__
        if isinstance(error, nats.errors.SlowConsumerError):
            names.BUS_DROPPED.inc()
            logs.emit(names.BUS_SLOW, subject=error.subject)
        elif "permissions violation" in (violation := self._last_error.lower()):
            self.denied = (*self.denied[-19:], violation)
            logs.emit(names.BUS_DENIED, error=violation)
            self._owner.refused(violation)

    async def _on_lost(self) -> None:
        self._forget_unsent()
        was_up, self._up = self._up, False
        self._came.clear()
        names.BUS_UP.set(0)
        if was_up and not self._closing:
            logs.emit(names.BUS_LOST, error=self._last_error)
        self._owner.lost()

    async def _on_back(self) -> None:
        self._up = True
        self.connections += 1
        self._came.set()
        names.BUS_RECONNECTS.inc()
        self._tell()
        self._owner.back()

    async def _on_closed(self) -> None:
        self._up = False
        if not self._closing:
            logs.emit(names.BUS_CLOSED, error=self._last_error)
            self._owner.gone()

    def _forget_unsent(self) -> None:
        """Nothing may be sent after a reconnect that was published before: whoever did is told now that it failed."""
        self._client._pending.clear()
        self._client._pending_data_size = 0

    def _tell(self) -> None:
        names.BUS_UP.set(1)
        logs.emit(names.BUS_CONNECTED, user=self._name)


def _trusting(ca: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(ca))
    except OSError as error:  # ssl.SSLError among them
        raise SettingsError(f"the certificates in {ca}, by which the bus is known, can't be read") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def inbox_of(name: str, seed: str | Path | None) -> str:
    """The inbox prefix of a user, which its permissions name: made from its public key.

    Raises:
        SettingsError: the seed can't be read, or is none.
    """
    if seed is None:
        return f"_INBOX_{name}"
    try:
        text = seed.read_text() if isinstance(seed, Path) else seed
        pair = nkeys.from_seed(bytearray(text.strip().encode()))  # type: ignore[no-untyped-call]
        return f"_INBOX_{pair.public_key.decode()}"
    except OSError as error:
        raise SettingsError(f"the bus key {seed} can't be read: {error.strerror}") from error
    except (nkeys.NkeysError, ValueError, IndexError) as error:
        raise SettingsError("the bus key is not an nkey seed") from error
