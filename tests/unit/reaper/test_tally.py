"""What the reaper counts for metrics."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from bellboard import replies
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.ops import timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard.telemetry.trace import Entry
from bellboard_reaper.tally import Tally, failure_code, is_fault
from bellboard_reaper.watch import Watched

ONCE = options.EFFECT_ONCE


@pytest.fixture
def tally() -> Tally:
    """Nothing is counted so far, of whatever bot a test makes up."""
    return Tally()


@pytest.fixture
def bot(request: pytest.FixtureRequest) -> str:
    """A name that no other test counts for."""
    return f"b-{abs(hash(request.node.name))}"


def value(metric: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"bellboard_{metric}", labels)


def entries(*states: pb.State.ValueType) -> list[Entry]:
    return [Entry(n, Author.BOT, pb.Record(state=state, effect=ONCE)) for n, state in enumerate(states, 1)]


def test_a_bot_that_is_heard_of_stands_at_nought(tally: Tally, bot: str) -> None:
    """Else the first command that is UNKNOWN would be no rise, and no alert."""
    tally.hear(bot)

    assert value("ledger_begun_total", bot=bot) == 0
    assert value("ledger_ended_total", bot=bot, effect="ONCE", state="UNKNOWN", fault="yes") == 0


def test_what_ended_is_counted_by_how_it_ended(tally: Tally, bot: str) -> None:
    """By bot, effect and state, whoever wrote the record."""
    tally.ended(Key("ops-work", bot, "one"), entries(S.STATE_RECEIVED, S.STATE_STARTED, S.STATE_UNKNOWN), "")
    tally.ended(Key("ops-work", bot, "one"), entries(S.STATE_UNKNOWN, S.STATE_RESOLVED_SUCCEEDED), "")

    assert value("ledger_ended_total", bot=bot, effect="ONCE", state="UNKNOWN", fault="yes") == 1
    assert value("ledger_ended_total", bot=bot, effect="ONCE", state="RESOLVED_SUCCEEDED", fault="no") == 1


@pytest.mark.parametrize(
    ("state", "before", "code", "fault"),
    [
        (S.STATE_SUCCEEDED, S.STATE_RECEIVED, "", False),
        (S.STATE_DENIED, S.STATE_UNSPECIFIED, "", False),
        (S.STATE_CANCELLED, S.STATE_STARTED, "", False),
        (S.STATE_FAILED, S.STATE_STARTED, "user", False),
        (S.STATE_FAILED, S.STATE_STARTED, "failed", False),
        (S.STATE_FAILED, S.STATE_RECEIVED, "bad_request", False),
        (S.STATE_FAILED, S.STATE_STARTED, "provider", True),
        (S.STATE_FAILED, S.STATE_RECEIVED, "internal", True),
        (S.STATE_FAILED, S.STATE_STARTED, "deadline", True),
        (S.STATE_UNKNOWN, S.STATE_STARTED, "", True),
        (S.STATE_EXPIRED, S.STATE_RECEIVED, "", True),
        (S.STATE_EXPIRED, S.STATE_AWAITING_APPROVAL, "", False),
        (S.STATE_EXPIRED, S.STATE_QUEUED, "", False),
        (S.STATE_TOMBSTONE, S.STATE_UNSPECIFIED, "", True),
    ],
)
def test_only_what_broke_or_was_lost_is_a_fault(
    state: pb.State.ValueType, before: pb.State.ValueType, code: str, fault: bool
) -> None:
    """A person's slip, a rollback, and an approval that nobody gave are answers."""
    assert is_fault(state, before, code) is fault


def test_the_code_of_a_failure_is_found_in_its_answer() -> None:
    """Wherever it stands among the blocks; a success has none."""
    failed = pb.Outcome(reply=replies.reply(replies.text("tried"), replies.failure("broke", code="provider")))

    assert failure_code(pb.Record(state=S.STATE_FAILED, outcome=failed)) == "provider"
    assert failure_code(pb.Record(state=S.STATE_SUCCEEDED)) == ""


def test_what_is_open_is_told_by_stage_with_the_age_of_the_oldest_that_waits(tally: Tally, bot: str) -> None:
    """It is what an autoscaler goes by; what is gone is 0, not missing."""

    def one(state: pb.State.ValueType, at: float) -> Watched:
        return Watched(Key("ops-work", bot, f"{state}{at}"), pb.Record(state=state, at=timestamp(at)), 1, 0.0, 0.0)

    tally.open([one(S.STATE_RECEIVED, 90), one(S.STATE_READY, 70), one(S.STATE_STARTED, 10), one(S.STATE_UNKNOWN, 1)], 100.0)

    assert value("open_commands", bot=bot, stage="waiting") == 2
    assert value("open_commands", bot=bot, stage="running") == 1
    assert value("open_commands", bot=bot, stage="unknown") == 1
    assert value("open_commands", bot=bot, stage="approval") == 0
    assert value("oldest_waiting_seconds", bot=bot) == 30

    tally.open([], 200.0)

    assert value("open_commands", bot=bot, stage="waiting") == 0
    assert value("oldest_waiting_seconds", bot=bot) == 0
