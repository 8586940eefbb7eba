"""What the ledger's procedures ask of the world.

Gateway, worker and reaper follow procedures that are plain generators: they yield an operation, are sent its result, and
do no I/O. A driver carries the operations out: on JetStream in production, on a simulated bus with a virtual clock in
tests. (The style is known as sans-I/O.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb

from .subjects import Author, Key


@dataclass(frozen=True, slots=True)
class Put:
    """Store a record if the command's last sequence is still ``expected`` (0: it has none). -> Stored, Lost or Unclear."""

    key: Key
    author: Author
    record: pb.Record
    expected: int


@dataclass(frozen=True, slots=True)
class Stored:
    sequence: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Another record came first."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer: it may be stored now, later or never."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read the newest record of a command, which may be stale. -> Snapshot, or Unclear."""

    key: Key


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest record of a command; ``sequence`` is 0 and ``record`` None if it has none.

    ``offered`` is the sequence of the newest record that workers are given, where that was read too.
    """

    sequence: int = 0
    record: pb.Record | None = None
    offered: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Let some time pass before asking again. -> None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Take the key that only one command at a time may hold. -> Held, Busy or Unclear."""

    key: Key
    turn: str


@dataclass(frozen=True, slots=True)
class Held:
    pass


@dataclass(frozen=True, slots=True)
class Busy:
    holder: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Run the handler. -> an Event."""

    epoch: int
    attempt: str
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the handler go on after a step was recorded, or stop it. -> an Event, which counts for nothing if it was stopped."""

    go: bool


@dataclass(frozen=True, slots=True)
class StepBegins:
    """The handler is about to begin a step; the one before it is done."""

    name: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The handler came to its end.

    ``state`` is SUCCEEDED, FAILED (nothing happened, for certain), CANCELLED or UNKNOWN (it broke, or ran out of time).
    """

    state: pb.State.ValueType
    outcome: pb.Outcome
    reason: str = ""


Event = StepBegins | Ended


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the bot, without effect, what became of a lost command. -> Probed."""


@dataclass(frozen=True, slots=True)
class Probed:
    """``happened`` is False only if it did not happen and no longer can, and None where that can't be known."""

    happened: bool | None
    reply: chat.Reply = field(default_factory=chat.Reply)


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the worker of a started command to stop; best effort. -> None."""

    key: Key
    by: str


Op = Put | Read | Wait | Hold | Execute | Resume | Probe | Stop
T = TypeVar("T")
Procedure = Generator[Op, Any, T]
"""A generator of operations that returns a T."""


@dataclass(frozen=True, slots=True)
class World:
    """The clocks and the dice of whoever follows a procedure: ``clock`` measures, ``now`` tells the time of day."""

    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    nonce: Callable[[], str] = lambda: secrets.token_hex(8)

    def record(self, state: pb.State.ValueType, base: pb.Record | None = None, **fields: Any) -> pb.Record:
        """A new record that carries on what every record of the command says."""
        new = pb.Record(state=state, nonce=self.nonce(), at=timestamp(self.now()), **fields)
        if base is not None:
            new.effect = new.effect or base.effect
            new.epoch = new.epoch or base.epoch
            new.worker = new.worker or base.worker
            if base.started:
                new.started = True
                new.started_at.CopyFrom(base.started_at)
            if not new.steps:
                new.steps.MergeFrom(base.steps)
        return new


def timestamp(seconds: float) -> Timestamp:
    whole = int(seconds)
    return Timestamp(seconds=whole, nanos=int((seconds - whole) * 1e9))


def seconds(moment: Timestamp) -> float:
    return moment.seconds + moment.nanos / 1e9


READ_BACKS = 60
"""How often an unclear write is looked into before it is given up."""


def put(
    key: Key, author: Author, record: pb.Record, expected: int, tries: int = READ_BACKS
) -> Procedure[Stored | Lost | Unclear]:
    """Store a record, and find out whether it was stored where the answer was unclear.

    The same nonce is offered again until there is an answer, so a late copy of the first offer does no harm. Stored means
    that the record was the newest; Lost that another one stands instead, or already follows it.
    """
    answer: Stored | Lost | Unclear = yield Put(key, author, record, expected)
    for attempt in range(tries):
        if isinstance(answer, Stored):
            return answer
        if attempt or isinstance(answer, Unclear):
            yield Wait(min(0.1 * 2 ** min(attempt, 8), 2.0))
        seen: Snapshot | Unclear = yield Read(key)
        if isinstance(seen, Unclear):
            continue
        if seen.record is not None and seen.record.nonce == record.nonce:
            return Stored(seen.sequence)
        if seen.sequence > expected:
            return Lost()
        answer = yield Put(key, author, record, expected)
    return answer if isinstance(answer, Stored) else Unclear()


def read(key: Key, beyond: int = 0, tries: int = READ_BACKS) -> Procedure[Snapshot | Unclear]:
    """Read the newest record, asking again while the answer is older than ``beyond``, which is known to exist."""
    for attempt in range(tries):
        seen: Snapshot | Unclear = yield Read(key)
        if isinstance(seen, Snapshot) and seen.sequence >= beyond:
            return seen
        yield Wait(min(0.1 * 2 ** min(attempt, 8), 2.0))
    return Unclear()
