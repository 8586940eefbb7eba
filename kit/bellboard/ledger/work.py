"""What a worker does with a command that was delivered to it: claim, start, steps, finish, probe. A procedure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options

from .ops import (
    Busy,
    Ended,
    Event,
    Execute,
    Hold,
    Lost,
    Probe,
    Probed,
    Procedure,
    Resume,
    Snapshot,
    StepBegins,
    Stored,
    Unclear,
    World,
    put,
    read,
    seconds,
    timestamp,
)
from .state import MAX_EPOCHS, RUNNABLE, S, is_final, resumable
from .subjects import Author, Key


@dataclass(frozen=True, slots=True)
class Job:
    """A delivered command, verified.

    Attributes:
        sequence: of the delivered record, which is ``record``.
        fresh: delivered for the first time, so nobody else has had it.
        steps: name and effect of each step that the contract declares.
        turn: the key that only one such command at a time may hold; empty for none.
        probes: whether the bot can find out what became of a lost command.
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


class Verdict(Enum):
    """What to tell the consumer."""

    DONE = "done"  # acknowledge: nobody needs it again
    LATER = "later"  # hand it back: look again in a while


def work(job: Job, world: World) -> Procedure[Verdict]:
    """Take a delivered command as far as it goes."""
    seen = Snapshot(job.sequence, job.record)
    if not job.fresh:
        now = yield from read(job.key, beyond=job.sequence)
        if isinstance(now, Unclear):
            return Verdict.LATER
        seen = now
    for _ in range(8):
        if seen.record is None:
            return Verdict.LATER
        if is_final(seen.record) or seen.record.state == S.STATE_QUEUED:
            return (yield from _leave(job, seen, world))
        if not resumable(seen.record):
            return Verdict.LATER  # the reaper will call it UNKNOWN, and then the probe is asked
        answer = yield from _attempt(job, seen, world)
        if isinstance(answer, Verdict):
            return answer
        now = yield from read(job.key, beyond=seen.sequence + 1)
        if isinstance(now, Unclear):
            return Verdict.LATER
        seen = now
    return Verdict.LATER


def _leave(job: Job, seen: Snapshot, world: World) -> Procedure[Verdict]:
    assert seen.record is not None
    if seen.record.state == S.STATE_UNKNOWN and job.probes:
        yield from _ask_probe(job, seen, world)
    return Verdict.DONE


def _attempt(job: Job, seen: Snapshot, world: World) -> Procedure[Verdict | Lost]:
    """One try to run the command from where it stands. Lost: somebody else moved it first."""
    assert seen.record is not None
    offered = seen.record.state in RUNNABLE
    if offered and not seen.record.epoch and seen.record.state != S.STATE_READY and world.now() > job.not_after:
        return (yield from _close(job, seen, S.STATE_EXPIRED, "it waited too long to start", world))
    if seen.record.epoch >= MAX_EPOCHS:
        return (yield from _close(job, seen, *_poison(seen.record), world))
    if job.effect == options.EFFECT_READ and job.fresh and offered and not seen.record.epoch:
        return (yield from _run(job, seen, 1, world))
    if job.turn:
        turn = yield Hold(job.key, job.turn)
        if isinstance(turn, Unclear):
            return Verdict.LATER
        if isinstance(turn, Busy):
            return (yield from _queue(job, seen, turn.holder, world))
    epoch = seen.record.epoch + 1
    claimed = world.record(S.STATE_CLAIMED, seen.record, epoch=epoch, worker=job.worker, effect=job.effect)
    seen, answer = yield from _follow(job, seen, claimed)
    if not isinstance(answer, Stored):
        return Verdict.LATER if isinstance(answer, Unclear) else Lost()
    if job.effect == options.EFFECT_READ:
        return (yield from _run(job, seen, epoch, world))
    started = world.record(S.STATE_STARTED, claimed, effect=job.effect)
    if not started.started:
        started.started = True
        started.started_at.CopyFrom(started.at)
    if not started.steps:
        started.steps.extend(pb.StepRecord(name=name, effect=effect) for name, effect in job.steps)
    seen, answer = yield from _follow(job, seen, started)
    if not isinstance(answer, Stored):
        return Verdict.LATER if isinstance(answer, Unclear) else Lost()
    return (yield from _run(job, seen, epoch, world))


def _poison(record: pb.Record) -> tuple[pb.State.ValueType, str]:
    reason = f"poison: {record.epoch} workers were lost while they had it"
    return (S.STATE_UNKNOWN if record.started else S.STATE_FAILED), reason


