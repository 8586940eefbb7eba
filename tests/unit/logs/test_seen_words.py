"""Which patterns a pasted error is told by."""

from __future__ import annotations

from bellboard_logs.drain import OTHER
from bellboard_logs.seen import Kind, alike, words_of


def kinds(*templates: str) -> list[Kind]:
    return [Kind(number, "shop", template, 0.0) for number, template in enumerate(templates, 1)]


def told(error: str, *templates: str) -> list[str]:
    return [kind.template for kind in alike(words_of(error), kinds(*templates))]


def test_the_words_of_a_pattern_stand_in_a_row() -> None:
    """What differs is any one word; what is between is not left out."""
    assert told("ERROR payment of order 12 failed", "payment of <*> <*> failed") == ["payment of <*> <*> failed"]
    assert told("payment of failed", "payment of <*> <*> failed") == []
    assert told("payment x of order 12 failed", "payment of <*> <*> failed") == []


def test_the_pattern_that_says_most_comes_first() -> None:
    """A stack trace may hold several."""
    error = "Traceback (most recent call last):\n  File x\nKeyError: 'payment-token' of the order"

    assert told(error, "KeyError: 'payment-token' of the order", "Traceback (most recent call last):")[0].startswith("KeyError")


def test_a_pattern_that_says_little_tells_nothing() -> None:
    """Nor does what stands for all the others."""
    assert told("a failed b (other) of c", "<*> failed <*>", "of <*>", OTHER, "<*> <*>") == []


def test_the_message_of_a_line_in_json_counts() -> None:
    """Not its other fields."""
    assert words_of('{"msg": "it went wrong", "level": "error"}\nat once') == ["it", "went", "wrong", "at", "once"]
    assert words_of("{not json}") == ["{not", "json}"]
