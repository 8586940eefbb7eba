"""What the gateway does to a command's records, told as stories."""

from __future__ import annotations

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.gate import (
    Accepted,
    Asked,
    Closed,
    Moved,
    NotMoved,
    Unconfirmed,
    accept,
    approve,
    cancel,
    reject,
    resolve,
    settle,
)
from bellboard.ledger.ops import Lost, Put, Read, Snapshot, Stop, Stored, Unclear, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author
from tests.unit.ledger.script import KEY, ONCE, Script


def received(script: Script) -> pb.Record:
    return script.world.record(S.STATE_RECEIVED, effect=ONCE)


def waiting(script: Script) -> Snapshot:
    approval = pb.Approval(plan="plan", not_after=timestamp(script.time + 60))
    script.write(Author.GATEWAY, S.STATE_AWAITING_APPROVAL, approval=approval)
    return script.seen


def started(script: Script) -> None:
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.write(Author.BOT, S.STATE_CLAIMED, epoch=1, effect=ONCE)
    script.write(Author.BOT, S.STATE_STARTED, started=True)


def test_accepting_is_one_write(script: Script) -> None:
    """Its answer is the verdict."""
    verdict = script.run(accept(KEY, Author.RUN, received(script)))

    assert isinstance(verdict, Accepted)
    assert not verdict.again
    assert (script.told, len(script.asked)) == (["RECEIVED"], 1)


def test_a_second_accept_finds_the_first(script: Script) -> None:
    """A chat system's retry is the same command."""
    script.run(accept(KEY, Author.RUN, received(script)))

    verdict = script.run(accept(KEY, Author.RUN, received(script)))

    assert isinstance(verdict, Accepted)
    assert verdict.again
    assert script.told == ["RECEIVED"]


def test_an_accept_without_an_answer_is_unconfirmed_at_once(script: Script) -> None:
    """The person hears so; settling takes its time."""
    script.answers[Put] = [Unclear()]

    assert script.run(accept(KEY, Author.RUN, received(script))) == Unconfirmed()


def test_settling_closes_what_was_not_stored(script: Script) -> None:
    """With a tombstone in its place a late copy can't be stored any more."""
    record = received(script)

    assert script.run(settle(KEY, record, script.world)) == Closed()
    assert script.store(Put(KEY, Author.RUN, record, 0)) == Lost()
    assert script.run(accept(KEY, Author.RUN, record)) == Closed()


def test_settling_finds_what_was_stored(script: Script) -> None:
    """Then it was accepted after all."""
    record = received(script)
    script.store(Put(KEY, Author.RUN, record, 0))

    verdict = script.run(settle(KEY, record, script.world))

    assert isinstance(verdict, Accepted)
    assert not verdict.again
    assert script.told == ["RECEIVED"]


def test_the_last_offer_counts(script: Script) -> None:
    """A tombstone stored by the last of the tries has closed the command."""
    script.answers[Put] = [Unclear(), script.store]

    assert script.run(settle(KEY, received(script), script.world, tries=1)) == Closed()


def test_an_approval_lets_a_command_run(script: Script) -> None:
    """The record that a bot consumes holds the approval that was used."""
    approval = pb.Approval(plan="plan", nonce="x")

    moved = script.run(approve(KEY, waiting(script), pb.SignedEnvelope(), approval, "bob", script.world))

    assert isinstance(moved, Moved)
    assert script.records[-1][0] is Author.RUN
    assert script.records[-1][1].approval.nonce == "x"


def test_an_approval_is_used_once(script: Script) -> None:
    """Of two people who decide, one is first."""
    seen = waiting(script)
    approval = pb.Approval(plan="plan")
    script.run(approve(KEY, seen, pb.SignedEnvelope(), approval, "bob", script.world))

    assert isinstance(script.run(approve(KEY, seen, pb.SignedEnvelope(), approval, "eve", script.world)), NotMoved)
    assert isinstance(script.run(reject(KEY, seen, "eve", "no", script.world)), NotMoved)
    assert script.told == ["AWAITING_APPROVAL", "APPROVED"]


@pytest.mark.parametrize(("plan", "later"), [("another", 0.0), ("plan", 61.0)])
def test_only_the_plan_that_waits_is_approved_and_only_in_time(script: Script, plan: str, later: float) -> None:
    """An approval is bound to what was shown, and ends."""
    seen = waiting(script)
    script.time += later

    answer = script.run(approve(KEY, seen, pb.SignedEnvelope(), pb.Approval(plan=plan), "bob", script.world))

    assert isinstance(answer, NotMoved)
    assert script.told == ["AWAITING_APPROVAL"]


def test_a_cancel_wins_before_the_start(script: Script) -> None:
    """Nothing has happened, and nothing will."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    script.answers[Stop] = [None]

    assert isinstance(script.run(cancel(KEY, "ann", "no", script.world)), Moved)
    assert script.told[-1] == "CANCELLED"


def test_a_cancel_after_the_start_asks_the_worker(script: Script) -> None:
    """Only it can say what has happened."""
    started(script)
    script.answers[Stop] = [None]

    assert script.run(cancel(KEY, "ann", "no", script.world)) == Asked()
    assert script.told[-1] == "STARTED"


def test_a_cancel_that_looked_at_the_past_looks_again(script: Script) -> None:
    """Until it sees what it was beaten by."""
    script.write(Author.RUN, S.STATE_RECEIVED)
    past = script.seen
    script.write(Author.BOT, S.STATE_CLAIMED, epoch=1, effect=ONCE)
    script.answers[Read] = [past, past]
    script.answers[Stop] = [None]

    assert isinstance(script.run(cancel(KEY, "ann", "no", script.world)), (Moved, NotMoved))
    assert script.told[-1] == "CANCELLED"


@pytest.mark.parametrize(("happened", "state"), [(True, "RESOLVED_SUCCEEDED"), (False, "RESOLVED_FAILED")])
def test_a_person_says_what_became_of_it(script: Script, happened: bool, state: str) -> None:
    """Once."""
    started(script)
    script.write(Author.REAPER, S.STATE_UNKNOWN)
    seen = script.seen

    assert isinstance(script.run(resolve(KEY, seen, happened, "ann", "looked", script.world)), Moved)
    assert script.told[-1] == state
    assert isinstance(script.run(resolve(KEY, seen, happened, "ann", "looked", script.world)), NotMoved)


def test_what_is_not_unknown_can_not_be_resolved(script: Script) -> None:
    """Nobody else's word stands against the ledger's."""
    started(script)

    assert isinstance(script.run(resolve(KEY, script.seen, True, "ann", "looked", script.world)), NotMoved)


def test_stored_says_where(script: Script) -> None:
    """The sequence is what the next write must follow."""
    assert script.store(Put(KEY, Author.RUN, received(script), 0)) == Stored(1)
