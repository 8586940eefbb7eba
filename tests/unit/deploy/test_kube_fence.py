"""The fence on an object: a repeat is told from what is new, and what is late from what comes next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_deploy.kubernetes.fence import FENCE, REMEMBERED, Fence
from bellboard_deploy.model import Order
from bellboard_deploy.providers import Taken

ANN, BOB = Order("ann's", "ann", 100.0, act=1), Order("bob's", "bob", 200.0, act=1)


def after(*orders: Order, last: bool = False) -> Fence:
    """The fence of an object that was changed for these orders."""
    fence = Fence()
    for order in orders:
        assert fence.admits(order, last=last) == "next"
        fence = fence.after(order, last=last)
    return fence


def test_what_was_done_is_recognised() -> None:
    """The same act of the same command: it need not be done again."""
    assert after(ANN).admits(ANN, last=False) == "done"


def test_an_earlier_act_of_the_same_command_is_refused() -> None:
    """A worker that was slow comes after the one that took over."""
    fence = after(ANN, replace(ANN, act=2))
    with pytest.raises(Taken, match="a later act"):
        fence.admits(ANN, last=False)


def test_a_command_after_which_another_came_is_refused() -> None:
    """Whatever act it is at: the bus may have forgotten how far it was, and counts anew."""
    fence = after(ANN, BOB)
    for act in (0, 1, 99):
        with pytest.raises(Taken, match="another command"):
            fence.admits(replace(ANN, act=act), last=False)
        with pytest.raises(Taken, match="another command"):
            fence.held(replace(ANN, act=act))


def test_a_command_that_is_over_is_not_carried_out_again() -> None:
    """Its last act may be said again; nothing else of it may."""
    fence = after(ANN, last=True)
    assert fence.admits(replace(ANN, act=7), last=True) == "done"
    with pytest.raises(Taken, match="already"):
        fence.admits(replace(ANN, act=7), last=False)


def test_one_that_waited_long_is_let_in() -> None:
    """Such as for an approval: that its line came in before another's says nothing."""
    assert after(BOB).admits(ANN, last=False) == "next"


def test_what_is_older_than_all_that_is_remembered_is_refused() -> None:
    """It may well be one of those that are forgotten."""
    many = [Order(f"c{number}", "ann", 1000.0 + number) for number in range(REMEMBERED + 2)]
    fence = after(*many)
    with pytest.raises(Taken):
        fence.admits(many[0], last=False)
    with pytest.raises(Taken):
        fence.admits(Order("unknown", "ann", 1000.0), last=False)
    assert fence.admits(Order("unknown", "ann", 1001.5), last=False) == "next"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"command": 1}', '{"command":"c","act":"x","at":0,"over":0,"past":[]}']
)
def test_one_that_somebody_wrote_by_hand_is_none(text: str) -> None:
    """A deploy is not kept from an object for good by what stands there."""
    assert Fence.of({FENCE: text}) == Fence()


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()),
        max_size=12,
    )
)
def test_it_is_read_as_it_was_written_and_lets_no_command_in_twice(asked: list[tuple[str, int, bool]]) -> None:
    """Whatever comes in which order: after another command has come in, the one before it never does again."""
    fence, gone = Fence(), set[str]()
    for command, act, last in asked:
        order = Order(command, "ann", 1.0, act)
        before = fence.command
        try:
            if fence.admits(order, last=last) == "next":
                assert command not in gone
                fence = fence.after(order, last=last)
        except Taken:
            continue
        if before and before != fence.command:
            gone.add(before)
        assert Fence.of({FENCE: fence.text()}) == fence
