"""What people type is understood, or refused at once."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard import UserError
from bellboard_logs.entries import ERROR, Entry
from bellboard_logs.query import Query, Regex, tokens, understand
from bellboard_logs.store.reader import match

LINE = Entry(10.0, ERROR, "shop", "payment token mismatch for cart-17", service="web", version="v2", env="sandbox")


def query(*typed: str) -> Query:
    words, regexes = understand(typed)
    return Query("shop", 0, 100, words, regexes)


@pytest.mark.parametrize(
    "typed", ["token", "TOKEN", "pay*", "token mismatch", "cart-17", "error", "v2", "/mism.tch/", "/PAY/i"]
)
def test_a_line_is_found(typed: str) -> None:
    """By a word, its beginning, a phrase, its level, who said it, and by a regular expression."""
    assert query(typed).matches(LINE)


@pytest.mark.parametrize("typed", ["tok", "mismatch token", "cart", "warning", "/Token/", "/^token/"])
def test_a_line_is_not_found(typed: str) -> None:
    """A word is a whole word, and a phrase in its order."""
    assert not query(typed).matches(LINE)


def test_a_regular_expression_may_hold_spaces() -> None:
    """It came as several words."""
    words, regexes = understand(["refused", "/timeout", "after", "[89]\\d{3}ms/", "web"])

    assert words == ("refused", "web")
    assert [regex.text for regex in regexes] == ["timeout after [89]\\d{3}ms"]


def test_a_path_is_a_word() -> None:
    """What begins with a slash and never ends with one is no regular expression."""
    assert understand(["/cart/17"]) == (("/cart/17",), ())


@pytest.mark.parametrize("typed", ["/(/", "/a{1000}{1000}/", "/(?P<x>a)(?P=x)/", "/(?=a)/", f"/{'a' * 201}/", "!!!", '"', "*"])
def test_what_can_not_be_looked_for_is_refused(typed: str) -> None:
    """With a cause, and mostly a hint."""
    with pytest.raises(UserError) as caught:
        understand([typed])
    assert caught.value.hint


@settings(max_examples=5000, deadline=None)
@given(st.text(alphabet="()[]{}|*+?.\\^$abdwsp0123456789,:<>=!iLN-", max_size=200))
@pytest.mark.timeout(30)
def test_a_regular_expression_can_not_blow_up(text: str) -> None:
    """It is refused, or matched in time that grows with the line alone."""
    with contextlib.suppress(UserError):
        Regex(text).finds("a" * 16_384)


@given(st.lists(st.text(min_size=1, max_size=40).filter(tokens), min_size=1, max_size=8))
def test_words_are_strings_in_the_language_of_the_index(words: list[str]) -> None:
    """Whatever they hold, no operator of it is left outside of the quotes."""
    outside = match(words).split('"')[::2]

    assert all(part in ("", " AND ", " *", " * AND ") for part in outside)
