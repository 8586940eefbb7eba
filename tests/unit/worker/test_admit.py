"""What is delivered to a bot is a command for it, or it is not run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.envelope import Signer, Verifier
from bellboard.ledger.state import S
from bellboard.worker import Admission
from bellboard.worker.admit import KEY_PATIENCE, MAX_BYTES, Foreign, Order, Refusal
from bellboard_practice.bot import bot
from bellboard_practice.v1 import practice_pb2

SIGNER = Signer("gw-1", os.urandom(32))
ADMISSION = Admission(
    bot.contract, Verifier({"gw-1": SIGNER.public}), team="home", replica="practice-1", box_key=os.urandom(32)
)


@dataclass
class Delivered:
    subject: str
    payload: bytes
    sequence: int = 7
    deliveries: int = 1


def envelope(**fields: Any) -> pb.Envelope:
    said: dict[str, Any] = {
        "id": "one",
        "team": "home",
        "bot": "practice",
        "method": "Climb",
        "digest": bot.contract.digest,
        "lane": "ops-work",
        "request": practice_pb2.ClimbRequest(hill="north").SerializeToString(),
    }
    return pb.Envelope(**{**said, **fields})


def look(made: pb.Envelope, *, subject: str = "led.ops-work.practice.one.run", deliveries: int = 1) -> Any:
    record = pb.Record(state=S.STATE_RECEIVED, command=SIGNER.sign(made))
    return ADMISSION.look(Delivered(subject, record.SerializeToString(), deliveries=deliveries))


def test_a_command_becomes_a_job() -> None:
    """With all that its procedure needs to know."""
    order = look(envelope())

    assert isinstance(order, Order)
    assert (order.job.worker, order.job.sequence, order.job.fresh) == ("practice-1", 7, True)
    assert order.job.effect == options.EFFECT_ONCE
    assert [name for name, _ in order.job.steps] == ["boots", "rope", "top"]
    assert order.job.turn == "hill='north'"
    assert order.verb == "practice climb"


def test_a_second_delivery_is_not_fresh() -> None:
    """Somebody else may have had it."""
    assert not look(envelope(), deliveries=2).job.fresh


def test_a_preview_has_no_effect_no_steps_and_no_turn() -> None:
    """It only shows."""
    job = look(envelope(preview=True)).job

    assert (job.effect, job.steps, job.turn) == (options.EFFECT_READ, (), "")


def test_a_rehearsal_holds_up_nothing_that_is_for_real() -> None:
    """Rehearsals take turns among themselves."""
    job = look(envelope(rehearsal=True)).job

    assert job.turn == "rehearsal hill='north'"


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("led.ops-work.practice.two.run", "envelope"),
        ("led.ops-read.practice.one.run", "lane"),
        ("led.ops-work.memes.one.run", "state"),
        ("led.ops-work.practice.one.bot", "state"),
        ("led.ops-work.practice.one", "garbage"),
        ("led.ops-work.practice.one.nobody", "garbage"),
    ],
)
def test_a_command_in_the_wrong_place_is_refused(subject: str, reason: str) -> None:
    """A signature holds for one place alone."""
    refusal = look(envelope(), subject=subject)

    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


def test_a_command_of_another_team_is_refused() -> None:
    """Though the key is trusted."""
    assert look(envelope(team="away")).reason == "envelope"


def test_size_is_checked_before_anything_is_read() -> None:
    """One byte too many."""
    assert ADMISSION.look(Delivered("led.ops-work.practice.one.run", bytes(MAX_BYTES + 1))) == Refusal(
        "size", f"{MAX_BYTES + 1} bytes"
    )


def test_another_contract_is_anothers() -> None:
    """A newer replica may know it."""
    assert look(envelope(digest="f" * 16)) == Foreign(ADMISSION_KEY, "f" * 16)


def test_a_key_that_is_not_known_may_become_so() -> None:
    """Gateways that were given new keys sign at once; what they sign is handed back until their keys are known, or for good."""
    signed = Signer("gw-1.2", os.urandom(32)).sign(envelope())
    payload = pb.Record(state=S.STATE_RECEIVED, command=signed).SerializeToString()
    subject = "led.ops-work.practice.one.run"
    assert ADMISSION.look(Delivered(subject, payload, deliveries=1)) == Foreign(ADMISSION_KEY, "gw-1.2", "key")
    refused = ADMISSION.look(Delivered(subject, payload, deliveries=KEY_PATIENCE + 1))
    assert isinstance(refused, Refusal)
    assert refused.reason == "envelope"


ADMISSION_KEY = look(envelope()).job.key


@pytest.mark.parametrize("fields", [{"method": "Nothing"}, {"request": b"\xff"}, {"sealed": b"no seal"}], ids=str)
def test_what_was_signed_but_can_not_be_run_says_why(fields: dict[str, Any]) -> None:
    """It becomes a job that fails, so that the person hears of it."""
    order = look(envelope(**fields))

    assert isinstance(order, Order)
    assert order.request is None
    assert order.wrong


@given(st.binary(max_size=400), st.text(max_size=40))
def test_no_bytes_and_no_subject_break_it(payload: bytes, subject: str) -> None:
    """Nothing that is not signed is ever run."""
    assert isinstance(ADMISSION.look(Delivered("led.ops-work.practice.one.run", payload)), Refusal)
    assert isinstance(ADMISSION.look(Delivered(subject, payload)), Refusal)
