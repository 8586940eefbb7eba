"""Which characters a command line may hold: nothing that is not seen, and no word that looks like another.

After Unicode Technical Standard 39. Text in any one script is fine; what is refused is a word in which look-alike scripts are
mixed (a Cyrillic "а" within "deploy"), and every character that shows nothing or changes the order of others.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

ZWJ, TEXT_STYLE, EMOJI_STYLE, KEYCAP = "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
_JOINERS = frozenset({ZWJ, TEXT_STYLE, EMOJI_STYLE})
MAX_MARKS = 6
"""The most accents on one letter."""


class Offence(NamedTuple):
    """Where a line holds what it may not hold, why, and what to do about it."""

    start: int
    length: int
    reason: str
    remedy: str


def offence(line: str) -> Offence | None:
    """The first thing in a line that it may not hold. The line's size must be bounded."""
    if line.isascii() and line.isprintable():
        return None
    start = 0
    for word in line.split(" "):
        if not (word.isascii() and word.isprintable()):
            found = _in_word(word)
            if found is not None:
                return found._replace(start=start + found.start)
        start += len(word) + 1
    return None


def clean(line: str) -> str:
    """A line to show, each character that may not be shown replaced by one that says so."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(c if not _traits(c) & _HIDDEN or _stands(line, i, c) else "\ufffd" for i, c in enumerate(line))


def _stands(line: str, index: int, char: str) -> bool:
    return char in _JOINERS and _joins(line[index - 1] if index else "", char, line[index + 1 : index + 2])


def _in_word(word: str) -> Offence | None:
    scripts, marks, before = 0, 0, ""
    for index, char in enumerate(word):
        traits = _traits(char)
        if traits & _HIDDEN:
            if char not in _JOINERS or not _joins(before, char, word[index + 1 : index + 2]):
                return Offence(index, 1, _describe(char), "leave it out" if char not in "\r\n" else "say one line at a time")
        elif traits & _MARK:
            marks += 1
            if marks > MAX_MARKS:
                return Offence(index, 1, "there are too many accents on one letter", "leave some of them out")
        else:
            scripts |= traits
            marks = 0
        before = char
    if scripts & (scripts - 1):  # more than one bit
        return Offence(0, len(word), "the word mixes letters of scripts that look alike", "type the word anew, in one script")
    return None


def _describe(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cc":
        what = "a line break" if char in "\r\n" else "a control character"
    elif (
        unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or char in "\u200e\u200f\u061c"
    ):
        what = "a character that turns the direction of text"
    elif kind == "Cs":
        what = "half a character"
    else:
        what = "a character that can't be seen"
    return f"there is {what} (U+{ord(char):04X}) in the line"


_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that show nothing."""


def _visible(char: str) -> bool:
    kind = unicodedata.category(char)
    if kind == "Cn":
        return 0x1F000 <= ord(char) <= 0x1FAFF  # emoji newer than this Python
    if kind in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} or char in _EMPTY:
        return False
    return not ("\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f")


def _joins(before: str, char: str, after: str) -> bool:
    """Whether a joiner or a style stands within an emoji."""
    if not before:
        return False
    if char != ZWJ:
        return _pictorial(before) or (before in "0123456789#*" and after == KEYCAP)
    return (_pictorial(before) or before == EMOJI_STYLE) and bool(after) and _pictorial(after)


def _pictorial(char: str) -> bool:
    return unicodedata.category(char) in {"So", "Sm", "Sk", "Po", "Cn"} and not char.isascii()


# Where each script begins whose letters pass for Latin ones, and what ends it; 0 is every other script.
_LATIN, _GREEK, _CYRILLIC, _ARMENIAN, _CHEROKEE, _COPTIC, _LISU, _WIDE, _STYLED = (1 << bit for bit in range(9))
_RANGES = (
    (0x41, 0x5A, _LATIN), (0x61, 0x7A, _LATIN), (0xC0, 0x2AF, _LATIN), (0x370, 0x3E1, _GREEK), (0x3E2, 0x3EF, _COPTIC),
    (0x3F0, 0x3FF, _GREEK), (0x400, 0x52F, _CYRILLIC), (0x530, 0x58F, _ARMENIAN), (0x13A0, 0x13FF, _CHEROKEE),
    (0x1C80, 0x1C8F, _CYRILLIC), (0x1D00, 0x1DBF, _LATIN), (0x1E00, 0x1EFF, _LATIN), (0x1F00, 0x1FFF, _GREEK),
    (0x2C60, 0x2C7F, _LATIN), (0x2C80, 0x2CFF, _COPTIC), (0x2DE0, 0x2DFF, _CYRILLIC), (0xA4D0, 0xA4FF, _LISU),
    (0xA640, 0xA69F, _CYRILLIC), (0xA722, 0xA7FF, _LATIN), (0xAB30, 0xAB6F, _LATIN), (0xAB70, 0xABBF, _CHEROKEE),
    (0xFB00, 0xFB06, _LATIN), (0xFB13, 0xFB17, _ARMENIAN), (0xFF21, 0xFF5A, _WIDE), (0x1D400, 0x1D7FF, _STYLED),
)  # fmt: skip
_STARTS = [start for start, _, _ in _RANGES]


_HIDDEN, _MARK = 1 << 30, 1 << 29


@lru_cache(maxsize=8192)
def _traits(char: str) -> int:
    """All that is asked of a character, at the price of one look-up: hidden, or a mark, or the bit of its script."""
    if not _visible(char):
        return _HIDDEN
    return _MARK if unicodedata.combining(char) else _script(char)


def _script(char: str) -> int:
    if not char.isalpha():
        return 0
    start, end, script = _RANGES[bisect_right(_STARTS, ord(char)) - 1]
    return script if start <= ord(char) <= end else 0
