"""What must hold in every history, judged from what was truly stored and truly done."""

from __future__ import annotations

from collections import Counter

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.gate import Accepted, Closed, Verdict
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import FINAL, IllegalTransition, S, check, name
from bellboard.ledger.subjects import Author, Key

from .world import Simulation, Violation

Transition = tuple[str, str, str]
RESOLVED = (S.STATE_RESOLVED_SUCCEEDED, S.STATE_RESOLVED_FAILED)
NEVER_RAN = (S.STATE_DENIED, S.STATE_REJECTED, S.STATE_EXPIRED, S.STATE_TOMBSTONE, S.STATE_UNSPECIFIED)


class Checker:
    """Sees everything, and raises Violation at the first thing that is wrong."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.transitions: Counter[Transition] = Counter()
        self.effects: Counter[tuple[str, str]] = Counter()  # (command, step)
        self.excused: set[str] = set()  # commands that lost something: a worker, heartbeats, the bus
        self.newest: dict[str, pb.Record] = {}
        self.verdicts: dict[str, set[type[Verdict]]] = {}
        self._approvals: set[str] = set()

    def fail(self, id: str, why: str) -> None:
        raise Violation(f"{id}: {why}")

    def stored(self, key: Key, old: pb.Record | None, new: pb.Record, author: Author) -> None:
        """A record was stored."""
        was = old.state if old is not None else S.STATE_UNSPECIFIED
        try:
            check(old, new, author)
        except IllegalTransition as error:
            self.fail(key.id, str(error))
        self.transitions[name(was), name(new.state), author.value] += 1
        self.newest[key.id] = new
        if was in FINAL and not (was == S.STATE_UNKNOWN and new.state in RESOLVED):
            self.fail(key.id, f"{name(was)} was final, and became {name(new.state)}")
        if old is not None and (new.epoch < old.epoch or (new.state == S.STATE_CLAIMED and new.epoch == old.epoch)):
            self.fail(key.id, f"epoch {new.epoch} after {old.epoch}")
        if author is Author.RUN and not new.command.envelope:
            self.fail(key.id, f"{name(new.state)} without its command")
        if new.state == S.STATE_UNKNOWN and key.id not in self.excused:
            self.fail(key.id, f"UNKNOWN though nothing was lost: {new.reason}")
        if new.state == S.STATE_CLAIMED and was in (S.STATE_RECEIVED, S.STATE_APPROVED):
            assert old is not None
            if seconds(new.at) > float(old.command.envelope) + 0.001:
                self.fail(key.id, "claimed after its time had run out")
        if new.state == S.STATE_APPROVED:
            if new.approval.nonce in self._approvals:
                self.fail(key.id, "an approval was used twice")
            self._approvals.add(new.approval.nonce)
        if new.state == S.STATE_STARTED:
            self._alone(key.id)

    def _alone(self, id: str) -> None:
        """Nobody else is between STARTED and its end, or UNKNOWN, under the same key."""
        turn = self.sim.specs[id].turn
        for other, record in self.newest.items():
            same = turn and other != id and self.sim.specs[other].turn == turn
            if same and record.started and (record.state not in FINAL or record.state == S.STATE_UNKNOWN):
                self.fail(id, f"started while {other} has {turn!r} and is {name(record.state)}")

    def acknowledged(self, key: Key, newest: pb.Record, again: bool) -> None:
        """A message was acknowledged, so nobody will be given it again."""
        if newest.state not in FINAL and newest.state != S.STATE_QUEUED and not again:
            self.fail(key.id, f"acknowledged while {name(newest.state)}")

    def begins(self, id: str, part: str) -> None:
        """A worker is about to let a handler, or a step, begin."""
        if self.sim.specs[id].must_not_repeat(part) and self.newest[id].state in FINAL:
            self.fail(id, f"{part or 'it'} begins while {name(self.newest[id].state)}")

    def performed(self, id: str, part: str) -> None:
        """Something happened in the world outside."""
        self.sim.note("effect", id, part)
        self.effects[id, part] += 1
        if self.effects[id, part] > 1 and self.sim.specs[id].must_not_repeat(part):
            self.fail(id, f"{part or 'it'} ran twice")

    def told(self, id: str, verdict: Verdict) -> None:
        """A gateway told somebody what became of an accept."""
        self.verdicts.setdefault(id, set()).add(type(verdict))

    def at_rest(self) -> None:
        """Everything is healed, and nothing is left to happen."""
        for id, spec in self.sim.specs.items():
            record = self.newest.get(id)
            state = record.state if record is not None else S.STATE_UNSPECIFIED
            if record is not None and state not in FINAL:
                self.fail(id, f"accepted, and left at {name(state)}")
            told = self.verdicts.get(id, set())
            if Accepted in told and state in (S.STATE_UNSPECIFIED, S.STATE_TOMBSTONE):
                self.fail(id, f"called accepted, and is {name(state)}")
            if Closed in told and state != S.STATE_TOMBSTONE:
                self.fail(id, f"called closed, and is {name(state)}")
            happened = [part for part in spec.parts if self.effects[id, part]]
            if state in (S.STATE_SUCCEEDED, S.STATE_RESOLVED_SUCCEEDED) and len(happened) != len(spec.parts):
                self.fail(id, f"{name(state)} without its effect")
            withdrawn = record is not None and state == S.STATE_CANCELLED and not record.started
            if happened and (state in NEVER_RAN or withdrawn):
                self.fail(id, f"{name(state)}, and ran")
            denied = state in (S.STATE_FAILED, S.STATE_RESOLVED_FAILED)
            if happened and denied and spec.effect == options.EFFECT_ONCE and not spec.steps:
                self.fail(id, f"{name(state)}, and happened")

    def calm(self) -> None:
        """Nothing went wrong, so everything succeeded, once."""
        for id, spec in self.sim.specs.items():
            if self.newest[id].state != S.STATE_SUCCEEDED:
                self.fail(id, f"{name(self.newest[id].state)} on a calm day")
            if any(self.effects[id, part] != 1 for part in spec.parts):
                self.fail(id, "ran more than once on a calm day")
