"""Pipes: where a line is parted, and where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard.grammar import join, stages
from bellboard.grammar.words import quote


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("logs shop", ["logs shop"]),
        ("logs shop error | count by pattern | graph", ["logs shop error", "count by pattern", "graph"]),
        ('meme ship-it "a | b"', ['meme ship-it "a | b"']),
        ("meme ship-it top='a | b' | table x", ["meme ship-it top='a | b'", "table x"]),
        ("logs shop /a|b/ | top x", ["logs shop /a|b/", "top x"]),
        ("logs shop don't | top x", ["logs shop don't", "top x"]),
        ("a || b", ["a || b"]),
        ("| a", ["", "a"]),
        ("a |", ["a", ""]),
        ('a "open | b', ['a "open | b']),
    ],
)
def test_a_line_is_parted_at_pipes_outside_quotes(line: str, parts: list[str]) -> None:
    """A pipe is a word of its own."""
    assert stages(line) == parts


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=4), min_size=1, max_size=4))
def test_stages_of_quoted_words_come_back(words: list[list[str]]) -> None:
    """Whatever the words hold."""
    lines = [" ".join(["cmd", *map(quote, line)]) for line in words]

    assert stages(join(lines)) == lines
