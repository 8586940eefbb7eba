"""Stages and gates: what is typed, and what a reading means."""

from __future__ import annotations

import pytest

from bellboard import UserError
from bellboard_deploy.gates import Judgement, read_gates, read_stages
from bellboard_deploy.providers import Reading


def judged(gate: str, value: float | None, requests: int = 100) -> Judgement:
    return read_gates([gate])[0].judge(Reading(value, "asked", requests))


@pytest.mark.parametrize(
    ("gate", "value", "judgement"),
    [
        ("errors<5%", 4.9, Judgement.HOLDS),
        ("errors<5%", 5.0, Judgement.BROKEN),
        ("p95<300ms", 0.299, Judgement.HOLDS),
        ("p95<0.3s", 0.31, Judgement.BROKEN),
        ("rps>1", 2.0, Judgement.HOLDS),
        ("rps>1", 0.5, Judgement.BROKEN),
        ("Errors < 5%", None, Judgement.NO_DATA),
        ("errors<5%", float("nan"), Judgement.NO_DATA),
    ],
)
def test_a_reading_is_judged_in_the_gates_own_unit(gate: str, value: float | None, judgement: Judgement) -> None:
    """A limit that is reached is broken, and no data is neither."""
    assert judged(gate, value) is judgement


def test_a_share_of_few_requests_says_nothing() -> None:
    """One failed request of one is no 100 percent."""
    assert judged("errors<5%", 100.0, requests=9) is Judgement.NO_DATA
    assert judged("errors<5%", 100.0, requests=10) is Judgement.BROKEN


def test_one_failure_is_no_rate() -> None:
    """A good version is not sent back for one stray error among its first requests."""
    assert judged("errors<5%", 10.0, requests=10) is Judgement.HOLDS
    assert judged("errors<5%", 20.0, requests=10) is Judgement.BROKEN


def test_without_a_gate_there_is_the_usual_one() -> None:
    """And none only if that is said."""
    assert [gate.text for gate in read_gates([])] == ["errors<5%"]
    assert read_gates(["none"]) == ()


@pytest.mark.parametrize(
    "text", ["", "errors", "errors<5ms", "p95<3", "errors=5%", "errors<5%; rm -rf", "x" * 1000, "errors<٥%"]
)
def test_what_is_no_gate_is_refused(text: str) -> None:
    """With one that is."""
    with pytest.raises(UserError, match="is no gate"):
        read_gates([text])


@pytest.mark.parametrize(
    ("text", "stages"), [("10,50,100", (10, 50, 100)), ("10", (10, 100)), ("100", (100,)), (" 5 %, 20% ", (5, 20, 100))]
)
def test_stages_go_up_to_all_of_it(text: str, stages: tuple[int, ...]) -> None:
    """Whether the last is typed or not."""
    assert read_stages(text) == stages


@pytest.mark.parametrize(
    "text", ["", ",", "50,10", "0,100", "101", "-5", "1e2", "10,10", ",".join(map(str, range(1, 40))), "٥"]
)
def test_what_are_no_stages_are_refused(text: str) -> None:
    """They go up, from 1 to 100."""
    with pytest.raises(UserError):
        read_stages(text)
