"""First come, first served."""

from __future__ import annotations

from bellboard_reaper.turns import Turns

KEY = ("practice", "hill='north'")


def test_the_first_in_line_is_next() -> None:
    """And only the first."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.wait(KEY, "b")

    assert (turns.is_next("a"), turns.is_next("b")) == (True, False)


def test_nobody_is_next_while_one_is_served() -> None:
    """Until that one is out of the way."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.wait(KEY, "b")
    turns.serve("a")

    assert not turns.is_next("b")
    turns.leave("a")
    assert turns.is_next("b")


def test_one_whose_turn_was_taken_keeps_its_place() -> None:
    """Somebody who never waited came between."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.wait(KEY, "b")
    turns.serve("a")
    turns.wait(KEY, "a")

    assert (turns.is_next("a"), turns.is_next("b")) == (True, False)


def test_one_that_gives_up_makes_room() -> None:
    """It was cancelled while it waited."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.wait(KEY, "b")
    turns.leave("a")

    assert turns.is_next("b")


def test_keys_do_not_wait_for_each_other() -> None:
    """Nor do the same words of two bots."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.wait(("memes", KEY[1]), "b")

    assert (turns.is_next("a"), turns.is_next("b")) == (True, True)


def test_nothing_is_kept_of_those_who_left() -> None:
    """Strangers may leave too."""
    turns = Turns()
    turns.wait(KEY, "a")
    turns.serve("a")
    turns.serve("stranger")
    turns.leave("stranger")
    turns.leave("a")

    assert not turns
    assert not turns.is_next("a")
