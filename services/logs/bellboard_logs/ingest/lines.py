"""A line as text or JSON, to an `Entry`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ..entries import UNKNOWN, Entry, level_of

LONGEST = 16 * 1024
"""Characters of a message, or of its other fields, that are kept."""

LONGEST_NAME = 200

_TIME = ("ts", "time", "timestamp", "@timestamp")
_LEVEL = ("level", "severity", "lvl", "detected_level", "log.level")
_MESSAGE = ("msg", "message", "event", "log", "body")
_APP = ("app", "app_name", "application", "service_name", "job")
_REPLICA = ("replica", "instance", "pod", "host", "hostname")
_ENV = ("env", "environment", "namespace")
_ALONE = ("service", "version")
_KNOWN = frozenset((*_TIME, *_LEVEL, *_MESSAGE, *_APP, *_REPLICA, *_ENV, *_ALONE))

_LEVEL_IN_TEXT = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|\blevel=([a-z]+)\b")

_ESCAPE = re.compile(r"(?:\x1b|\\u001b)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""What colours a terminal or gives it a title, also as JSON writes it: with it in them, words would be others."""


def read(text: str, *, now: float, labels: Mapping[str, str] | None = None, env: str = "") -> Entry:
    """An entry of one line: JSON with fields of the usual names, or any text.

    Args:
        now: its time, where it says none.
        labels: what is known of it besides; the line's own fields come first.
        env: its environment, whatever it says itself; empty to let it say.
    """
    fields = _fields(text)
    said = {**(labels or {}), **fields}
    message = clean(_first(fields, _MESSAGE) if fields else text)
    graded = _value(said, _LEVEL)
    level = level_of(clean(graded) if isinstance(graded, str) else graded) or _level_in(message)
    more = {key: value for key, value in said.items() if key not in _KNOWN}
    return Entry(
        at=moment(_value(fields, _TIME), now),
        level=level,
        app=name(_first(said, _APP)) or "unknown",
        message=message,
        service=name(_first(said, ("service",))),
        version=name(_first(said, ("version",))),
        replica=name(_first(said, _REPLICA)),
        env=env or name(_first(said, _ENV)),
        more=clean(orjson.dumps(more, default=str).decode()) if more else "",
    )


def clean(text: str) -> str:
    """Text that can be stored and shown: no colours of a terminal, no NUL, no half characters, no more than `LONGEST`."""
    if "\x1b" in text or "\\u001b" in text:
        text = _ESCAPE.sub("", text)
    if not text.isascii():
        text = text[:LONGEST].encode("utf-8", "replace").decode()
    return text[:LONGEST].replace("\0", "\ufffd")


def name(text: str) -> str:
    """A name of an app or the like, as it is kept."""
    return clean(text[:LONGEST_NAME])


def _fields(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _value(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for key in names:
        if (value := fields.get(key)) is not None:
            return value
    return None


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    value = _value(fields, names)
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _level_in(message: str) -> int:
    found = _LEVEL_IN_TEXT.search(message, 0, 200)
    return level_of(found[1] or found[2]) if found else UNKNOWN


def moment(value: object, now: float) -> float:
    """ISO 8601, or seconds, milliseconds or nanoseconds since 1970; ``now`` for anything else."""
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return now
        at = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        at = value / (1e9 if value > 1e16 else 1e3 if value > 1e11 else 1)
    else:
        return now
    return at if 0 <= at < 1 << 32 else now
