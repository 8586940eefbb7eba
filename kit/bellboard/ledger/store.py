"""The ledger's records on JetStream: the one place where its operations are carried out for real."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus, Message
from bellboard.errors import BusUnavailable, CasLost, Unconfirmed
from bellboard.telemetry import logs, names

from .ops import Busy, Held, Hold, Lost, Op, Procedure, Put, Read, Snapshot, Stored, Unclear, Wait, timestamp
from .state import frees
from .subjects import Author, Key

if TYPE_CHECKING:
    from bellboard.history import History

T = TypeVar("T")

LEDGER, LOCKS = "LED", "LOCK"
HOLD_TRIES = 5


class Store:
    """Carries the ledger's operations out.

    Args:
        role: who writes, for metrics: "gateway", "worker", "reaper".
        strict: a write that was never sent raises BusUnavailable instead of being Unclear. In a procedure this holds for
            its first operation alone: once anything was sent, not sending a second time says nothing.
        history: is told of each record that was stored, or read.
    """

    def __init__(self, bus: Bus, role: str, *, strict: bool = False, history: History | None = None) -> None:
        self.strict, self._history = strict, history
        self._bus = bus
        self._conflicts = names.CAS_CONFLICTS.labels(role)

    async def drive(self, procedure: Procedure[T], other: Callable[[Op], Awaitable[Any]] | None = None) -> T:
        """Carry a procedure out to its end and return what it returns.

        Args:
            other: carries out what is not a matter of the ledger: Execute, Resume, Probe and Stop.

        Raises:
            BusUnavailable: with ``strict``, if its first operation was a write that was never sent.
            TooLarge, Refused: a record can't be stored, ever.
        """
        answer: Any = None
        strict = self.strict
        try:
            while True:
                op = procedure.send(answer)
                answer = await self._carry_out(op, strict, other)
                strict = False
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            procedure.close()

    async def _carry_out(self, op: Op, strict: bool, other: Callable[[Op], Awaitable[Any]] | None) -> Any:
        match op:
            case Put():
                return await self._put(op, strict)
            case Read():
                return await self.read(op)
            case Wait():
                return await asyncio.sleep(op.seconds)
            case Hold():
                return await self.hold(op)
            case _ if other is not None:
                return await other(op)
        raise TypeError(f"nobody here carries out {type(op).__name__}")

    async def put(self, op: Put) -> Stored | Lost | Unclear:
        """Store a record if nothing came first."""
        return await self._put(op, self.strict)

    async def _put(self, op: Put, strict: bool) -> Stored | Lost | Unclear:
        subject, payload = op.key.subject(op.author), op.record.SerializeToString()
        before = self._history.place if self._history is not None else None
        try:
            sequence = await self._bus.publish(subject, payload, expected=op.expected, scope=op.key.pattern)
            if self._history is not None and before is not None:
                self._history.stored(before, sequence, subject, payload)
            return Stored(sequence)
        except CasLost:
            self._conflicts.inc()
            return Lost()
        except Unconfirmed:
            return Unclear()
        except BusUnavailable:
            if strict:
                raise
            return Unclear()

    async def read(self, op: Read) -> Snapshot | Unclear:
        """The newest of what the authors wrote last."""
        try:
            last = await asyncio.gather(*(self._bus.last(LEDGER, subject) for subject in op.key.subjects))
        except (Unconfirmed, BusUnavailable):
            return Unclear()
        newest = max((one for one in last if one is not None), key=lambda one: one.sequence, default=None)
        offered = last[op.key.subjects.index(op.key.subject(Author.RUN))]
        if newest is None:
            return Snapshot()
        if self._history is not None:  # so a write is known to it, too, that nobody confirmed
            self._history.note(newest.sequence, newest.subject, newest.payload, newest.time)
        return Snapshot(newest.sequence, _record(newest), 0 if offered is None else offered.sequence)

    async def hold(self, op: Hold) -> Held | Busy | Unclear:
        """Take a turn's lock, unless a command holds it that may still do something."""
        digest = hashlib.blake2b(op.turn.encode(), digest_size=16).hexdigest()
        subject = f"lock.{op.key.bot}.{digest}"
        mine = pb.Lock(holder=op.key.id, lane=op.key.lane)
        for _ in range(HOLD_TRIES):
            try:
                message = await self._bus.last(LOCKS, subject)
                lock = pb.Lock() if message is None else pb.Lock.FromString(message.payload)
                if lock.holder == op.key.id:
                    return Held()
                if message is not None:
                    holder = await self.read(Read(Key(lock.lane, op.key.bot, lock.holder)))
                    if isinstance(holder, Unclear):
                        return Unclear()
                    if not frees(holder.record):  # a stale look never frees too early
                        return Busy(lock.holder)
                mine.at.CopyFrom(timestamp(time.time()))
                await self._bus.publish(subject, mine.SerializeToString(), expected=0 if message is None else message.sequence)
            except CasLost:
                self._conflicts.inc()
                continue
            except (Unconfirmed, BusUnavailable):
                return Unclear()
            return Held()
        return Unclear()


def _record(message: Message) -> pb.Record:
    """The record; an empty one, which nothing may follow, where a bot wrote garbage."""
    try:
        return pb.Record.FromString(message.payload)
    except DecodeError:
        logs.emit(names.LEDGER_GARBAGE, subject=message.subject, sequence=message.sequence)
        return pb.Record()
