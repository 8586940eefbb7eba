"""Where a browser's cursor is in a line."""

from __future__ import annotations

import pytest

from bellboard_gateway.adapters.web_door import characters, units


@pytest.mark.parametrize(
    ("line", "cursor", "before"),
    [
        ("meme list", 4, "meme"),
        ("meme \U0001f680 --o", 7, "meme \U0001f680"),
        ("meme \U0001f680 --o", 11, "meme \U0001f680 --o"),
        ("\U0001f680\U0001f680", 3, "\U0001f680"),
        ("caf\u00e9 \u05e9\u05dc", 6, "caf\u00e9 \u05e9"),
        ("meme", 99, "meme"),
        ("meme", -1, ""),
    ],
)
def test_a_browser_counts_most_emoji_as_two(line: str, cursor: int, before: str) -> None:
    """What is completed behind one has to start where the browser takes it to."""
    assert line[: characters(line, cursor)] == before


def test_there_and_back_is_the_same() -> None:
    """For every place between two characters."""
    line = "meme \U0001f469\u200d\U0001f680 \u201chi\u201d"

    assert [characters(line, units(line[:at])) for at in range(len(line) + 1)] == list(range(len(line) + 1))
