"""Which record may follow which."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.state import FINAL, TRANSITIONS, IllegalTransition, S, check, frees, name, resumable
from bellboard.ledger.subjects import Author, Key, parse
from tests.unit.ledger.script import IDEMPOTENT, ONCE

BOT, GW, RUN, REAP = Author.BOT, Author.GATEWAY, Author.RUN, Author.REAPER


def record(state: pb.State.ValueType, **fields: Any) -> pb.Record:
    return pb.Record(state=state, **{"effect": ONCE, **fields})


def step(state: pb.StepState.ValueType, effect: Any = ONCE, epoch: int = 1) -> pb.StepRecord:
    return pb.StepRecord(name="rope", state=state, effect=effect, epoch=epoch)


STARTED = record(S.STATE_STARTED, started=True, epoch=1)


def test_only_unknown_of_the_final_states_changes() -> None:
    """And it becomes known."""
    assert FINAL & TRANSITIONS.keys() == {S.STATE_UNKNOWN}
    assert {name(state) for state in TRANSITIONS[S.STATE_UNKNOWN]} == {"RESOLVED_SUCCEEDED", "RESOLVED_FAILED"}


def test_every_state_that_is_not_final_leads_somewhere() -> None:
    """Nothing is stuck for want of a way out."""
    assert set(S.values()) - FINAL == TRANSITIONS.keys() - {S.STATE_UNKNOWN}


@pytest.mark.parametrize(
    ("old", "new", "author"),
    [
        (None, record(S.STATE_RECEIVED), BOT),
        (record(S.STATE_RECEIVED), record(S.STATE_CANCELLED), BOT),
        (record(S.STATE_SUCCEEDED), record(S.STATE_FAILED), BOT),
        (record(S.STATE_RECEIVED), record(S.STATE_CLAIMED), BOT),  # epoch not raised
        (STARTED, record(S.STATE_CLAIMED, started=True, epoch=2), BOT),  # ONCE
        (STARTED, record(S.STATE_SUCCEEDED, epoch=1), BOT),  # forgets that it started
        (STARTED, record(S.STATE_SUCCEEDED, started=True, epoch=1, effect=IDEMPOTENT), BOT),
        (record(S.STATE_READY), record(S.STATE_UNKNOWN), REAP),  # nothing has started
        (record(S.STATE_READY, started=True, epoch=1), record(S.STATE_EXPIRED, started=True, epoch=1), REAP),
        (record(S.STATE_CLAIMED, started=True, epoch=1), record(S.STATE_CANCELLED, started=True, epoch=1), GW),
        (record(S.STATE_READY, started=True, epoch=1), record(S.STATE_FAILED, started=True, epoch=1), BOT),
    ],
)
def test_what_may_not_follow_is_refused(old: pb.Record | None, new: pb.Record, author: Author) -> None:
    """With both states and the author in the error."""
    with pytest.raises(IllegalTransition) as caught:
        check(old, new, author)
    assert (caught.value.new, caught.value.author) == (new.state, author)


@pytest.mark.parametrize("state", [pb.STEP_STATE_DONE, pb.STEP_STATE_STARTED])
def test_a_step_is_not_begun_twice(state: pb.StepState.ValueType) -> None:
    """Neither after it was done, nor by another attempt."""
    old = record(S.STATE_STEP, started=True, epoch=2, steps=[step(state)])
    new = record(S.STATE_STEP, started=True, epoch=2, steps=[step(pb.STEP_STATE_STARTED, epoch=2)])

    with pytest.raises(IllegalTransition, match="begun before"):
        check(old, new, BOT)


def test_a_step_that_is_under_way_decides_who_may_go_on() -> None:
    """Whatever the command as a whole says."""
    assert resumable(record(S.STATE_CLAIMED))
    assert not resumable(STARTED)
    assert resumable(record(S.STATE_STARTED, started=True, effect=IDEMPOTENT))
    assert resumable(record(S.STATE_STEP, started=True, steps=[step(pb.STEP_STATE_STARTED, IDEMPOTENT)]))
    assert not resumable(record(S.STATE_STEP, started=True, effect=IDEMPOTENT, steps=[step(pb.STEP_STATE_STARTED)]))
    assert resumable(record(S.STATE_STEP, started=True, steps=[step(pb.STEP_STATE_DONE)]))


def test_an_unknown_command_keeps_its_key() -> None:
    """Whoever waits for it may not start what it may still be doing."""
    assert frees(record(S.STATE_SUCCEEDED))
    assert frees(record(S.STATE_RESOLVED_FAILED))
    assert not frees(record(S.STATE_UNKNOWN))
    assert not frees(record(S.STATE_STARTED))
    assert not frees(None)


def test_a_subject_can_be_told_apart_again() -> None:
    """Every author's."""
    key = Key("ops-work", "practice", "abc")
    assert [parse(subject) for subject in key.subjects] == [(key, author) for author in Author]
    with pytest.raises(ValueError, match="not a ledger subject"):
        parse("room.general")
