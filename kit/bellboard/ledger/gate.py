"""What the gateway does to a command's records: accept, approve, reject, cancel, resolve. Procedures; no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from bellboard.api.ledger.v1 import ledger_pb2 as pb

from .ops import Lost, Procedure, Put, Snapshot, Stop, Stored, Unclear, World, put, read, seconds
from .state import CANCELLABLE, S, is_final
from .subjects import Author, Key

READ_BACKS = 2
"""Looks into what became of a write while a person waits."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command stands in the ledger; ``again`` if it seems to have done so before."""

    snapshot: Snapshot
    again: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The command is not in the ledger and can never come into it."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Nothing is known yet; `settle` will find out."""


Verdict = Accepted | Closed | Unconfirmed


def accept(key: Key, author: Author, record: pb.Record) -> Procedure[Verdict]:
    """Write a command's first record: RECEIVED as `run`, AWAITING_APPROVAL or DENIED as the gateway. One write."""
    answer: Stored | Lost | Unclear = yield Put(key, author, record, 0)
    if isinstance(answer, Stored):
        return Accepted(Snapshot(answer.sequence, record))
    if isinstance(answer, Lost):
        return (yield from _what_stands(key, record))
    return Unconfirmed()


def settle(key: Key, record: pb.Record, world: World, tries: int = 10_000) -> Procedure[Verdict]:
    """Close an unclear accept: with a tombstone in its place it can never be accepted later."""
    tombstone = world.record(S.STATE_TOMBSTONE, reason="the bus did not answer")
    answer = yield from put(key, Author.GATEWAY, tombstone, 0, tries)
    if isinstance(answer, Stored):
        return Closed()
    if isinstance(answer, Lost):
        return (yield from _what_stands(key, record, tries))
    return Unconfirmed()


def _what_stands(key: Key, record: pb.Record, tries: int = READ_BACKS) -> Procedure[Verdict]:
    seen = yield from read(key, beyond=1, tries=tries)
    if isinstance(seen, Unclear) or seen.record is None:
        return Unconfirmed()
    if seen.record.state == S.STATE_TOMBSTONE:
        return Closed()
    return Accepted(seen, again=seen.record.nonce != record.nonce)


@dataclass(frozen=True, slots=True)
class Moved:
    """The command now stands here."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class NotMoved:
    """It does not stand where this could be done. ``snapshot`` is None where the bus gave no answer."""

    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class Asked:
    """It has started; its worker was asked to stop."""


def approve(
    key: Key, seen: Snapshot, command: pb.SignedEnvelope, approval: pb.Approval, by: str, world: World
) -> Procedure[Moved | NotMoved]:
    """Let a command run that waits for approval. ``command`` is its envelope, signed anew with a new not-after.

    Only for the very plan that waits, and only in time.
    """
    if seen.record is None or seen.record.state != S.STATE_AWAITING_APPROVAL:
        return NotMoved(seen)
    asked = seen.record.approval
    if approval.plan != asked.plan or world.now() > seconds(asked.not_after):
        return NotMoved(seen)
    record = world.record(S.STATE_APPROVED, seen.record, command=command, approval=approval, by=by)
    return (yield from _move(key, Author.RUN, record, seen))


def reject(key: Key, seen: Snapshot, by: str, reason: str, world: World) -> Procedure[Moved | NotMoved]:
    """Refuse a command that waits for approval."""
    if seen.record is None or seen.record.state != S.STATE_AWAITING_APPROVAL:
        return NotMoved(seen)
    record = world.record(S.STATE_REJECTED, seen.record, by=by, reason=reason)
    return (yield from _move(key, Author.GATEWAY, record, seen))


def resolve(key: Key, seen: Snapshot, happened: bool, by: str, reason: str, world: World) -> Procedure[Moved | NotMoved]:
    """A person says what became of a command that is UNKNOWN."""
    if seen.record is None or seen.record.state != S.STATE_UNKNOWN:
        return NotMoved(seen)
    state = S.STATE_RESOLVED_SUCCEEDED if happened else S.STATE_RESOLVED_FAILED
    record = world.record(state, seen.record, by=by, reason=reason)
    return (yield from _move(key, Author.GATEWAY, record, seen))


def cancel(key: Key, by: str, reason: str, world: World) -> Procedure[Moved | NotMoved | Asked]:
    """Stop a command. Before it has started a cancel always wins; after, its worker is asked."""
    beyond = 0
    for _ in range(8):
        seen = yield from read(key, beyond, tries=READ_BACKS)
        if isinstance(seen, Unclear):
            return NotMoved(None)
        if seen.record is None or is_final(seen.record):
            return NotMoved(seen)
        if seen.record.started or seen.record.state not in CANCELLABLE:
            yield Stop(key, by)
            return Asked()
        record = world.record(S.STATE_CANCELLED, seen.record, by=by, reason=reason)
        answer = yield from put(key, Author.GATEWAY, record, seen.sequence)
        if isinstance(answer, Stored):
            yield Stop(key, by)
            return Moved(Snapshot(answer.sequence, record))
        if isinstance(answer, Unclear):
            return NotMoved(None)
        beyond = seen.sequence + 1
    return NotMoved(None)


def _move(key: Key, author: Author, record: pb.Record, seen: Snapshot) -> Procedure[Moved | NotMoved]:
    answer = yield from put(key, author, record, seen.sequence, READ_BACKS)
    if isinstance(answer, Stored):
        return Moved(Snapshot(answer.sequence, record))
    if isinstance(answer, Unclear):
        return NotMoved(None)
    now = yield from read(key, beyond=seen.sequence + 1, tries=READ_BACKS)
    return NotMoved(None if isinstance(now, Unclear) else now)
