"""The reaper: it follows every record and every heartbeat with some delay, and writes what `judge` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bellboard.ledger.ops import Op, Put, Read, Wait, put
from bellboard.ledger.reap import Observed, judge
from bellboard.ledger.state import S, frees, is_final
from bellboard.ledger.subjects import Author

from .bus import Bus, Entry
from .workers import Worker
from .world import Actor, Simulation

WRITES = 10
"""Looks into an unclear write; what is still true is judged again."""


@dataclass(slots=True)
class Seen:
    """The newest record of a command, and since when it stands."""

    entry: Entry
    since: float
    known: float  # when the reaper first heard of the command
    queued: float


class Reaper(Actor):
    """One replica of the reaper."""

    def __init__(self, sim: Simulation, bus: Bus, name: str, workers: list[Worker]) -> None:
        super().__init__(sim, name)
        self.bus, self.workers = bus, workers
        self.view: dict[str, Seen] = {}
        self.heard: dict[str, float] = {}
        self.writing: set[str] = set()
        self.deaf_until = 0.0
        self._caught_up = 0.0
        self._ticking = False
        self._idle = 0

    def follow_records(self, entry: Entry) -> None:
        """Hear of a record in its order, a little later."""
        sim = self.sim
        delay = sim.rng.uniform(0.0, 5.0) if sim.chance(sim.faults.slow) else 0.005
        self._caught_up = max(self._caught_up, sim.now + delay)
        self.later(self._caught_up - sim.now, self._see, entry)

    def _see(self, entry: Entry) -> None:
        seen = self.view.get(entry.key.id)
        if seen is not None and seen.entry.sequence >= entry.sequence:
            return
        now = self.sim.now
        queued = seen.queued if seen is not None and seen.queued else now
        known = seen.known if seen is not None else now
        self.view[entry.key.id] = Seen(entry, now, known, queued if entry.record.state == S.STATE_QUEUED else 0.0)
        self._idle = 0
        if not self._ticking:
            self._ticking = True
            self.later(1.0, self._tick)

    def _tick(self) -> None:
        sim = self.sim
        if sim.chance(sim.faults.reaper_crash):
            self.restart()
            return
        if sim.chance(sim.faults.deaf):
            sim.note("deaf", self.name)
            self.deaf_until = sim.now + sim.rng.uniform(10.0, 40.0)
        working = self._listen()
        open = [seen for seen in self.view.values() if not is_final(seen.entry.record)]
        for seen in open:
            if seen.entry.key.id not in self.writing:
                self._judge(seen)
        self._ticking = bool(open or working)
        if self._ticking:
            self._idle = 0 if working else self._idle + 1
            self.later(min(1.0 + 0.5 * self._idle, 5.0), self._tick)

    def _listen(self) -> bool:
        """Take in the heartbeats. Says whether anybody is at work."""
        working = False
        for worker in self.workers:
            for id, epoch in worker.in_flight.items():
                working = True
                if self.deaf_until > self.sim.now:
                    self.bus.checker.excused.add(id)
                elif worker.awake and id in self.view and epoch >= self.view[id].entry.record.epoch:
                    self.heard[id] = self.sim.now
        return working

    def _judge(self, seen: Seen) -> None:
        sim, entry = self.sim, seen.entry
        turn = entry.record.turn
        holder = self.view.get(turn.holder)
        spec = sim.specs[entry.key.id]
        observed = Observed(
            record=entry.record,
            sequence=entry.sequence,
            still=sim.now - seen.since,
            orphaned=sim.now - max(seen.known, self.heard.get(entry.key.id, 0.0)),
            served=any(worker.awake for worker in self.workers),
            not_after=float(self._command(entry)),
            queued=sim.now - seen.queued if seen.queued else 0.0,
            holder_done=holder is not None and frees(holder.entry.record),
        )
        write = judge(observed, self.world)
        if write is None:
            return
        if write.author is Author.RUN:
            write.record.command.envelope = self._command(entry)
        self.writing.add(entry.key.id)
        procedure = put(entry.key, write.author, write.record, entry.sequence, WRITES)
        self.follow(procedure, spec, lambda _: self.writing.discard(entry.key.id))

    def _command(self, entry: Entry) -> bytes:
        """The newest envelope of a command."""
        entries = self.bus.of_key[entry.key]
        return next(each.record.command.envelope for each in reversed(entries) if each.record.command.envelope)

    def carry_out(self, op: Op, subject: Any, answer: Callable[[Any], None]) -> None:
        match op:
            case Put() | Read():
                self.bus.request(op, answer)
            case Wait():
                self.later(op.seconds, answer, None)
            case _:
                raise AssertionError(op)

    def restart(self) -> None:
        """Begin anew: what it measured is gone, and it reads the stream again."""
        self.sim.note("crash", self.name)
        self.life += 1
        self.view.clear()
        self.heard.clear()
        self.writing.clear()
        self._ticking = False
        self._caught_up = self.sim.now + self.sim.rng.uniform(0.5, 10.0)
        for entry in self.bus.log:
            if entry.key.lane != "lock":
                self.later(self._caught_up - self.sim.now, self._see, entry)