def _queue(job: Job, seen: Snapshot, holder: str, world: World) -> Procedure[Verdict | Lost]:
    if seen.record is not None and seen.record.started:
        return Verdict.LATER  # it held the key when it started; only a person's resolution can have freed it
    record = world.record(S.STATE_QUEUED, seen.record, effect=job.effect, turn=pb.Turn(key=job.turn, holder=holder))
    _, answer = yield from _follow(job, seen, record)
    return Lost() if isinstance(answer, Lost) else Verdict.DONE if isinstance(answer, Stored) else Verdict.LATER


def _close(job: Job, seen: Snapshot, state: pb.State.ValueType, reason: str, world: World) -> Procedure[Verdict | Lost]:
    _, answer = yield from _follow(job, seen, world.record(state, seen.record, effect=job.effect, reason=reason))
    return Lost() if isinstance(answer, Lost) else Verdict.DONE if isinstance(answer, Stored) else Verdict.LATER


def _follow(job: Job, seen: Snapshot, record: pb.Record) -> Procedure[tuple[Snapshot, Stored | Lost | Unclear]]:
    answer = yield from put(job.key, Author.BOT, record, seen.sequence)
    return (Snapshot(answer.sequence, record) if isinstance(answer, Stored) else seen), answer


def _run(job: Job, seen: Snapshot, epoch: int, world: World) -> Procedure[Verdict]:
    """Run the handler, record its steps, and finish."""
    assert seen.record is not None
    attempt = world.nonce()
    done = tuple(step.name for step in seen.record.steps if step.state == pb.STEP_STATE_DONE)
    began = world.now()
    event: Event = yield Execute(epoch, attempt, done)
    while isinstance(event, StepBegins):
        seen, answer = yield from _follow(job, seen, _step(seen, event.name, epoch, world))
        event = yield Resume(isinstance(answer, Stored))
    event.outcome.attempt = attempt
    last = seen.record
    assert last is not None
    if event.state == S.STATE_UNKNOWN and job.effect != options.EFFECT_ONCE and not job.steps:
        event = Ended(S.STATE_FAILED, event.outcome, event.reason)
    final = world.record(event.state, last, epoch=epoch, worker=job.worker, effect=job.effect, reason=event.reason)
    final.outcome.CopyFrom(event.outcome)
    if not final.HasField("started_at"):
        final.started_at.CopyFrom(timestamp(began))
    if event.state == S.STATE_SUCCEEDED:
        for step in final.steps:
            step.state = pb.STEP_STATE_DONE
    seen, answer = yield from _follow(job, seen, final)
    if isinstance(answer, Stored):
        return (yield from _leave(job, seen, world))
    return (yield from _report_late(job, seen, final, world))


def _step(seen: Snapshot, name: str, epoch: int, world: World) -> pb.Record:
    """The record that a step begins, and with it that the one before is done. Steps are cumulative."""
    record = world.record(S.STATE_STEP, seen.record)
    for step in record.steps:
        if step.name == name:
            step.state, step.epoch = pb.STEP_STATE_STARTED, epoch
        elif step.state == pb.STEP_STATE_STARTED:
            step.state = pb.STEP_STATE_DONE
    return record


def _report_late(job: Job, seen: Snapshot, final: pb.Record, world: World) -> Procedure[Verdict]:
    """The result came too late: where the command was called UNKNOWN meanwhile, its own worker resolves it."""
    now = yield from read(job.key, beyond=seen.sequence)
    if isinstance(now, Unclear) or now.record is None:
        return Verdict.LATER
    certain = final.state in (S.STATE_SUCCEEDED, S.STATE_FAILED)
    if now.record.state == S.STATE_UNKNOWN and now.record.epoch == final.epoch and certain:
        late = seconds(final.at) - seconds(now.record.at)
        final.state = S.STATE_RESOLVED_SUCCEEDED if final.state == S.STATE_SUCCEEDED else S.STATE_RESOLVED_FAILED
        final.nonce, final.reason = world.nonce(), f"reported late, {late:.0f} s after it was called unknown"
        yield from put(job.key, Author.BOT, final, now.sequence)
    return Verdict.DONE if is_final(now.record) else Verdict.LATER


def _ask_probe(job: Job, seen: Snapshot, world: World) -> Procedure[None]:
    answer: Probed = yield Probe()
    if answer.happened is None:
        return
    state = S.STATE_RESOLVED_SUCCEEDED if answer.happened else S.STATE_RESOLVED_FAILED
    record = world.record(state, seen.record, reason="found out by the bot's probe")
    record.outcome.reply.CopyFrom(answer.reply)
    yield from put(job.key, Author.BOT, record, seen.sequence)
