"""One line of a log, and how bad it is."""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN, DEBUG, INFO, WARNING, ERROR, FATAL = range(6)
LEVELS = ("", "debug", "info", "warning", "error", "fatal")
"""The words for levels, by number; they are those of the contract."""

_WORDS = {
    "trace": DEBUG, "debug": DEBUG, "verbose": DEBUG,
    "info": INFO, "information": INFO, "informational": INFO, "notice": INFO,
    "warn": WARNING, "warning": WARNING,
    "err": ERROR, "error": ERROR, "severe": ERROR,
    "fatal": FATAL, "critical": FATAL, "crit": FATAL, "alert": FATAL, "emerg": FATAL, "emergency": FATAL, "panic": FATAL,
}  # fmt: skip


class Entry(NamedTuple):
    """One line.

    Attributes:
        at: when, in seconds since 1970.
        level: 0 (not said) to 5 (fatal).
        app, service, version, replica, env: who said it.
        message: what was said.
        more: its other fields as a JSON object, or empty.
        pattern: the template it fits, where it is known.
        place: where a store keeps it; of use to that store alone.
    """

    at: float
    level: int
    app: str
    message: str
    service: str = ""
    version: str = ""
    replica: str = ""
    env: str = ""
    more: str = ""
    pattern: str = ""
    place: int = 0


def level_of(word: object) -> int:
    """The level that a word or a number of syslog's stands for; 0 if it stands for none."""
    if isinstance(word, int):
        return SEVERITIES[word] if 0 <= word < len(SEVERITIES) else UNKNOWN
    return _WORDS.get(word.lower(), UNKNOWN) if isinstance(word, str) else UNKNOWN


SEVERITIES = (FATAL, FATAL, FATAL, ERROR, WARNING, INFO, INFO, DEBUG)
"""Levels by syslog's severities."""
