"""What a handler knows of the command it runs, and what it may ask of the kit while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import Failed
from bellboard.telemetry import trace


class BlobStore(Protocol):
    """Keeps bytes by what they are."""

    async def put(self, data: bytes, *, media_type: str, name: str = "") -> chat.BlobRef:
        """Store bytes; the same bytes twice are stored once."""

    async def get(self, ref: chat.BlobRef) -> bytes:
        """Read them back, checked against their hash and size."""


@dataclass(frozen=True, slots=True)
class CallServices:
    """What the world does for a running command.

    Attributes:
        blobs: where it keeps and finds bytes.
        ask: hands the gateway another line to run, with its number among those of this command, from 0.
        progress: shows blocks while it runs; they take the place of those shown before.
        span: opens a span of the command's trace, by name.
    """

    blobs: BlobStore
    ask: Callable[[int, str], Awaitable[None]]
    progress: Callable[[Sequence[chat.Block]], None]
    span: Callable[[str], AbstractContextManager[Any]] = field(default=lambda _: nullcontext())


class Call:
    """One attempt to run a command: who asked for what, where, and why.

    Attributes:
        id: the command's id, the same in every attempt; the key under which an effect is made idempotent.
        person: the id of the person who asked, or under whom a timer asked; empty where a bot did.
        room: the room's id.
        line: the line in canonical form, secrets masked.
        at: when the line came in, in seconds since 1970; the same in every attempt.
        preview: nothing is to be done, only shown.
        force: the person forced it with ``!``, and the contract's ``force`` field says why.
        rehearsal: it runs against the sandbox's twin; its providers are made for that.
        attempt: which attempt this is, from 1.
        trace: the trace id, in hex; empty without one.
        blobs: where bytes are kept.
    """

    def __init__(
        self,
        envelope: pb.Envelope,
        attempt: int,
        services: CallServices,
        steps: Callable[[], AsyncIterator[str]],
    ) -> None:
        self.id, self.line = envelope.id, envelope.line
        self.person = envelope.principal.person or envelope.principal.timer.person
        self.room = envelope.origin.room
        self.at = envelope.received_at.seconds + envelope.received_at.nanos / 1e9
        self.preview, self.force, self.rehearsal = envelope.preview, envelope.force, envelope.rehearsal
        self.attempt = attempt
        self.trace = trace_of(envelope)
        self.blobs = services.blobs
        self._services, self._steps, self._asked = services, steps, 0

    def steps(self) -> AsyncIterator[str]:
        """The names of the declared steps that are not yet done, in order.

        Each is recorded as begun before it is yielded, and as done when the next is asked for.
        """
        return self._steps()

    async def ask(self, line: str) -> None:
        """Have another line run, under this bot's name and rights. Its card hangs on this one; nobody waits for it.

        Raises:
            Failed: this is a preview.
            BusError: it is not certain that the gateway has heard of it.
        """
        if self.preview:
            raise Failed("a preview runs nothing", hint="leave out the ? to run it")
        ordinal, self._asked = self._asked, self._asked + 1
        await self._services.ask(ordinal, line)

    def span(self, name: str) -> AbstractContextManager[Any]:
        """A span of the command's trace around a call to the outside."""
        return self._services.span(name)


def trace_of(envelope: pb.Envelope) -> str:
    """The trace id of an envelope, in hex; empty without one."""
    context = trace.parse(envelope.traceparent)
    return context.trace_id if context else ""
