"""Gateways, and the people behind them: they ask, approve, reject, cancel and say what became of lost commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.gate import (
    Accepted,
    Closed,
    Moved,
    NotMoved,
    Unconfirmed,
    Verdict,
    accept,
    approve,
    cancel,
    reject,
    resolve,
    settle,
)
from bellboard.ledger.ops import Op, Procedure, Put, Read, Snapshot, Stop, Unclear, Wait, read, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author

from .bus import Bus, Entry
from .workers import Worker
from .world import Actor, Simulation, Spec

APPROVAL_PATIENCE = 40.0
"""Seconds in which an approval must come."""


class Gateway(Actor):
    """One replica of the gateway."""

    def __init__(self, sim: Simulation, bus: Bus, name: str, workers: list[Worker]) -> None:
        super().__init__(sim, name)
        self.bus, self.workers = bus, workers
        self.twin: Gateway = self

    def carry_out(self, op: Op, subject: Any, answer: Callable[[Any], None]) -> None:
        if self.sim.chance(self.sim.faults.gateway_crash):
            self.crash()
            return
        match op:
            case Put() | Read():
                self.bus.request(op, answer)
            case Wait():
                self.later(op.seconds, answer, None)
            case Stop():
                self._stop(op.key.id)
                answer(None)
            case _:
                raise AssertionError(op)

    def crash(self) -> None:
        self.sim.note("crash", self.name)
        self.life += 1  # what it was doing is forgotten; it is back at once

    def _stop(self, id: str) -> None:
        if not self.sim.chance(self.sim.faults.lost_request):
            for worker in self.workers:
                worker.later(0.05, _interrupt, worker, id)

    # what people do

    def submit(self, spec: Spec, more: int = 1) -> None:
        """Accept a command. Whoever asked, asks again elsewhere while there is no verdict."""
        record, author = self._first_record(spec)
        self.sim.note("submit", spec.key.id, self.name)

        def told(verdict: Verdict) -> None:
            self.sim.note("told", spec.key.id, type(verdict).__name__)
            if isinstance(verdict, Unconfirmed):
                self.follow(settle(spec.key, record, self.world), spec, told)
                return
            self.bus.checker.told(spec.key.id, verdict)
            heard.append(verdict)

        heard: list[Accepted | Closed] = []
        self.follow(accept(spec.key, author, record), spec, told)
        if more:
            self.sim.after(self.sim.rng.uniform(1.0, 10.0), self._ask_again, spec, heard, more - 1)

    def _ask_again(self, spec: Spec, heard: list[Accepted | Closed], more: int) -> None:
        if not heard:
            self.twin.submit(spec, more)

    def _first_record(self, spec: Spec) -> tuple[pb.Record, Author]:
        command = self._command(spec)
        match spec.first:
            case "denied":
                return self.world.record(S.STATE_DENIED, effect=spec.effect, command=command), Author.GATEWAY
            case "awaiting":
                approval = pb.Approval(plan="plan", not_after=timestamp(self.sim.now + APPROVAL_PATIENCE))
                record = self.world.record(S.STATE_AWAITING_APPROVAL, effect=spec.effect, command=command, approval=approval)
                return record, Author.GATEWAY
            case _:
                return self.world.record(S.STATE_RECEIVED, effect=spec.effect, command=command), Author.RUN

    def _command(self, spec: Spec) -> pb.SignedEnvelope:
        return pb.SignedEnvelope(envelope=repr(self.sim.now + spec.patience).encode())

    def decide(self, spec: Spec, yes: bool) -> None:
        """Approve or reject."""
        self.sim.note("approve" if yes else "reject", spec.key.id, self.name)

        def procedure() -> Procedure[Moved | NotMoved]:
            seen = yield from read(spec.key, tries=2)
            if isinstance(seen, Unclear):
                return NotMoved(None)
            if not yes:
                return (yield from reject(spec.key, seen, "bob", "no", self.world))
            approval = pb.Approval(plan="plan", nonce=self.sim.nonce())
            return (yield from approve(spec.key, seen, self._command(spec), approval, "bob", self.world))

        self.follow(procedure(), spec, lambda end: self.sim.note("decided", spec.key.id, type(end).__name__))

    def cancel(self, spec: Spec) -> None:
        self.sim.note("cancel", spec.key.id, self.name)
        procedure = cancel(spec.key, "ann", "no longer wanted", self.world)
        self.follow(procedure, spec, lambda end: self.sim.note("cancelled", spec.key.id, type(end).__name__))

    def watch(self, entry: Entry) -> None:
        """Somebody looks into what is UNKNOWN, sooner or later."""
        if entry.record.state == S.STATE_UNKNOWN and self.sim.chance(0.5):
            self.later(self.sim.rng.uniform(1.0, 60.0), self._look_into, entry, 3)

    def _look_into(self, entry: Entry, tries: int) -> None:
        id = entry.key.id
        happened = all(self.bus.checker.effects[id, part] for part in self.sim.specs[id].parts)
        busy = any(worker.alive and id in worker.in_flight for worker in self.workers)
        if busy and not happened:
            if tries:
                self.later(10.0, self._look_into, entry, tries - 1)
            return  # nobody can say that it did not happen while it still might
        self.sim.note("resolve", id, happened)
        seen = Snapshot(entry.sequence, entry.record)
        self.follow(resolve(entry.key, seen, happened, "ann", "looked", self.world), None, lambda end: None)


def _interrupt(worker: Worker, id: str) -> None:
    if id in worker.handlers:
        worker.handlers[id].cancelled = True
