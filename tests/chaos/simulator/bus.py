"""A model of the bus: a stream with compare-and-set, requests that go astray, and one durable consumer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import Busy, Held, Hold, Lost, Op, Put, Read, Snapshot, Stored, Unclear, put
from bellboard.ledger.state import frees
from bellboard.ledger.state import name as state_name
from bellboard.ledger.subjects import Author, Key

from .invariants import Checker
from .world import REQUEST_TIMEOUT, Simulation

ACK_WAIT = 10.0
"""Seconds after which a message that nobody says to work on is delivered again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored record."""

    sequence: int
    key: Key
    author: Author
    record: pb.Record


@dataclass(slots=True, eq=False)
class Message:
    """A record on its way to the workers."""

    entry: Entry
    deliveries: int = 0
    acknowledged: bool = False
    latest: int = 0  # tells the newest delivery from older ones


class Consumer(Protocol):
    """Whoever takes deliveries."""

    name: str
    alive: bool

    def receive(self, message: Message, fresh: bool) -> None: ...
    def works_on(self, message: Message) -> bool: ...


Answer = Callable[[Any], None]


class Bus:
    """The stream, what is said to it and what it says."""

    def __init__(self, sim: Simulation, checker: Checker) -> None:
        self.sim, self.checker = sim, checker
        self.log: list[Entry] = []
        self.of_key: dict[Key, list[Entry]] = {}
        self.workers: list[Consumer] = []
        self.followers: list[Callable[[Entry], None]] = []
        self._undelivered: list[Message] = []

    # requests

    def request(self, op: Put | Read, answer: Answer) -> None:
        """Ask the bus; the answer may come late or be Unclear, and what was asked may happen late, twice or never."""
        sim, faults = self.sim, self.sim.faults
        if isinstance(op, Put):
            record = pb.Record()
            record.CopyFrom(op.record)  # what is sent does not change any more
            op = Put(op.key, op.author, record, op.expected)
        replies = _First(answer)
        if sim.down_until > sim.now:
            if sim.chance(0.5):  # it lay in a buffer until the bus was back
                sim.after(sim.down_until - sim.now + sim.rng.random(), self._arrive, op, None)
            sim.after(REQUEST_TIMEOUT, replies, Unclear())
        elif sim.chance(faults.lost_request):
            sim.after(REQUEST_TIMEOUT, replies, Unclear())
        elif sim.chance(faults.lost_answer):
            sim.after(self._delay(), self._arrive, op, None)
            sim.after(REQUEST_TIMEOUT, replies, Unclear())
        elif sim.chance(faults.ghost):
            sim.after(sim.rng.uniform(1.0, 40.0), self._arrive, op, None)
            sim.after(REQUEST_TIMEOUT, replies, Unclear())
        else:
            if sim.chance(faults.duplicate):
                sim.after(self._delay() * 3, self._arrive, op, replies)
            sim.after(self._delay(), self._arrive, op, replies)

    def _delay(self) -> float:
        if self.sim.chance(self.sim.faults.slow):
            return self.sim.rng.uniform(0.1, 1.5)
        return self.sim.rng.uniform(0.001, 0.01)

    def _arrive(self, op: Put | Read, replies: Answer | None) -> None:
        result = self._store(op) if isinstance(op, Put) else self._look(op)
        if replies is not None:
            self.sim.after(self._delay(), replies, result)

    def _store(self, op: Put) -> Stored | Lost:
        entries = self.of_key.setdefault(op.key, [])
        last = entries[-1].sequence if entries else 0
        if op.expected != last:
            self.sim.note("lost", op.key.id, op.author, state_name(op.record.state))
            return Lost()
        entry = Entry(len(self.log) + 1, op.key, op.author, op.record)
        self.log.append(entry)
        entries.append(entry)
        if op.key.lane != "lock":
            self.sim.note(op.author, op.key.id, state_name(op.record.state), op.record.epoch)
            self.checker.stored(op.key, entries[-2].record if len(entries) > 1 else None, op.record, op.author)
            for follower in self.followers:
                follower(entry)
            if op.author is Author.RUN:
                late = self.sim.rng.uniform(1.0, 30.0) if self.sim.chance(self.sim.faults.asleep) else self._delay()
                self.sim.after(late, self.deliver, Message(entry), 0)
        return Stored(entry.sequence)

    def _look(self, op: Read) -> Snapshot:
        entries = self.of_key.get(op.key, [])
        seen = len(entries)
        if self.sim.chance(self.sim.faults.stale):
            seen = self.sim.rng.randint(max(0, seen - 3), seen)
        if not seen:
            return Snapshot()
        offered = max((entry.sequence for entry in entries[:seen] if entry.author is Author.RUN), default=0)
        return Snapshot(entries[seen - 1].sequence, entries[seen - 1].record, offered)

    def newest(self, key: Key) -> pb.Record | None:
        """What truly stands there; for those who judge, not for those who act."""
        entries = self.of_key.get(key)
        return entries[-1].record if entries else None

    # deliveries

    def deliver(self, message: Message, token: int) -> None:
        if message.acknowledged or token != message.latest:
            return
        takers = [worker for worker in self.workers if worker.alive]
        if not takers:
            self._undelivered.append(message)
            return
        sim = self.sim
        if message.deliveries and sim.chance(sim.faults.forgotten):
            message.deliveries = 0
        message.deliveries += 1
        message.latest += 1
        taker = sim.rng.choice(takers)
        sim.note("deliver", message.entry.key.id, taker.name, message.deliveries)
        sim.after(self._delay(), taker.receive, message, message.deliveries == 1)
        sim.after(ACK_WAIT, self._overdue, message, message.latest)
        if sim.chance(sim.faults.redelivered):
            sim.after(sim.rng.uniform(0.0, 5.0), self.deliver, message, message.latest)

    def worker_joined(self) -> None:
        waiting, self._undelivered = self._undelivered, []
        for message in waiting:
            self.deliver(message, message.latest)

    def _overdue(self, message: Message, token: int) -> None:
        if message.acknowledged or token != message.latest:
            return
        working = any(worker.works_on(message) for worker in self.workers)
        if working and not self.sim.chance(self.sim.faults.lost_progress):
            self.sim.after(ACK_WAIT, self._overdue, message, token)
        elif self.sim.chance(self.sim.faults.asleep):
            self.sim.after(self.sim.rng.uniform(20.0, 100.0), self.deliver, message, token)
        else:
            self.deliver(message, token)

    def acknowledge(self, message: Message) -> None:
        if self.sim.chance(self.sim.faults.lost_ack) or self.sim.down_until > self.sim.now:
            return
        if not message.acknowledged:
            message.acknowledged = True
            entries = self.of_key[message.entry.key]
            again = any(entry.author is Author.RUN and entry.sequence > message.entry.sequence for entry in entries)
            self.checker.acknowledged(message.entry.key, entries[-1].record, again)

    def hand_back(self, message: Message, delay: float) -> None:
        message.latest += 1
        self.sim.after(delay, self.deliver, message, message.latest)

    # locks

    def hold(self, op: Hold) -> Generator[Op, Any, Held | Busy | Unclear]:
        """Take a key as the store does: compare-and-set on the lock, whose holder must be out of the way."""
        lock = Key("lock", op.key.bot, op.turn)
        for _ in range(4):
            seen = yield Read(lock)
            if isinstance(seen, Unclear):
                return Unclear()
            if seen.record is not None:
                if seen.record.by == op.key.id:
                    return Held()
                holder = yield Read(self.sim.specs[seen.record.by].key)
                if isinstance(holder, Unclear):
                    return Unclear()
                if not frees(holder.record):
                    return Busy(seen.record.by)
            taken = pb.Record(by=op.key.id, nonce=self.sim.nonce())
            answer = yield from put(lock, Author.BOT, taken, seen.sequence, 3)
            if not isinstance(answer, Lost):
                return Held() if isinstance(answer, Stored) else Unclear()
        return Unclear()


class _First:
    """Passes on the first answer to a request, and no other."""

    def __init__(self, answer: Answer) -> None:
        self._answer: Answer | None = answer

    def __call__(self, result: Any) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(result)
