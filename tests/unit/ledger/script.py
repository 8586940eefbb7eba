"""A tiny bus to tell the ledger's procedures by: no faults but those that a test asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.ops import Lost, Op, Procedure, Put, Read, Snapshot, Stored, Wait, World
from bellboard.ledger.state import check, name
from bellboard.ledger.subjects import Author, Key
from bellboard.ledger.work import Job

T = TypeVar("T")
KEY = Key("ops-work", "practice", "abc")
READ, IDEMPOTENT, ONCE = options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE


class Script:
    """One command's records, a clock that only waiting moves, and what everybody else answers.

    ``answers`` holds, for a kind of operation, what to answer to each in turn: a value, or a function of the operation
    that may carry it out with `store` and `read` first.
    """

    def __init__(self) -> None:
        self.records: list[tuple[Author, pb.Record]] = []
        self.asked: list[Op] = []
        self.answers: dict[type[Op], list[Any]] = {}
        self.time = 1_000.0
        self.count = 0
        self.world = World(now=lambda: self.time, clock=lambda: self.time, nonce=self._nonce)

    def _nonce(self) -> str:
        self.count += 1
        return f"n{self.count}"

    @property
    def told(self) -> list[str]:
        """The story so far: the state of each record."""
        return [name(record.state) for _, record in self.records]

    @property
    def seen(self) -> Snapshot:
        return Snapshot(len(self.records), self.records[-1][1]) if self.records else Snapshot()

    def write(self, author: Author, state: pb.State.ValueType, **fields: Any) -> pb.Record:
        """Somebody else writes a record."""
        record = self.world.record(state, self.seen.record, **fields)
        assert isinstance(self.store(Put(KEY, author, record, len(self.records))), Stored)
        return record

    def store(self, op: Put) -> Stored | Lost:
        if op.expected != len(self.records):
            return Lost()
        copy = pb.Record()
        copy.CopyFrom(op.record)
        check(self.seen.record, copy, op.author)
        self.records.append((op.author, copy))
        return Stored(len(self.records))

    def run(self, procedure: Procedure[T]) -> T:
        """Follow a procedure to its end."""
        answer = None
        while True:
            try:
                op = procedure.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            self.asked.append(op)
            answer = self._answer(op)

    def _answer(self, op: Op) -> Any:
        planned = self.answers.get(type(op), [])
        if planned:
            answer = planned.pop(0)
            return answer(op) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]
        match op:
            case Put():
                return self.store(op)
            case Read():
                return self.seen
            case Wait():
                self.time += op.seconds
                return None
            case _:
                raise AssertionError(f"nothing is planned for {op}")

    def job(self, effect: options.Effect.ValueType, *, fresh: bool = True, **fields: Any) -> Job:
        """The newest record, delivered to a worker."""
        given: dict[str, Any] = {"worker": "w1", "not_after": self.time + 60} | fields
        record = self.seen.record
        assert record is not None
        return Job(KEY, record, len(self.records), fresh, effect=effect, **given)
