"""Words on a picture: as large as fits, and never outside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bellboard_memes import words

WIDTH, HEIGHT = 744.0, 192.0


@given(st.text(min_size=1, max_size=120).filter(str.strip))
@settings(max_examples=60, deadline=None)
def test_any_words_fit_their_box(said: str) -> None:
    """Whatever is typed stays inside, in letters that can be read."""
    drawn = words.drawable(said.upper())
    size, lines = words.fit(drawn, WIDTH, HEIGHT, 800)

    assert 10 <= size <= 92
    assert lines
    assert len(lines) * size * words.LINE <= HEIGHT + size
    assert all(words._font(size).getlength(line) <= WIDTH * 1.05 for line in lines)


def test_short_words_are_large() -> None:
    """And stand on one line."""
    assert words.fit("YES", WIDTH, HEIGHT, 800) == (92, ["YES"])


def test_no_word_is_lost_while_there_is_room() -> None:
    """Wrapping only moves words."""
    said = "ALL OF THESE WORDS ARE STILL THERE IN THE SAME ORDER"

    assert " ".join(words.fit(said, WIDTH, HEIGHT, 800)[1]) == said


def test_a_word_longer_than_a_line_is_broken() -> None:
    """Nothing of it is lost."""
    assert "".join(words.wrap("W" * 40, 500)) == "W" * 40


def test_what_does_not_fit_is_cut_short() -> None:
    """With an ellipsis."""
    assert words.fit("W" * 2000, WIDTH, 60, 800)[1][-1].endswith("…")


@pytest.mark.parametrize(("typed", "drawn"), [("CAFÉ", "CAFE"), ("ÜBER", "UBER"), ("Ⅷ", "VIII"), ("日", "?"), ("¸", "?")])
def test_letters_the_font_lacks_become_their_nearest(typed: str, drawn: str) -> None:
    """Better than an empty box."""
    assert words.drawable(typed) == drawn


@pytest.mark.parametrize(("top", "bottom", "box"), [("a", "", (0, 0, 800, 210)), ("", "b", (0, 390, 800, 600))])
def test_words_stay_in_their_band(top: str, bottom: str, box: tuple[int, int, int, int]) -> None:
    """Above or below; the middle is the picture's."""
    plain = Image.new("RGB", (800, 600), "teal")
    written = plain.copy()
    words.write(written, top, bottom)

    changed = ImageChops.difference(plain, written).getbbox()
    assert changed is not None
    assert box[0] <= changed[0] < changed[2] <= box[2]
    assert box[1] <= changed[1] < changed[3] <= box[3]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 1000), (1000, 1)])
def test_a_picture_of_a_few_pixels_is_written_on_too(size: tuple[int, int]) -> None:
    """As well as it can be; an icon is a picture."""
    picture = Image.new("RGB", size, "teal")

    words.write(picture, "what I see", "x" * 120)

    assert picture.size == size


def test_no_words_change_nothing() -> None:
    """A template may stand alone."""
    plain = Image.new("RGB", (80, 60), "teal")
    written = plain.copy()
    words.write(written, " ", "")

    assert ImageChops.difference(plain, written).getbbox() is None
