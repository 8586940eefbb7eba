"""What is looked for: a stretch of time, an app, words, regular expressions, a level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import re2

from bellboard import UserError

from .entries import LEVELS, Entry

LONGEST_REGEX = 200
"""Characters. Together with the memory a compiled one may take, it bounds what it costs to refuse one."""

REGEX_MEMORY = 1 << 16
"""Bytes of a compiled one. What would take more is refused, within 5 ms in all but one of a thousand hostile ones."""

_TOKEN = re.compile(r"[\w-]+")
"""A word as the embedded store cuts lines: letters, digits, ``_`` and ``-``."""


class Regex:
    """A regular expression of a person's. It is matched in time that grows with the text alone (RE2), never worse.

    Raises:
        UserError: it is none, or too large. RE2 knows neither references back nor looking around.
    """

    def __init__(self, text: str, *, any_case: bool = False) -> None:
        if len(text) > LONGEST_REGEX:
            raise UserError("the regular expression is too long", hint=f"at most {LONGEST_REGEX} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = REGEX_MEMORY
        options.case_sensitive = not any_case
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as error:
            raise UserError("the regular expression can't be read", hint=_why(error)) from None
        self.text = f"(?i){text}" if any_case else text

    def finds(self, text: str) -> bool:
        """Whether it matches anywhere in the text."""
        return self._compiled.search(text) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; all of it must hold.

    Attributes:
        app: the app.
        start, end: seconds since 1970; the end is not in it.
        words: each is in the line: as a word; with ``*`` at its end, at the beginning of a word; with spaces, as a phrase.
            Level, service, version and replica count as words of the line.
        regexes: each matches in the message.
        level: the least level; 0 for all.
        env: the environment; empty for every one.
    """

    app: str
    start: float
    end: float
    words: tuple[str, ...] = ()
    regexes: tuple[Regex, ...] = ()
    level: int = 0
    env: str = ""

    def matches(self, entry: Entry) -> bool:
        """Whether a line is looked for: for lines that come from no store."""
        if entry.app != self.app or entry.level < self.level or (self.env and entry.env != self.env):
            return False
        if not all(regex.finds(entry.message) for regex in self.regexes):
            return False
        return not self.words or self._has_words(entry)

    def _has_words(self, entry: Entry) -> bool:
        text = f" {' '.join(tokens(indexed(entry)))} "
        return all(f" {' '.join(tokens(word))}{'' if word.endswith('*') else ' '}" in text for word in self.words)


def indexed(entry: Entry) -> str:
    """All the text in which words are looked for."""
    return f"{entry.message} {entry.more} {LEVELS[entry.level]} {entry.service} {entry.version} {entry.replica}"


def tokens(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _TOKEN.findall(text.lower())


def understand(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[Regex, ...]]:
    """Words as typed, and the regular expressions among them: ``/…/`` or ``/…/i``, with or without spaces in them.

    Raises:
        UserError: a regular expression can't be read, or a word holds neither letter nor digit.
    """
    plain: list[str] = []
    regexes: list[Regex] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        length = _length_of_regex(word, waiting) if word.startswith("/") and word != "/" else 0
        if length:
            text = " ".join([word, *waiting[: length - 1]])
            del waiting[: length - 1]
            body, _, flags = text[1:].rpartition("/")
            regexes.append(Regex(body, any_case=flags == "i"))
        elif tokens(word):
            plain.append(word)
        else:
            raise UserError(f"“{word[:20]}” holds neither letter nor digit", hint="look for it with a /regex/")
    return tuple(plain), tuple(regexes)


def _length_of_regex(first: str, others: Sequence[str]) -> int:
    """How many words the regular expression takes that begins with the first; 0 if it is none."""
    for count, word in enumerate((first, *others), 1):
        if word.endswith(("/", "/i")) and (count > 1 or len(word.rstrip("i")) > 2):
            return count
    return 0


def _why(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return words[:100] or "it is too large"
