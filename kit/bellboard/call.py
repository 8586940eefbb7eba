"""What a handler knows of the command it runs, and what it may ask of the kit while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import Failed
from bellboard.ids import child_id
from bellboard.ledger.ops import timestamp
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
        ask: hands the gateway what the command asks for.
        progress: shows blocks while it runs; they take the place of those shown before.
        span: opens a span of the command's trace, by name.
    """

    blobs: BlobStore
    ask: Callable[[pb.CommandRequest], Awaitable[None]]
    progress: Callable[[Sequence[chat.Block]], None]
    span: Callable[[str], AbstractContextManager[Any]] = field(default=lambda _: nullcontext())


class Call:
    """One attempt to run a command: who asked for what, where, and why.

    Attributes:
        id: the command's id, the same in every attempt; the key under which an effect is made idempotent.
        person: the id of the person who asked, or under whom a timer asked; empty where a bot did.
        room: the room's id; empty where it runs in none, as what the gateway runs by itself does.
        thread: the message or card whose thread it runs in; empty in the room itself.
        message: the id of the message that called it; empty where none did.
        card: the id of the command on whose card it is shown: its own, or that of the one at the beginning.
        cause: why it runs: a line, a timer, a webhook …
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
        self.room, self.thread, self.message = envelope.origin.room, envelope.origin.thread, envelope.origin.message
        self.card, self.cause = envelope.card or envelope.id, envelope.cause
        self.at = envelope.received_at.seconds + envelope.received_at.nanos / 1e9
        self.preview, self.force, self.rehearsal = envelope.preview, envelope.force, envelope.rehearsal
        self.attempt = attempt
        self.trace = trace_of(envelope)
        self.blobs = services.blobs
        self._services, self._steps = services, steps
        self._asked: dict[str, int] = {}  # how often the same was asked for

    def steps(self) -> AsyncIterator[str]:
        """The names of the declared steps that are not yet done, in order.

        Each is recorded as begun before it is yielded, and as done when the next is asked for.
        """
        return self._steps()

    async def ask(
        self, line: str, *, room: str = "", thread: str = "", card: str = "", at: float | None = None, key: str = ""
    ) -> str:
        """Have another line run, under this bot's name and rights; nobody waits for it. Its card hangs on this one.

        Args:
            room, thread: run it there, on a card of its own.
            card: the id of a command of this bot that has a card of its own: what comes of the line stands in place of what
                that card says, for good.
            at: run it at this moment, in seconds since 1970, whatever is killed until then; late rather than never.
            key: the timer's name: asking again under this name, from whichever command, replaces it.

        Returns:
            The id that the command will have.

        Raises:
            Failed: this is a preview.
            BusError: it is not certain that the gateway has heard of it.
        """
        if not line or (card and (room or thread)) or (key and at is None):
            raise ValueError("a line is needed; a card stands in a room already; only a timer has a key")
        request = pb.CommandRequest(line=line, room=room, thread=thread, card=card, key=key)
        if at is not None:
            request.at.CopyFrom(timestamp(at))
        return await self._ask(request)

    async def unask(self, key: str) -> None:
        """Take the timer of this name back, whichever command asked for it. Nothing happens if there is none.

        Raises as `ask`.
        """
        if not key:
            raise ValueError("which timer?")
        await self._ask(pb.CommandRequest(key=key))

    async def _ask(self, request: pb.CommandRequest) -> str:
        if self.preview:
            raise Failed("a preview runs nothing", hint="leave out the ? to run it")
        request.parent, request.ordinal = self.id, self._number(request)
        await self._services.ask(request)
        return child_id(self.id, request.ordinal)

    def _number(self, request: pb.CommandRequest) -> int:
        """Tells this request from the command's others. A later attempt that asks for the same changes nothing.

        But it has the last word about a timer or a card, since an attempt before it may have known less.
        """
        attempt = str(self.attempt) if request.key or request.card else ""
        said = "\0".join((request.line, request.room, request.thread, request.card, request.key, attempt))
        count = self._asked[said] = self._asked.get(said, 0) + 1
        return int.from_bytes(blake2b(f"{said}\0{count}".encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")

    def span(self, name: str) -> AbstractContextManager[Any]:
        """A span of the command's trace around a call to the outside."""
        return self._services.span(name)


def trace_of(envelope: pb.Envelope) -> str:
    """The trace id of an envelope, in hex; empty without one."""
    context = trace.parse(envelope.traceparent)
    return context.trace_id if context else ""
