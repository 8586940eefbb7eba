"""What the reaper knows of the commands that are not out of the way, and of the workers that are alive. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.ledger.ops import seconds
from bellboard.ledger.reap import Observed
from bellboard.ledger.state import RUNNABLE, S, frees, is_final
from bellboard.ledger.subjects import Author, Key
from bellboard.telemetry.trace import Entry

from .turns import Turns

ALIVE = 5.0
"""Seconds since its last beat for which a worker is taken to be alive."""

KEPT_ENTRIES = 64
"""Records of one command that are kept for its trace: the first ones, and what follows as long as there is room."""


@dataclass(slots=True)
class Watched:
    """A command that is not out of the way. Times are seconds of the reaper's own clock.

    Attributes:
        seen: when the newest record was first seen.
        heard: when a living worker last said that it has the command.
        queued: when it was first queued.
        command: its envelope, from the newest record that let it run; ``not_after`` and ``asked_at`` are said there.
    """

    key: Key
    record: pb.Record
    sequence: int
    seen: float
    heard: float
    queued: float | None = None
    command: pb.SignedEnvelope | None = None
    not_after: float = 0.0
    asked_at: float = 0.0
    entries: list[Entry] = field(default_factory=list)


class Watch:
    """Everything the reaper judges by."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Watched] = {}
        self._alive: dict[tuple[str, str], float] = {}
        self.turns = Turns()
        self.followed = 0  # the last sequence that was seen
        self.lost_before = 0.0  # when a loss of history was last accepted, in seconds since 1970

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, id: str) -> bool:
        return id in self._open

    @property
    def open(self) -> Iterable[Watched]:
        """The commands that are not out of the way."""
        return self._open.values()

    def take(self, key: Key, author: Author, record: pb.Record, sequence: int) -> list[Entry]:
        """Note a record. Returns all records of the command if this one was its last, for its trace; else none."""
        one = self._open.get(key.id)
        if one is None:
            if author not in (Author.RUN, Author.GATEWAY):
                return []  # no command begins so, and none that is out of the way goes on
            one = self._open[key.id] = Watched(key, record, sequence, 0.0, 0.0)
        elif one.key != key:
            return []  # a bot may write anything below its own name, the id of another's command too
        if record.HasField("outcome"):  # nothing is judged by what it answered, and thousands may wait to be told
            record.outcome.ClearField("reply")
            record.outcome.ClearField("result")
        one.record, one.sequence = record, sequence
        one.seen = one.heard = self._clock()
        if record.HasField("command"):
            one.command = record.command
            one.not_after, one.asked_at = _times(record.command)
        self._line_up(one)
        if len(one.entries) < KEPT_ENTRIES or is_final(record):
            one.entries.append(Entry(sequence, author, record))
        if frees(record):
            del self._open[key.id]
            self.turns.leave(key.id)
        return one.entries if is_final(record) else []

    def _line_up(self, one: Watched) -> None:
        if one.record.state == S.STATE_QUEUED:
            one.queued = one.queued if one.queued is not None else self._clock()
            self.turns.wait((one.key.bot, one.record.turn.key), one.key.id)
        else:
            self.turns.serve(one.key.id)

    def hear(self, beat: registry.Heartbeat) -> None:
        """Note a heartbeat. It counts for a command only from the worker, and the attempt, that the ledger names."""
        now = self._clock()
        if beat.draining:
            self._alive.pop((beat.bot, beat.replica), None)
        else:
            self._alive[beat.bot, beat.replica] = now
        for flight in beat.in_flight:
            one = self._open.get(flight.id)
            if one is not None and one.key.bot == beat.bot and _has(beat.replica, flight.epoch, one.record):
                one.heard = now

    def begin_anew(self) -> None:
        """Nothing was heard for a while: that says nothing of the workers, so every clock starts again."""
        now = self._clock()
        for one in self._open.values():
            one.seen = one.heard = now
        self._alive = dict.fromkeys(self._alive, now)

    def observed(self) -> Iterator[tuple[Watched, Observed]]:
        """Every command that is not final, as it is to be judged."""
        now = self._clock()
        self._alive = {who: heard for who, heard in self._alive.items() if now - heard < ALIVE}
        served = {bot for bot, _ in self._alive}
        for id, one in list(self._open.items()):
            if is_final(one.record):
                continue
            yield (
                one,
                Observed(
                    record=one.record,
                    sequence=one.sequence,
                    still=now - one.seen,
                    orphaned=now - one.heard,
                    served=one.key.bot in served,
                    not_after=one.not_after,
                    queued=now - one.queued if one.queued is not None else 0.0,
                    holder_done=self._free(id, one.record),
                    doubtful=one.asked_at < self.lost_before,
                ),
            )

    def _free(self, id: str, record: pb.Record) -> bool:
        """Whether the turn of a queued command has come. A holder that is out of the way is no longer watched."""
        return record.state == S.STATE_QUEUED and record.turn.holder not in self._open and self.turns.is_next(id)


def _has(replica: str, epoch: int, record: pb.Record) -> bool:
    return record.state in RUNNABLE or (record.worker == replica and epoch == record.epoch)


def _times(command: pb.SignedEnvelope) -> tuple[float, float]:
    """When an envelope may no longer be claimed, and when it was asked for.

    Its signature is the workers' affair: nothing is run because of this.
    """
    try:
        envelope = pb.Envelope.FromString(command.envelope)
    except DecodeError:
        return 0.0, 0.0
    return seconds(envelope.not_after), seconds(envelope.received_at)
