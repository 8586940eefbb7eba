"""What a worker does with a command that was delivered to it: claim, start, steps, finish, probe. A procedure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options

from . import ops
from .ops import World
from .reap import LEASE
from .state import MAX_EPOCHS, S, is_final, resumable
from .subjects import Author, Key

CONFIRM_WITHIN = LEASE / 2
"""Seconds within which the record of a start must be confirmed. Later it may have been called lost, so it isn't begun."""

FOR_EVER = 10**9

DOUBTFUL = "it was asked for before the bus lost history, and may have been run since; it was not run again"


@dataclass(frozen=True, slots=True)
class Job:
    """A delivered command, verified.

    Attributes:
        sequence: of the delivered record, which is ``record``.
        fresh: delivered for the first time, so nobody else has had it.
        steps: name and effect of each step that the contract declares.
        turn: the key that only one such command at a time may hold; empty for none.
        probes: whether the bot can find out what became of a lost command.
        doubtful: it was asked for before the bus lost history, and may have been run since: it is not run.
    """

    key: Key
    record: pb.Record
    sequence: int
    fresh: bool
    worker: str
    effect: options.Effect.ValueType
    not_after: float
    steps: tuple[tuple[str, options.Effect.ValueType], ...] = ()
    turn: str = ""
    probes: bool = False
    doubtful: bool = False


_HELD = (S.STATE_CLAIMED, S.STATE_STARTED, S.STATE_STEP)


class Verdict(Enum):
    """What to tell the consumer."""

    DONE = "done"  # acknowledge: nobody needs it again
    LATER = "later"  # hand it back: look again in a while
    TAKEN = "taken"  # say nothing: somebody else has it, and if they are lost the bus delivers it again


def work(job: Job, world: World) -> ops.Procedure[Verdict]:
    """Take a delivered command as far as it goes."""
    seen = ops.Snapshot(job.sequence, job.record)
    if not job.fresh:
        now = yield from ops.read(job.key, beyond=job.sequence)
        if isinstance(now, ops.Unclear):
            return Verdict.LATER
        seen = now
    for _ in range(8):
        if seen.record is None:
            return Verdict.LATER
        if seen.offered > job.sequence:
            return Verdict.DONE  # it was offered anew: two deliveries of one command would rob each other
        if is_final(seen.record) or seen.record.state == S.STATE_QUEUED:
            return (yield from _leave(job, seen, world))
        if not resumable(seen.record):
            return Verdict.LATER  # the reaper will call it UNKNOWN, and then the probe is asked
        answer = yield from _attempt(job, seen, world)
        if isinstance(answer, Verdict):
            return answer
        now = yield from ops.read(job.key, beyond=seen.sequence + 1)
        if isinstance(now, ops.Unclear):
            return Verdict.LATER
        seen = now
        if seen.record is not None and seen.record.state in _HELD:
            return Verdict.TAKEN  # to claim it from whoever was quicker would go on for ever
    return Verdict.LATER


def _leave(job: Job, seen: ops.Snapshot, world: World) -> ops.Procedure[Verdict]:
    """Nothing is left to do but, where a probe can, to find out what became of a lost command."""
    assert seen.record is not None
    if seen.record.state != S.STATE_UNKNOWN or not job.probes:
        return Verdict.DONE
    answer: ops.Probed = yield ops.Probe()
    if answer.happened is None:
        return Verdict.DONE
    state = S.STATE_RESOLVED_SUCCEEDED if answer.happened else S.STATE_RESOLVED_FAILED
    record = world.record(state, seen.record, reason="found out by the bot's probe")
    record.outcome.reply.CopyFrom(answer.reply)
    written = yield from ops.put(job.key, Author.BOT, record, seen.sequence)
    return Verdict.LATER if isinstance(written, ops.Unclear) else Verdict.DONE


