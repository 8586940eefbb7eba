"""Ids follow from the message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bellboard.ids import child_id, command_id

Parts = tuple[str, str, str, str, int, int, int]
PARTS = st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(0), st.integers(0), st.integers(0))


def test_a_message_sent_again_is_the_same_command() -> None:
    """A chat system's retry changes nothing. The value is fixed: ids are kept for ever."""
    assert command_id("web", "home", "general", "m1") == command_id("web", "home", "general", "m1", 0, 0, 0)
    assert command_id("web", "home", "general", "m1") == "zxdwx2itii2oe7eq4ru5cal7tq"


@given(PARTS, PARTS)
def test_two_messages_are_two_commands(one: Parts, other: Parts) -> None:
    """Every part counts, and none runs into the next."""
    assert (command_id(*one) == command_id(*other)) == (one == other)


@given(PARTS)
def test_an_id_can_stand_in_a_subject(parts: Parts) -> None:
    """26 characters of a-z and 2-7, whatever the message's id holds."""
    made = command_id(*parts)

    assert len(made) == 26
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_parts_do_not_run_together() -> None:
    """A room "a" and a message "bc" are not a room "ab" and a message "c"."""
    assert command_id("w", "h", "a", "bc") != command_id("w", "h", "ab", "c")


def test_a_child_has_an_id_of_its_own_for_each_ordinal() -> None:
    """Asking again with the same number is the same child, and no message can be made to look like one."""
    parent = command_id("web", "home", "general", "m1")

    assert child_id(parent, 0) == child_id(parent, 0)
    assert len({parent, child_id(parent, 0), child_id(parent, 1), command_id(parent, "0", "", "")}) == 4
