"""Stretches of time as people type them: ``15m``, ``10:00-10:30``, ``14:00..``, ``fri 18:00-22:00``,
``fri 16:00..mon 08:00``, ``D142``.

Every boundary is taken as wall time in the person's zone and only then made a moment, so ranges over a change of clocks
are right. What a clock time or a weekday leaves open is settled by where the range lies: behind for logs and graphs, ahead
for a freeze.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from bellboard.api.chat.v1 import chat_pb2 as chat

from .durations import read_duration, write_duration

LONGEST = 60
"""Characters of the longest range that is looked at."""

ID = re.compile(r"[A-Za-z][0-9]{1,9}")
"""An id of the one id space, such as D142."""

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_CLOCKS = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)-([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NEAR_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_ONE_DAY = timedelta(days=1)
_YEARS = range(2000, 3000)
"""What is further away is no range: a clock in some zone could not tell it, nor a program behind the bots."""


class Now(NamedTuple):
    """When and where a line was typed, and whether its ranges lie ahead of that."""

    moment: datetime
    ahead: bool = False

    @property
    def zone(self) -> tzinfo:
        return self.moment.tzinfo or UTC


class _Moment(NamedTuple):
    """A boundary: wall time, whether its day was said, and whether it is the whole of that day."""

    at: datetime
    dated: bool
    whole_day: bool = False


def read_range(text: str, now: Now) -> chat.TimeRange | None:
    """The range that ``text`` stands for; None if it stands for none."""
    text = " ".join(text.lower().split()) if len(text) <= LONGEST else ""
    if (length := read_duration(text)) is not None and any(length):
        made = chat.TimeRange()
        made.last.seconds, made.last.nanos = length
        return made
    if ID.fullmatch(text):
        return chat.TimeRange(since=text.upper())
    day, _, hours = text.rpartition(" ")
    if clocks := _CLOCKS.fullmatch(hours):
        return _between(f"{day} {clocks[1]}".strip(), clocks[2], now)
    first, dots, second = text.partition("..")
    if dots:
        return _between(first.strip(), second.strip(), now) if first.strip() or second.strip() else None
    return _single(text, now)


def around(text: str) -> chat.TimeRange | None:
    """The range around an id; None if ``text`` is none."""
    return chat.TimeRange(around=text.upper()) if ID.fullmatch(text) else None


def write_range(value: chat.TimeRange) -> str:
    """The text that `read_range` takes for a range, whenever and wherever; that of ``around`` goes behind ``--around``."""
    match value.WhichOneof("span"):
        case "last":
            return write_duration(value.last.seconds, value.last.nanos)
        case "between":
            between = value.between
            start = _write(between.start.ToDatetime(UTC)) if between.HasField("start") else ""
            end = _write(between.end.ToDatetime(UTC)) if between.HasField("end") else ""
            return f"{start}..{end}"
        case "around":
            return str(value.around)
        case _:
            return str(value.since)


def _write(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _single(text: str, now: Now) -> chat.TimeRange | None:
    """One moment: a whole day, or since then; ahead, from now until then."""
    moment = _moment(text, now, now.moment)
    if moment is None:
        return None
    if moment.whole_day:
        return _made(moment.at, _wall(moment.at.date() + _ONE_DAY, time(), now))
    at = _settled(moment, now)
    if now.ahead:
        return _made(now.moment, at) if at > now.moment else None
    return _made(at, None)


def _between(first: str, second: str, now: Now) -> chat.TimeRange | None:
    start = _moment(first, now, now.moment) if first else None
    end = _moment(second, now, start.at if start else now.moment, after=start is not None) if second else None
    if (first and start is None) or (second and end is None):
        return None
    if start and end and not start.dated and not end.dated:
        return _clocks(start.at, end.at, now)
    begins = _settled(start, now) if start else None
    ends = _end(end, begins, now) if end else None
    if begins and ends and begins.timestamp() >= ends.timestamp():
        return None
    return _made(begins, ends)


def _clocks(start: datetime, end: datetime, now: Now) -> chat.TimeRange | None:
    """Two clock times: those of the newest day on which they had begun, or of the next on which they are not yet over."""
    if start >= end:
        end = _on(end, 1, now)
    if now.ahead and end <= now.moment:
        start, end = _on(start, 1, now), _on(end, 1, now)
    elif not now.ahead and start > now.moment:
        start, end = _on(start, -1, now), _on(end, -1, now)
    return _made(start, end)


def _settled(moment: _Moment, now: Now) -> datetime:
    """A moment whose day was left open, on the day that makes sense."""
    if moment.dated:
        return moment.at
    if now.ahead and moment.at <= now.moment:
        return _on(moment.at, 1, now)
    return _on(moment.at, -1, now) if not now.ahead and moment.at > now.moment else moment.at


def _end(end: _Moment, begins: datetime | None, now: Now) -> datetime:
    if end.whole_day:
        return _wall(end.at.date() + _ONE_DAY, time(), now)
    if begins is None or end.dated:
        return _settled(end, now)
    same_day = _wall(begins.date(), end.at.time(), now)
    return same_day if same_day > begins else _on(same_day, 1, now)


def _moment(text: str, now: Now, near: datetime, *, after: bool = False) -> _Moment | None:
    """A moment as typed. A weekday is the nearest behind ``near``, or ahead of it (``after``, or where ranges lie ahead)."""
    if text == "now":
        return _Moment(now.moment, dated=True)
    if len(text) > len("2026-11-22t") and text[10] in "t " and _DAY.fullmatch(text[:10]):
        return _exact(text, now)
    day, _, clock = text.partition(" ")
    if found := _CLOCK.fullmatch(text):
        at = _clock(found)
        return _Moment(_wall(now.moment.date(), at, now), dated=False) if at is not None else None
    date_ = _day(day, now, near, ahead=after or now.ahead)
    if date_ is None:
        return None
    if not clock:
        return _Moment(_wall(date_, time(), now), dated=True, whole_day=True)
    at = _clock(found) if (found := _CLOCK.fullmatch(clock)) else None
    return _Moment(_wall(date_, at, now), dated=True) if at is not None else None


def _day(word: str, now: Now, near: datetime, *, ahead: bool) -> date | None:
    if word in _NEAR_DAYS:
        return now.moment.date() + timedelta(days=_NEAR_DAYS[word])
    if len(word) >= 3 and word[:3] in _WEEKDAYS and _FULL[_WEEKDAYS.index(word[:3])].startswith(word):
        distance = (_WEEKDAYS.index(word[:3]) - near.weekday()) % 7
        return near.date() + timedelta(days=distance if ahead or not distance else distance - 7)
    if not _DAY.fullmatch(word):
        return None
    try:
        found = date.fromisoformat(word)
    except ValueError:
        return None
    return found if found.year in _YEARS else None


_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _exact(text: str, now: Now) -> _Moment | None:
    """``2026-11-22T10:00``, with or without seconds and zone."""
    try:
        at = datetime.fromisoformat(text.upper().replace(" ", "T"))
    except ValueError:
        return None
    if at.year not in _YEARS:
        return None
    if at.tzinfo is None:
        at = _wall(at.date(), at.time(), now)
    return _Moment(at.astimezone(now.zone), dated=True)


def _clock(found: re.Match[str]) -> time | None:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _wall(day: date, at: time, now: Now) -> datetime:
    """Wall time as a moment. One that a change of clocks leaves out is that of an hour later."""
    naive = datetime.combine(day, at.replace(tzinfo=None))
    return naive.replace(tzinfo=now.zone).astimezone(UTC).astimezone(now.zone)


def _on(at: datetime, days: int, now: Now) -> datetime:
    """The same wall time some days later."""
    return _wall(at.date() + timedelta(days=days), at.time(), now)


def _made(start: datetime | None, end: datetime | None) -> chat.TimeRange | None:
    if any(at is not None and at.astimezone(UTC).year not in _YEARS for at in (start, end)):
        return None
    made = chat.TimeRange()
    made.between.SetInParent()
    if start is not None:
        made.between.start.FromSeconds(int(start.timestamp()))
    if end is not None:
        made.between.end.FromSeconds(int(end.timestamp()))
    return made
