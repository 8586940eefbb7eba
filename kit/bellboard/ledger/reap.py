"""What the reaper makes of a command that nobody moves any more. Pure decisions; no I/O.

The reaper follows every record and every heartbeat. How long a command has stood still is measured by its own monotonic
clock from when it first saw the record (as client-go's leader election does), never by comparing wall clocks of machines.
"""

from __future__ import annotations

from dataclasses import dataclass

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options

from .ops import World, seconds
from .state import RUNNABLE, S, is_final, resumable
from .subjects import Author

LEASE = 10.0
"""Seconds after which a command that no living worker says it has is an orphan."""

OFFER_AGAIN = 25.0
"""Seconds after which an orphan that may be taken over is offered again; the bus should have done so long before."""

GRACE = 3.0
"""Seconds beyond not-after before the reaper calls a command expired."""

QUEUE_PATIENCE = 900.0
"""Seconds a command waits for its turn."""

GIVE_UP = 60.0
"""Seconds after which a command that was offered again, and that nobody took, is not waited for any longer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the reaper waits for what, in seconds: the constants above, unless an operator says otherwise."""

    lease: float = LEASE
    offer_again: float = OFFER_AGAIN
    grace: float = GRACE
    queue: float = QUEUE_PATIENCE
    give_up: float = GIVE_UP


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Observed:
    """A command as the reaper sees it.

    Attributes:
        record, sequence: the newest record.
        still: seconds since the reaper first saw it.
        orphaned: seconds since a living worker last said that it has the command. Like ``still`` it counts only while the
            reaper itself hears the bus: after a gap it begins anew.
        served: whether any worker of the bot is alive.
        not_after: from the envelope, in seconds since 1970.
        queued: seconds since it was first queued.
        holder_done: whether the command it waits for is out of the way.
        doubtful: it was asked for before the bus lost history. Its bot is given time to say that it may have been run.
    """

    record: pb.Record
    sequence: int
    still: float
    orphaned: float
    served: bool
    not_after: float
    queued: float = 0.0
    holder_done: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Put this after the record that was observed. READY needs the command's envelope added."""

    author: Author
    record: pb.Record


def judge(seen: Observed, world: World, patience: Patience = PATIENCE) -> Write | None:
    """Say what, if anything, is to be written after the newest record of a command."""
    record = seen.record
    if is_final(record):
        return None
    if record.state == S.STATE_AWAITING_APPROVAL:
        late = world.now() > seconds(record.approval.not_after)
        return _expire(record, "nobody approved it in time", world) if late else None
    if record.state == S.STATE_QUEUED:
        if seen.holder_done:
            return _offer(record, world)
        waited = seen.queued > patience.queue
        return _expire(record, f"still waiting for {record.turn.holder[:8]}", world) if waited else None
    if _still(seen) < patience.lease and not _unclaimed(seen, patience):
        return None
    if not record.started:
        return _unstarted(seen, world, patience)
    return _started(seen, world, patience)


def _unclaimed(seen: Observed, patience: Patience) -> bool:
    return seen.record.state in RUNNABLE and not seen.record.epoch and seen.orphaned >= patience.grace


def _unstarted(seen: Observed, world: World, patience: Patience) -> Write | None:
    """Nothing has happened: expire it, or offer it again."""
    record = seen.record
    if seen.doubtful and record.effect != options.EFFECT_READ:
        waited = _still(seen) > patience.give_up
        return _expire(record, "the bus lost history: whether it was run is not known", world) if waited else None
    if record.state in RUNNABLE and record.state != S.STATE_READY:
        if world.now() > seen.not_after + patience.grace:
            return _expire(record, "no bot answered in time; nothing was run", world)
        return None
    if _still(seen) > patience.offer_again and not seen.served:
        return _expire(record, "its worker was lost before it started; nothing was run", world)
    if record.state != S.STATE_READY:
        return _offer(record, world) if _still(seen) > patience.offer_again else None
    return _expire(record, "no worker took it over; nothing was run", world) if _still(seen) > patience.give_up else None


def _started(seen: Observed, world: World, patience: Patience) -> Write | None:
    """Something may have happened: offer it again where that is safe, else say so."""
    record = seen.record
    if not resumable(record):
        return _unknown(record, "its worker was lost after it had started; it was not run again", world)
    if record.state != S.STATE_READY:
        return _offer(record, world) if _still(seen) > patience.offer_again else None
    return _unknown(record, "its worker was lost, and no other took over", world) if _still(seen) > patience.give_up else None


def _still(seen: Observed) -> float:
    return min(seen.still, seen.orphaned)


def _expire(record: pb.Record, reason: str, world: World) -> Write:
    return Write(Author.REAPER, world.record(S.STATE_EXPIRED, record, reason=reason))


def _unknown(record: pb.Record, reason: str, world: World) -> Write:
    return Write(Author.REAPER, world.record(S.STATE_UNKNOWN, record, reason=reason))


def _offer(record: pb.Record, world: World) -> Write:
    return Write(Author.RUN, world.record(S.STATE_READY, record, turn=record.turn))
