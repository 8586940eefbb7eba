"""What comes from the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bellboard.errors import BusError
from bellboard.telemetry import logs, names

if TYPE_CHECKING:
    from .connection import Bus

ACK_TRIES = 3
STATUS, PENDING, SEQUENCE = "Status", "Nats-Pending-Messages", "Nats-Sequence"


@dataclass(frozen=True, slots=True)
class Message:
    """A stored or received message.

    Attributes:
        sequence: its place in its stream, from 1; 0 if it came from no stream.
        time: when it was stored, in seconds since 1970 by the server's clock; 0.0 if it was not.
        reply: where an answer is expected.
    """

    subject: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    time: float = 0.0
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the reply subject of a consumer's message says of it."""

    deliveries: int
    sequence: int
    place: int  # counts up from 1 in each consumer
    time: float


def origin(reply: str) -> Origin | None:
    """Read ``$JS.ACK.…`` in its old form (9 tokens) or its new one (11 or more). None: the message is of no consumer."""
    tokens = reply.split(".")
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < 9:
        return None
    first = 4 if len(tokens) == 9 else 6
    deliveries, sequence, place, nanoseconds = (int(token) for token in tokens[first : first + 4])
    return Origin(deliveries, sequence, place, nanoseconds / 1e9)


def received(raw: Any) -> Message:
    """A message of the client library, as ours."""
    return Message(raw.subject, raw.data, raw.headers or {}, reply=raw.reply)


def stored(raw: Message) -> Message:
    """The answer to a direct get, as the message that it holds."""
    headers = raw.headers
    moment = datetime.fromisoformat(headers["Nats-Time-Stamp"]).timestamp()
    return Message(headers["Nats-Subject"], raw.payload, headers, int(headers[SEQUENCE]), moment)


@dataclass(slots=True)
class Delivery:
    """A message that a durable consumer handed out, until it is acknowledged.

    Attributes:
        deliveries: how often it was handed out, this time included.
    """

    bus: Bus
    subject: str
    payload: bytes
    headers: Mapping[str, str]
    sequence: int
    time: float
    deliveries: int
    reply: str
    place: int = 0
    at: float = 0.0

    async def ack(self) -> None:
        """Say that it is done with, and wait until the bus has noted it.

        Never raises on a lost bus: the message comes again then, and its state in the ledger says that it is done.
        """
        await self._say(b"+ACK")

    async def later(self, seconds: float) -> None:
        """Hand it back, to come again after some time."""
        await self._say(b'-NAK {"delay": %d}' % int(seconds * 1e9))

    async def drop(self) -> None:
        """Say that nobody can ever do anything with it."""
        await self._say(b"+TERM")

    async def working(self) -> None:
        """Say that it is still worked on, which gives it another ack wait."""
        try:
            await self.bus.send(self.reply, b"+WPI")
        except BusError as error:
            logs.emit(names.BUS_ACK_LOST, subject=self.subject, error=error.text)

    async def _say(self, word: bytes) -> None:
        for attempt in range(1, ACK_TRIES + 1):
            try:
                await self.bus.request(self.reply, word)
            except BusError as error:
                if attempt == ACK_TRIES:
                    logs.emit(names.BUS_ACK_LOST, subject=self.subject, error=error.text)
                else:
                    await asyncio.sleep(0.2 * attempt)
            else:
                return