def _attempt(job: Job, seen: ops.Snapshot, world: World) -> ops.Procedure[Verdict | ops.Lost]:
    """One try to run the command from where it stands. Lost: somebody else moved it first."""
    record = seen.record
    assert record is not None
    if record.epoch >= MAX_EPOCHS:
        return (yield from _close(job, seen, *_poison(record), world))
    if job.doubtful:
        return (yield from _start(job, seen, record.epoch + 1, world))
    turn: ops.Held | ops.Busy | ops.Unclear = ops.Held()
    if job.turn and job.effect != options.EFFECT_READ:
        turn = yield ops.Hold(job.key, job.turn)
    if isinstance(turn, ops.Unclear):
        return Verdict.LATER
    untouched = record.state in (S.STATE_RECEIVED, S.STATE_APPROVED)
    if untouched and world.now() > job.not_after:
        return (yield from _close(job, seen, S.STATE_EXPIRED, "it waited too long to start", world))
    if isinstance(turn, ops.Busy):
        return (yield from _queue(job, seen, turn.holder, world))
    if job.effect == options.EFFECT_READ and job.fresh and untouched:
        return (yield from _run(job, seen, 1, world))
    return (yield from _start(job, seen, record.epoch + 1, world))


def _start(job: Job, seen: ops.Snapshot, epoch: int, world: World) -> ops.Procedure[Verdict | ops.Lost]:
    """Claim it, say that it starts unless it has no effect, and run it."""
    claimed = world.record(S.STATE_CLAIMED, seen.record, epoch=epoch, worker=job.worker, effect=job.effect)
    seen, answer = yield from _follow(job, seen, claimed)
    if not isinstance(answer, ops.Stored):
        return Verdict.LATER if isinstance(answer, ops.Unclear) else ops.Lost()
    if job.effect == options.EFFECT_READ:
        return (yield from _run(job, seen, epoch, world))
    started = world.record(S.STATE_STARTED, claimed, started=True)
    if not claimed.started:
        started.started_at.CopyFrom(started.at)
    if not started.steps:
        started.steps.extend(pb.StepRecord(name=name, effect=effect) for name, effect in job.steps)
    begun = world.clock()
    seen, answer = yield from _follow(job, seen, started)
    if not isinstance(answer, ops.Stored):
        return Verdict.LATER if isinstance(answer, ops.Unclear) else ops.Lost()
    if job.doubtful:
        return (yield from _finish(job, seen, ops.Ended(S.STATE_UNKNOWN, pb.Outcome(), DOUBTFUL), epoch, world))
    if _too_late(started, begun, world):
        return (yield from _finish(job, seen, _not_begun(), epoch, world))
    return (yield from _run(job, seen, epoch, world))


def _too_late(record: pb.Record, begun: float, world: World) -> bool:
    """Whether what must not repeat was confirmed so late that it may have been called lost, and looked for, meanwhile."""
    return not resumable(record) and world.clock() - begun > CONFIRM_WITHIN


def _not_begun() -> ops.Ended:
    return ops.Ended(S.STATE_FAILED, pb.Outcome(), "the bus took too long to confirm that it starts; it was not begun")


def _poison(record: pb.Record) -> tuple[pb.State.ValueType, str]:
    reason = f"poison: {record.epoch} workers were lost while they had it"
    return (S.STATE_UNKNOWN if record.started else S.STATE_FAILED), reason


def _queue(job: Job, seen: ops.Snapshot, holder: str, world: World) -> ops.Procedure[Verdict | ops.Lost]:
    if seen.record is not None and seen.record.epoch:
        return Verdict.LATER  # it has held the key since it was first claimed; whoever says otherwise is behind
    return (yield from _close(job, seen, S.STATE_QUEUED, "", world, pb.Turn(key=job.turn, holder=holder)))


def _close(
    job: Job, seen: ops.Snapshot, state: pb.State.ValueType, reason: str, world: World, turn: pb.Turn | None = None
) -> ops.Procedure[Verdict | ops.Lost]:
    """Put it aside or end it, without having run it."""
    record = world.record(state, seen.record, effect=job.effect, reason=reason, turn=turn)
    now, answer = yield from _follow(job, seen, record)
    if isinstance(answer, ops.Stored):
        return (yield from _leave(job, now, world))
    return ops.Lost() if isinstance(answer, ops.Lost) else Verdict.LATER


