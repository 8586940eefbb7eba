"""What the reaper makes of a command that stands still."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.reap import GIVE_UP, GRACE, LEASE, OFFER_AGAIN, QUEUE_PATIENCE, Observed, judge
from bellboard.ledger.state import S, name
from tests.unit.ledger.script import IDEMPOTENT, ONCE

NOW = 1_000.0
WORLD = World(now=lambda: NOW, clock=lambda: NOW)


def judged(record: pb.Record, still: float = 0.0, **fields: Any) -> str:
    """The state that the reaper would write, or nothing."""
    fields = {"orphaned": still, "served": True, "not_after": NOW + 60} | fields
    write = judge(Observed(record, 1, still, **fields), WORLD)
    return name(write.record.state) if write is not None else ""


def claimed(**fields: Any) -> pb.Record:
    return pb.Record(state=S.STATE_CLAIMED, epoch=1, effect=ONCE, **fields)


def started(effect: Any) -> pb.Record:
    return pb.Record(state=S.STATE_STARTED, epoch=1, effect=effect, started=True)


def test_what_is_final_is_left_alone() -> None:
    """For ever."""
    assert judged(pb.Record(state=S.STATE_UNKNOWN, started=True), still=1e6) == ""


@pytest.mark.parametrize("record", [claimed(), started(ONCE), started(IDEMPOTENT)])
def test_what_a_living_worker_has_is_left_alone(record: pb.Record) -> None:
    """However long it takes."""
    assert judged(record, still=1e6, orphaned=1.0) == ""


def test_a_once_whose_worker_was_lost_is_unknown() -> None:
    """After the lease, and not before."""
    assert judged(started(ONCE), still=LEASE - 1) == ""
    assert judged(started(ONCE), still=LEASE + 1) == "UNKNOWN"


def test_what_may_be_repeated_is_offered_again_and_given_up_only_then() -> None:
    """A reaper that slept does not give up what nobody was offered."""
    assert judged(started(IDEMPOTENT), still=OFFER_AGAIN - 1) == ""
    assert judged(started(IDEMPOTENT), still=GIVE_UP + 1) == "READY"
    offered = pb.Record(state=S.STATE_READY, epoch=1, effect=IDEMPOTENT, started=True)
    assert judged(offered, still=OFFER_AGAIN + 1) == ""
    assert judged(offered, still=GIVE_UP + 1) == "UNKNOWN"


def test_what_has_not_started_is_offered_again_or_expires() -> None:
    """Nothing of it was run, and the record says so."""
    assert judged(claimed(), still=OFFER_AGAIN + 1) == "READY"
    assert judged(claimed(), still=OFFER_AGAIN + 1, served=False) == "EXPIRED"
    assert judged(pb.Record(state=S.STATE_READY, epoch=1), still=GIVE_UP + 1) == "EXPIRED"


def test_what_nobody_took_in_time_expires() -> None:
    """A little after not-after, since clocks differ."""
    record = pb.Record(state=S.STATE_RECEIVED)

    assert judged(record, still=100, not_after=NOW - GRACE + 1) == ""
    assert judged(record, still=100, not_after=NOW - GRACE - 1) == "EXPIRED"
    assert judged(record, still=100, orphaned=1.0, not_after=NOW - GRACE - 1) == ""


def test_an_approval_that_does_not_come_expires() -> None:
    """By the moment that people were shown."""
    record = pb.Record(state=S.STATE_AWAITING_APPROVAL, approval=pb.Approval(not_after=timestamp(NOW + 1)))
    assert judged(record) == ""
    record.approval.not_after.CopyFrom(timestamp(NOW - 1))
    assert judged(record) == "EXPIRED"


def test_a_queued_command_gets_its_turn() -> None:
    """When the one before it is out of the way, or not at all."""
    record = pb.Record(state=S.STATE_QUEUED, turn=pb.Turn(key="hill", holder="other"))

    assert judged(record, queued=10) == ""
    assert judged(record, queued=10, holder_done=True) == "READY"
    assert judged(record, queued=QUEUE_PATIENCE + 1) == "EXPIRED"


@pytest.mark.parametrize("state", [S.STATE_RECEIVED, S.STATE_READY, S.STATE_CLAIMED])
def test_what_may_have_run_in_a_history_that_was_lost_is_left_to_its_bot(state: pb.State.ValueType) -> None:
    """Only where none comes is it closed, and then without the word that nothing was run."""
    record = pb.Record(state=state, effect=ONCE, epoch=0 if state == S.STATE_RECEIVED else 1)
    seen = Observed(record, 1, GIVE_UP + 1, GIVE_UP + 1, True, NOW - 60, doubtful=True)

    assert judged(record, still=GIVE_UP - 1, not_after=NOW - 60, doubtful=True) == ""
    write = judge(seen, WORLD)
    assert write is not None
    assert (write.record.state, write.record.reason) == (
        S.STATE_EXPIRED,
        "the bus lost history: whether it was run is not known",
    )
