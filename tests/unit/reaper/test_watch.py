"""What the reaper makes of records and heartbeats."""

from __future__ import annotations

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.ledger.ops import timestamp
from bellboard.ledger.reap import Observed
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard_reaper.watch import ALIVE, Watch

KEY = Key("ops-work", "practice", "one")
ENVELOPE = pb.SignedEnvelope(envelope=pb.Envelope(id="one", not_after=timestamp(500)).SerializeToString())


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> Watch:
    """What a reaper knows."""
    return Watch(clock)


def received(watch: Watch, key: Key = KEY, sequence: int = 1) -> None:
    watch.take(key, Author.RUN, pb.Record(state=S.STATE_RECEIVED, command=ENVELOPE), sequence)


def started(watch: Watch, worker: str = "practice-1", epoch: int = 1) -> None:
    received(watch)
    watch.take(KEY, Author.BOT, pb.Record(state=S.STATE_STARTED, worker=worker, epoch=epoch, started=True), 2)


def beat(replica: str = "practice-1", id: str = "one", epoch: int = 1, draining: bool = False) -> registry.Heartbeat:
    return registry.Heartbeat(
        bot="practice", replica=replica, in_flight=[registry.InFlight(id=id, epoch=epoch)] if id else [], draining=draining
    )


def only(watch: Watch) -> Observed:
    ((_, seen),) = watch.observed()
    return seen


def test_time_is_counted_from_the_newest_record(watch: Watch, clock: Clock) -> None:
    """By the reaper's own clock."""
    received(watch)
    clock.now += 3
    started(watch)
    clock.now += 4

    assert (only(watch).still, only(watch).orphaned, only(watch).not_after) == (4, 4, 500)


def test_a_beat_of_its_worker_says_that_it_is_in_hand(watch: Watch, clock: Clock) -> None:
    """The record still stands where it stood."""
    started(watch)
    clock.now += 4
    watch.hear(beat())
    clock.now += 1

    assert (only(watch).still, only(watch).orphaned, only(watch).served) == (5, 1, True)


@pytest.mark.parametrize(
    "other",
    [beat("practice-2"), beat(epoch=0), beat(epoch=2), beat(id="two"), beat(id="")],
    ids=["another replica", "not claimed", "another attempt", "another command", "idle"],
)
def test_no_other_beat_does(watch: Watch, clock: Clock, other: registry.Heartbeat) -> None:
    """Somebody who only looks at the command does not have it."""
    started(watch)
    clock.now += 4
    watch.hear(other)

    assert only(watch).orphaned == 4


def test_any_worker_may_have_what_nobody_claimed(watch: Watch, clock: Clock) -> None:
    """A READ runs without a claim."""
    received(watch)
    clock.now += 4
    watch.hear(beat("practice-7"))

    assert only(watch).orphaned == 0


def test_a_bot_is_served_while_somebody_beats(watch: Watch, clock: Clock) -> None:
    """Not by those who leave, nor by those who fell silent."""
    received(watch)
    assert not only(watch).served
    watch.hear(beat(id=""))
    assert only(watch).served
    watch.hear(beat(id="", draining=True))
    assert not only(watch).served
    watch.hear(beat(id=""))
    clock.now += ALIVE
    assert not only(watch).served


def test_after_a_gap_every_clock_starts_again(watch: Watch, clock: Clock) -> None:
    """What was not heard says nothing."""
    started(watch)
    watch.hear(beat())
    clock.now += 60
    watch.begin_anew()

    assert (only(watch).still, only(watch).orphaned, only(watch).served) == (0, 0, True)


def test_what_is_final_is_told_and_forgotten(watch: Watch) -> None:
    """With all its records, for its trace."""
    started(watch)
    told = watch.take(KEY, Author.BOT, pb.Record(state=S.STATE_SUCCEEDED), 3)

    assert [(entry.sequence, entry.author) for entry in told] == [(1, "run"), (2, "bot"), (3, "bot")]
    assert len(watch) == 0
    assert not list(watch.observed())


def test_what_is_unknown_is_told_and_kept(watch: Watch) -> None:
    """Others may wait for it, but there is nothing to judge; it is told again when it is resolved."""
    started(watch)
    first = watch.take(KEY, Author.REAPER, pb.Record(state=S.STATE_UNKNOWN), 3)
    assert (len(first), len(watch), list(watch.observed())) == (3, 1, [])

    second = watch.take(KEY, Author.BOT, pb.Record(state=S.STATE_RESOLVED_SUCCEEDED), 4)
    assert (len(second), len(watch)) == (4, 0)


def test_no_command_begins_with_a_bots_word(watch: Watch) -> None:
    """A bot that writes of commands nobody called fills no memory."""
    watch.take(KEY, Author.BOT, pb.Record(state=S.STATE_STARTED), 1)

    assert len(watch) == 0


def test_a_turn_comes_when_its_holder_is_out_of_the_way(watch: Watch, clock: Clock) -> None:
    """Not before, and for one at a time."""
    started(watch)
    for number, id in enumerate(("two", "three")):
        key = Key("ops-work", "practice", id)
        received(watch, key, 10 + number)
        queued = pb.Record(state=S.STATE_QUEUED, turn=pb.Turn(key="hill", holder="one"))
        watch.take(key, Author.BOT, queued, 20 + number)
    clock.now += 5
    assert not any(seen.holder_done for _, seen in watch.observed())

    watch.take(KEY, Author.REAPER, pb.Record(state=S.STATE_UNKNOWN), 30)
    assert not any(seen.holder_done for _, seen in watch.observed())

    watch.take(KEY, Author.GATEWAY, pb.Record(state=S.STATE_RESOLVED_FAILED), 31)
    assert {one.key.id: seen.holder_done for one, seen in watch.observed()} == {"two": True, "three": False}
    assert {seen.queued for _, seen in watch.observed()} == {5}


def test_a_bot_that_writes_under_another_bots_command_is_not_listened_to(watch: Watch, clock: Clock) -> None:
    """A lost worker's command would be forgotten, and nobody would ever hear that it is UNKNOWN."""
    started(watch)
    forged = pb.Record(state=S.STATE_SUCCEEDED, epoch=1)
    assert watch.take(Key("ops-work", "other", "one"), Author.BOT, forged, 3) == []
    clock.now += 30
    seen = only(watch)
    assert (seen.record.state, seen.sequence, seen.still) == (S.STATE_STARTED, 2, 30)


def test_what_a_command_answered_is_not_kept(watch: Watch) -> None:
    """Thousands of large answers may wait for a collector that is slow."""
    started(watch)
    done = pb.Record(state=S.STATE_SUCCEEDED, epoch=1, outcome=pb.Outcome(result=b"x" * 100_000, attempt="a"))
    told = watch.take(KEY, Author.BOT, done, 3)
    assert sum(entry.record.ByteSize() for entry in told) < 1000
    assert told[-1].record.outcome.attempt == "a"
    assert not told[0].record.HasField("outcome")
