"""Words of people and programs as Markdown, such that nothing in them is taken for markup. Pure.

CommonMark with GitHub's tables. What a backslash could not escape alike everywhere, in a cell of a table too, is written as a
character reference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_ESCAPED = re.compile(r"[`*_\[\]<>~]")
_REFERRED = {"\\": "&#92;", "|": "&#124;", "&": "&amp;"}
_BEGINS_BLOCK = re.compile(r"[#+=:-]")
_CLOSES_HEADING = re.compile(r"(?<!\S)#+$")
_NUMBERED = re.compile(r"([0-9]{1,9})([.)])")
_PLAIN_CODE = re.compile(r"[^`|\\]+")
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_UNSHOWN = frozenset(("Cc", "Cs", "Co", "Cn"))


def one_line(words: str) -> str:
    """Words in one line, without what is not shown or turns the direction of what follows."""
    shown = (char for char in words if char not in _DIRECTIONS)
    spaced = (" " if char.isspace() or unicodedata.category(char) in _UNSHOWN else char for char in shown)
    return " ".join("".join(spaced).split())


def text(words: str) -> str:
    """Words in the middle of a line or in a cell."""
    said = "".join(_REFERRED.get(char, char) for char in one_line(words))
    return _CLOSES_HEADING.sub(r"\\\g<0>", _ESCAPED.sub(lambda found: f"\\{found[0]}", said))


def begin(words: str) -> str:
    """Words at the beginning of a line or of an item, where they could begin a heading, a list or a rule."""
    said = text(words)
    if _BEGINS_BLOCK.match(said):
        return f"\\{said}"
    return _NUMBERED.sub(r"\1\\\2", said, count=1) if _NUMBERED.match(said) else said


def code(line: str) -> str:
    """A command as code; where it holds what can't be code everywhere, as words."""
    said = one_line(line)
    return f"`{said}`" if _PLAIN_CODE.fullmatch(said) else text(said)


def link(words: str, url: str) -> str:
    """A link; the words alone where there is no address."""
    return f"[{text(words)}]({_address(url)})" if url else text(words)


def image(words: str, url: str) -> str:
    """A picture by its address."""
    return f"![{text(words)}]({_address(url)})"


def _address(url: str) -> str:
    return quote(url, safe="/:?#=&%+,;@~.-_!$'")


def item(words: str, *, open: bool = False) -> str:
    """An item of a list, of what is written already; ``open`` with a box to tick."""
    return f"- {'[ ] ' if open else ''}{words}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are written already."""
    lines = [_row(heads), _row(["---"] * len(heads)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def blank(words: str) -> str:
    """What people are to fill in, by words of ours."""
    return f"*{words}*"