def _follow(
    job: Job, seen: ops.Snapshot, record: pb.Record, tries: int = ops.READ_BACKS
) -> ops.Procedure[tuple[ops.Snapshot, ops.Stored | ops.Lost | ops.Unclear]]:
    answer = yield from ops.put(job.key, Author.BOT, record, seen.sequence, tries)
    return (ops.Snapshot(answer.sequence, record) if isinstance(answer, ops.Stored) else seen), answer


def _run(job: Job, seen: ops.Snapshot, epoch: int, world: World) -> ops.Procedure[Verdict]:
    """Run the handler, record each of its steps before it begins, and finish."""
    assert seen.record is not None
    attempt, ran_at = world.nonce(), world.now()
    done = tuple(step.name for step in seen.record.steps if step.state == pb.STEP_STATE_DONE)
    event: ops.Event = yield ops.Execute(epoch, attempt, done)
    while isinstance(event, ops.StepBegins):
        record, begun = _step(seen, event.name, epoch, world), world.clock()
        seen, answer = yield from _follow(job, seen, record)
        late = _too_late(record, begun, world)
        event = yield ops.Resume(isinstance(answer, ops.Stored) and not late)
        if not isinstance(answer, ops.Stored):
            return Verdict.TAKEN if isinstance(answer, ops.Lost) else Verdict.LATER
        if late:
            event = _not_begun()
    event.outcome.attempt = attempt
    return (yield from _finish(job, seen, event, epoch, world, ran_at))


def _step(seen: ops.Snapshot, name: str, epoch: int, world: World) -> pb.Record:
    """The record that a step begins, and with it that the one before is done. Steps are cumulative."""
    record = world.record(S.STATE_STEP, seen.record)
    for step in record.steps:
        if step.name == name:
            step.state, step.epoch = pb.STEP_STATE_STARTED, epoch
        elif step.state == pb.STEP_STATE_STARTED:
            step.state = pb.STEP_STATE_DONE
    return record


def _finish(
    job: Job, seen: ops.Snapshot, end: ops.Ended, epoch: int, world: World, ran_at: float | None = None
) -> ops.Procedure[Verdict]:
    """Write what came of it, however long the bus is away: nobody else knows."""
    state = end.state
    if state == S.STATE_UNKNOWN and job.effect != options.EFFECT_ONCE and not job.steps:
        state = S.STATE_FAILED
    final = world.record(state, seen.record, epoch=epoch, worker=job.worker, effect=job.effect, reason=end.reason)
    final.outcome.CopyFrom(end.outcome)
    if ran_at is not None and not final.started:
        final.started_at.CopyFrom(ops.timestamp(ran_at))  # a READ has no record of its start
    if state == S.STATE_SUCCEEDED:
        for step in final.steps:
            if step.state == pb.STEP_STATE_STARTED:
                step.state = pb.STEP_STATE_DONE
    seen, answer = yield from _follow(job, seen, final, FOR_EVER)
    if isinstance(answer, ops.Stored):
        return (yield from _leave(job, seen, world))
    if isinstance(answer, ops.Unclear):
        return Verdict.LATER
    return (yield from _report_late(job, seen.sequence + 1, final, world))


def _report_late(job: Job, beyond: int, final: pb.Record, world: World) -> ops.Procedure[Verdict]:
    """The result came too late: where the command was called UNKNOWN meanwhile, its own worker resolves it."""
    now = yield from ops.read(job.key, beyond)
    if isinstance(now, ops.Unclear) or now.record is None:
        return Verdict.LATER
    if not is_final(now.record):
        return Verdict.TAKEN
    certain = final.state in (S.STATE_SUCCEEDED, S.STATE_FAILED)
    if now.record.state != S.STATE_UNKNOWN or now.record.epoch != final.epoch or not certain:
        return (yield from _leave(job, now, world))
    late = max(0.0, ops.seconds(final.at) - ops.seconds(now.record.at))
    final.state = S.STATE_RESOLVED_SUCCEEDED if final.state == S.STATE_SUCCEEDED else S.STATE_RESOLVED_FAILED
    final.nonce, final.reason = world.nonce(), f"reported late, {late:.0f} s after it was called unknown"
    answer = yield from ops.put(job.key, Author.BOT, final, now.sequence)
    return Verdict.LATER if isinstance(answer, ops.Unclear) else Verdict.DONE
