"""Words on a picture: large, outlined, as large as fits."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

LARGEST, SMALLEST = 0.115, 0.035
"""Bounds of the letters' size, as shares of the picture's width."""

BAND = 0.32
"""The share of the picture's height that the words above, and those below, may cover."""

MARGIN = 0.035
LINE = 1.1
_MEASURE = 100


def write(picture: Image.Image, top: str, bottom: str) -> None:
    """Put words on an RGB picture, in place."""
    for words, below in ((top, False), (bottom, True)):
        if words.strip():
            _write(picture, drawable(words.upper()), below=below)


def _write(picture: Image.Image, words: str, *, below: bool) -> None:
    width, height = picture.size
    size, lines = fit(words, width * (1 - 2 * MARGIN), height * BAND, width)
    font, draw = _font(size), ImageDraw.Draw(picture)
    outline, bold = max(2, round(size / 9)), max(1, round(size / 36))
    first = height * MARGIN + size * 0.8
    if below:
        first = height * (1 - MARGIN) - size * 0.08 - (len(lines) - 1) * size * LINE
    spots = [((width / 2, first + i * size * LINE), line) for i, line in enumerate(lines)]
    for spot, line in spots:
        draw.text(spot, line, "black", font, anchor="ms", stroke_width=outline, stroke_fill="black")
    for spot, line in spots:
        draw.text(spot, line, "white", font, anchor="ms", stroke_width=bold, stroke_fill="white")


def drawable(words: str) -> str:
    """The same words in the letters that the font has: É becomes E, and what can't be drawn becomes a question mark."""
    return "".join(letter if _has(letter) else _nearest(letter) for letter in words)


def _nearest(letter: str) -> str:
    kept = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return kept if kept.strip() and all(_has(part) for part in kept) else "?"


@lru_cache(maxsize=4096)
def _has(letter: str) -> bool:
    """Whether the font has a letter: a missing one looks like every other missing one."""
    font = _font(_MEASURE)
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))


def fit(words: str, width: float, height: float, picture: float) -> tuple[int, list[str]]:
    """The largest size in pixels, and the lines, with which words fit in a box.

    Words too long even in the smallest letters are cut short with an ellipsis.
    """
    size, smallest = max(1, int(picture * LARGEST)), max(10, int(picture * SMALLEST))
    while True:
        lines = wrap(words, width * _MEASURE / size)
        room = max(1, int(height / (size * LINE)))
        if len(lines) <= room:
            return size, lines
        if size <= smallest:
            return size, [*lines[: room - 1], lines[room - 1][:-1] + "…"]
        size = max(smallest, int(size * 0.93))


def wrap(words: str, width: float) -> list[str]:
    """Break words into lines of a width, given for letters of 100 pixels. A word longer than a line is broken too."""
    lines: list[str] = []
    line = ""
    for word in words.split():
        if line and _length(f"{line} {word}") > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while _length(line) > width and len(line) > 1:
            cut = max(1, next((i for i in range(1, len(line)) if _length(line[: i + 1]) > width), len(line)))
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line else lines


def _length(line: str) -> float:
    return _font(_MEASURE).getlength(line)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
