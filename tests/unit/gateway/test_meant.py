"""Did you mean: what is offered, and what is left alone."""

from __future__ import annotations

import pytest

from bellboard.grammar import Nowhere, Vocabulary
from bellboard_gateway.house import bot as house
from bellboard_gateway.meant import meant
from tests.unit.contract.making import arg, command, contract

ONCE = 3
BOTS = [
    contract(
        command("deploy", arg("app", position=1), arg("version", position=2), effect=ONCE),
        command("deploy status", method="Status"),
        bot="deploy",
    ),
    contract(command("logs", arg("app", position=1), arg("words", position=2, repeated=True)), bot="logs"),
    contract(command("oncall who", arg("team", position=1, default="home"), aliases=["oncall"]), bot="oncall"),
    contract(command("graph", arg("metric", position=1)), bot="graphs"),
    contract(command("lb drain", arg("server", position=1, default="all"), effect=ONCE), bot="lb"),
    house.contract,
]
VOCABULARY = Vocabulary(BOTS)


def fixed(text: str, *, may: bool = True) -> str:
    return meant(VOCABULARY, text, lambda _: may, lambda line: VOCABULARY.parse(line, Nowhere()))


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("delpoy", "deploy"),
        ("delpoy shop v2", "deploy shop v2"),
        ("depoly status", "deploy status"),
        ("lgos", "logs"),
        ("lgos shop error", "logs shop error"),
        ("oncal who", "oncall who"),
        ("grpah", "graph"),
        ("grpah errors", "graph errors"),
        ("lb darin", "lb drain"),
        ("LB darin web-1", "lb drain web-1"),
        ("  runnnig", "running"),
    ],
)
def test_a_slip_is_put_right(typed: str, right: str) -> None:
    """Letters that changed places, or are missing; what follows is kept."""
    assert fixed(typed) == right


@pytest.mark.parametrize(
    "talk",
    [
        "hello there",
        "hello",
        "held on, I am coming",
        "help",
        "deploys are slow today",
        "the graph is red",
        "done",
        "loud",
        "log",
        "good morning",
        "roll",
        "delpoy",
        "delpoy one two three four five six",
        "grpahs",
        "",
        "   ",
        "lgos\nshop",
        "@ann",
        "D142",
    ],
)
def test_talk_is_left_alone(talk: str) -> None:
    """Other words, other forms of a verb, what could not be run as it would stand, and what one may not run."""
    assert fixed(talk, may=talk != "delpoy") in ("", "help")


def test_nothing_is_offered_that_one_may_not_run() -> None:
    """It would only lead to a refusal."""
    assert fixed("depoly status", may=False) == ""
