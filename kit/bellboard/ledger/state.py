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

_ENDS = {S.STATE_SUCCEEDED: {BOT}, S.STATE_FAILED: {BOT}, S.STATE_CANCELLED: {BOT, GW}}
_OFFERED = {
    S.STATE_CLAIMED: {BOT},
    S.STATE_QUEUED: {BOT},
    S.STATE_EXPIRED: {BOT, REAP},
    S.STATE_READY: {RUN},
    S.STATE_UNKNOWN: {BOT, REAP},
    **_ENDS,
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
    S.STATE_RECEIVED: _OFFERED,
    S.STATE_APPROVED: _OFFERED,
    S.STATE_READY: _OFFERED,
    S.STATE_QUEUED: {S.STATE_READY: {RUN}, S.STATE_EXPIRED: {REAP}, S.STATE_CANCELLED: {GW}},
    S.STATE_CLAIMED: {S.STATE_STARTED: {BOT}, **_OFFERED},
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
    """

    def __init__(self, old: pb.State.ValueType, new: pb.State.ValueType, author: Author) -> None:
        self.old, self.new, self.author = old, new, author
        super().__init__(f"{author} may not move a command from {name(old)} to {name(new)}")


def name(state: pb.State.ValueType) -> str:
    """The state as people read it, such as ``SUCCEEDED``."""
    return S.Name(state).removeprefix("STATE_")


def is_final(record: pb.Record) -> bool:
    return record.state in FINAL


def resumable(record: pb.Record) -> bool:
    """Whether another worker may go on with the command: nothing that must not repeat is under way."""
    if not record.started or record.effect in (options.EFFECT_READ, options.EFFECT_IDEMPOTENT):
        return True
    if not record.steps:
        return False
    begun = (step for step in record.steps if step.state == pb.STEP_STATE_STARTED)
    return all(step.effect == options.EFFECT_IDEMPOTENT for step in begun)


def check(old: pb.Record | None, new: pb.Record, author: Author) -> None:
    """Make sure that a record may follow another.

    Raises:
        IllegalTransition: it may not.
    """
    before = old.state if old is not None else S.STATE_UNSPECIFIED
    if author not in TRANSITIONS.get(before, {}).get(new.state, ()):
        raise IllegalTransition(before, new.state, author)
    if old is None:
        return
    again = new.state in (S.STATE_CLAIMED, S.STATE_READY)
    withdrawn = author is not BOT and new.state in (S.STATE_CANCELLED, S.STATE_EXPIRED)
    guessed = new.state == S.STATE_UNKNOWN and not old.started
    if (again and not resumable(old)) or (withdrawn and old.started) or guessed or new.epoch < old.epoch:
        raise IllegalTransition(before, new.state, author)
