"""The states of a command and who may move it from one to the next. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Mapping

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options

from .subjects import Author

S = pb.State
RUN, GW, BOT, REAP = Author.RUN, Author.GATEWAY, Author.BOT, Author.REAPER

MAX_EPOCHS = 5
"""Attempts after which a command that loses its workers is taken for poison."""

FINAL = frozenset(
    {
        S.STATE_DENIED,
        S.STATE_REJECTED,
        S.STATE_EXPIRED,
        S.STATE_SUCCEEDED,
        S.STATE_FAILED,
        S.STATE_CANCELLED,
        S.STATE_UNKNOWN,
        S.STATE_RESOLVED_SUCCEEDED,
        S.STATE_RESOLVED_FAILED,
        S.STATE_TOMBSTONE,
    }
)
"""States that do not change by themselves (UNKNOWN may still be resolved)."""

RUNNABLE = frozenset({S.STATE_RECEIVED, S.STATE_APPROVED, S.STATE_READY})
"""States in which any worker may claim a command."""

CANCELLABLE = RUNNABLE | {S.STATE_AWAITING_APPROVAL, S.STATE_QUEUED, S.STATE_CLAIMED}
"""States in which a cancel always wins, if nothing of the command has started before."""

_ACCEPTED = {
    S.STATE_CLAIMED: {BOT},
    S.STATE_QUEUED: {BOT},
    S.STATE_EXPIRED: {BOT, REAP},
    S.STATE_SUCCEEDED: {BOT},
    S.STATE_FAILED: {BOT},
    S.STATE_CANCELLED: {GW},
}
_RUNNING = {
    S.STATE_STEP: {BOT},
    S.STATE_CLAIMED: {BOT},
    S.STATE_READY: {RUN},
    S.STATE_UNKNOWN: {BOT, REAP},
    S.STATE_SUCCEEDED: {BOT},
    S.STATE_FAILED: {BOT},
    S.STATE_CANCELLED: {BOT},
}

TRANSITIONS: Mapping[pb.State.ValueType, Mapping[pb.State.ValueType, set[Author]]] = {
    S.STATE_UNSPECIFIED: {
        S.STATE_RECEIVED: {RUN},
        S.STATE_DENIED: {GW},
        S.STATE_AWAITING_APPROVAL: {GW},
        S.STATE_TOMBSTONE: {GW},
    },
    S.STATE_AWAITING_APPROVAL: {
        S.STATE_APPROVED: {RUN},
        S.STATE_REJECTED: {GW},
        S.STATE_CANCELLED: {GW},
        S.STATE_EXPIRED: {REAP},
    },
    S.STATE_RECEIVED: _ACCEPTED,
    S.STATE_APPROVED: _ACCEPTED,
    S.STATE_QUEUED: {S.STATE_READY: {RUN}, S.STATE_EXPIRED: {REAP}, S.STATE_CANCELLED: {GW}},
    S.STATE_READY: {
        S.STATE_CLAIMED: {BOT},
        S.STATE_QUEUED: {BOT},
        S.STATE_EXPIRED: {REAP},
        S.STATE_UNKNOWN: {BOT, REAP},
        S.STATE_FAILED: {BOT},
        S.STATE_CANCELLED: {GW},
    },
    S.STATE_CLAIMED: {
        S.STATE_STARTED: {BOT},
        S.STATE_CLAIMED: {BOT},
        S.STATE_READY: {RUN},
        S.STATE_EXPIRED: {REAP},
        S.STATE_UNKNOWN: {BOT},
        S.STATE_SUCCEEDED: {BOT},
        S.STATE_FAILED: {BOT},
        S.STATE_CANCELLED: {GW},
    },
    S.STATE_STARTED: _RUNNING,
    S.STATE_STEP: _RUNNING,
    S.STATE_UNKNOWN: {S.STATE_RESOLVED_SUCCEEDED: {BOT, GW}, S.STATE_RESOLVED_FAILED: {BOT, GW}},
}
"""From, to, and which authors may write it."""


class IllegalTransition(ValueError):
    """A record that may not follow the one before it.

    Attributes:
        old, new: the states.
        author: who wrote it.
        why: what is wrong with it, where it isn't the states alone.
    """

    def __init__(self, old: pb.State.ValueType, new: pb.State.ValueType, author: Author, why: str = "") -> None:
        self.old, self.new, self.author, self.why = old, new, author, why
        reason = f": {why}" if why else ""
        super().__init__(f"{author} may not move a command from {name(old)} to {name(new)}{reason}")


def name(state: pb.State.ValueType) -> str:
    """The state as people read it, such as ``SUCCEEDED``."""
    return S.Name(state).removeprefix("STATE_")


def is_final(record: pb.Record) -> bool:
    return record.state in FINAL


def frees(record: pb.Record | None) -> bool:
    """Whether a command is out of the way of others that want its key. One that is UNKNOWN is not."""
    return record is not None and is_final(record) and record.state != S.STATE_UNKNOWN


def resumable(record: pb.Record) -> bool:
    """Whether another worker may go on with the command: nothing that must not repeat is under way."""
    if not record.started:
        return True
    begun = (step for step in record.steps if step.state == pb.STEP_STATE_STARTED)
    if any(step.effect != options.EFFECT_IDEMPOTENT for step in begun):
        return False
    return bool(record.steps) or record.effect in (options.EFFECT_READ, options.EFFECT_IDEMPOTENT)


def check(old: pb.Record | None, new: pb.Record, author: Author) -> None:
    """Make sure that a record may follow another.

    Raises:
        IllegalTransition: it may not.
    """
    before = old.state if old is not None else S.STATE_UNSPECIFIED
    if author not in TRANSITIONS.get(before, {}).get(new.state, ()):
        raise IllegalTransition(before, new.state, author)
    why = _flaw(old, new, author) if old is not None else ""
    if why:
        raise IllegalTransition(before, new.state, author, why)


def _flaw(old: pb.Record, new: pb.Record, author: Author) -> str:
    """What is wrong with a record that follows ``old``, its state apart."""
    state = new.state
    if state in (S.STATE_CLAIMED, S.STATE_READY) and not resumable(old):
        return "what is under way must not be repeated"
    if old.started and (state in (S.STATE_EXPIRED, S.STATE_QUEUED) or (state == S.STATE_CANCELLED and author is not BOT)):
        return "it has started"
    if state == S.STATE_UNKNOWN and not old.started:
        return "it has not started"
    if state == S.STATE_FAILED and old.started and old.state in (S.STATE_READY, S.STATE_CLAIMED):
        return "an earlier attempt may have done something"
    first = not old.epoch and state in (S.STATE_SUCCEEDED, S.STATE_FAILED)  # a READ, which is not claimed first
    if new.epoch != old.epoch + (state == S.STATE_CLAIMED or first):
        return f"its epoch is {new.epoch} after {old.epoch}"
    if new.started != (old.started or state == S.STATE_STARTED):
        return "it must say whether it has started"
    if old.effect not in (options.EFFECT_UNSPECIFIED, new.effect):
        return "its effect has changed"
    return _steps_flaw(old, new)


def _steps_flaw(old: pb.Record, new: pb.Record) -> str:
    if old.steps and [step.name for step in old.steps] != [step.name for step in new.steps]:
        return "its steps have changed"
    for was, now in zip(old.steps, new.steps, strict=False):
        repeated = was.state == pb.STEP_STATE_STARTED == now.state and was.epoch != now.epoch
        if now.state < was.state or (repeated and was.effect != options.EFFECT_IDEMPOTENT):
            return f"step {now.name} was begun before"
    return ""
