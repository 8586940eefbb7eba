"""A line as words: shell-like quoting, one word at a time, because the rest of a line is not words at all."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import NamedTuple

from .errors import NotUnderstood


class Word(NamedTuple):
    """One word of a line: its text without quotes, and where it stands.

    ``name=value`` and ``--name=value`` come apart; ``name`` is empty for every other word, and ``value`` is its text.
    """

    text: str
    start: int
    end: int
    quoted: bool
    name: str
    value: str


class Words:
    """Reads a normalised line from left to right. ``question`` tells that a ``?`` ended it, which is no part of a word."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.at = 0
        self.question = False

    def peek(self) -> str:
        """The next word as typed, up to a space, without reading it; empty at the end."""
        line, at = self.line, self.at
        while at < len(line) and line[at] == " ":
            at += 1
        self.at = at
        end = line.find(" ", at)
        return line[at:] if end < 0 else line[at:end]

    def skip(self, count: int) -> None:
        """Pass over words that are not quoted, a ``?`` at the end of the line seen."""
        for _ in range(count):
            word = self.peek()
            self.at += len(word)
        self.question = self.at == len(self.line) and self.line.endswith("?")

    def next(self, raw: str = "") -> Word | None:
        """The next word, or None at the end. ``raw`` is that word as just peeked at.

        Raises:
            NotUnderstood: a quote is not closed, or stands within a word.
        """
        raw = raw or self.peek()
        if not raw:
            return None
        start = self.at
        if raw[0] in "\"'":
            text = self._quoted(start)
            return Word(text, start, self.at, True, "", text)
        name, equals, value = raw.partition("=")
        if equals and _is_name(name):
            if value[:1] in ('"', "'"):
                value = self._quoted(start + len(name) + 1)
                return Word(f"{name}={value}", start, self.at, False, name, value)
        else:
            name, value = "", raw
        if '"' in raw:
            where = start + raw.index('"')
            raise NotUnderstood(
                "a quote stands within a word",
                line=self.line,
                caret=where,
                suggestion="put a space before it, or quote the whole",
            )
        self.at = end = start + len(raw)
        if raw[-1] == "?" and end == len(self.line):
            self.question = True
            raw, value = raw.rstrip("?"), value.rstrip("?")
            if not raw:
                return None
        return Word(raw, start, start + len(raw), False, name, value)

    def _quoted(self, start: int) -> str:
        """The text between the quote at ``start`` and its fellow; reading goes on behind that."""
        line, quote = self.line, self.line[start]
        if quote == "'":
            end = line.find("'", start + 1)
            text = line[start + 1 : end]
        else:
            text, end = self._escaped(start + 1)
        if end < 0:
            hint = "close it, or put the whole in double quotes" if quote == "'" else 'close it with "'
            fixed = "" if quote == "'" or line.endswith("\\") else line + quote
            length = len(line) - start
            raise NotUnderstood(
                "the quote is not closed", line=line, caret=start, length=length, suggestion=hint, corrected=fixed
            )
        after = line[end + 1 : end + 2]
        if after == "?" and not line[end + 1 :].strip("?"):
            self.question = True
            self.at = len(line)
        elif after in ("", " "):
            self.at = end + 1
        else:
            hint = "put what holds an apostrophe in double quotes" if quote == "'" else 'write \\" for a quote within quotes'
            raise NotUnderstood("a space is missing after the quote", line=line, caret=end + 1, suggestion=hint)
        return text

    def _escaped(self, start: int) -> tuple[str, int]:
        """The text up to a double quote, ``\\"`` and ``\\\\`` resolved, and where that quote is (-1: nowhere)."""
        line = self.line
        end = line.find('"', start)
        if end < 0 or "\\" not in line[start:end]:
            return line[start:end], end
        out: list[str] = []
        at = start
        while at < len(line):
            char = line[at]
            if char == '"':
                return "".join(out), at
            if char == "\\" and line[at + 1 : at + 2] in ('"', "\\"):
                at += 1
                char = line[at]
            out.append(char)
            at += 1
        return "", -1


def _is_name(text: str) -> bool:
    """Whether ``text`` may stand before ``=``: an argument's name, or a flag."""
    bare = text[2:] if text.startswith("--") else text
    return bare.isascii() and bare.replace("-", "").replace("_", "").isalnum() and bare[0] != "-"


_SIGNS = "-_./:@#%+,~"
_PLAIN = frozenset(ascii_letters + digits + _SIGNS)


def quote(text: str) -> str:
    """``text`` as one word of a line: quoted unless it plainly is one."""
    if text and text[0] != "-" and (_PLAIN.issuperset(text) or all(c in _SIGNS or c.isalnum() for c in text)):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
