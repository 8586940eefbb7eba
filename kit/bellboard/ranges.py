"""Stretches of time, from how they were typed to from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import UserError
from bellboard.marks import Mark, Marks

AROUND = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds since 1970, and in words: how it was understood."""

    start: float
    end: float
    text: str


async def resolve(
    given: chat.TimeRange | None, *, now: float, marks: Marks, default: timedelta, around: timedelta = AROUND
) -> Span:
    """What a time range means.

    Args:
        now: what relative ranges count from, mostly `Call.at`.
        default: how far it goes back where none is given.
        around: how much to show before and after what has an id.

    Raises:
        UserError: there is no such id, or it ends before it begins.
        BusError: the marks could not be read.
    """
    which = given.WhichOneof("span") if given is not None else None
    if given is None or which is None:
        return _span(now - default.total_seconds(), now, now)
    if which == "last":
        return _span(now - given.last.ToTimedelta().total_seconds(), now, now)
    if which == "around":
        mark = await _find(marks, given.around)
        margin = around.total_seconds()
        end = min((now if mark.until is None else mark.until) + margin, max(now, mark.at))
        return _span(mark.at - margin, end, now, f"around {mark.id}, ")
    if which == "since":
        mark = await _find(marks, given.since)
        return _span(mark.at, max(now, mark.at), now, f"since {mark.id}, ")
    between = given.between
    start = _moment(between.start.ToDatetime(UTC)) if between.HasField("start") else 0.0
    end = _moment(between.end.ToDatetime(UTC)) if between.HasField("end") else now
    if end < start:
        raise UserError("that range ends before it begins", hint="such as 10:00-10:30")
    return _span(start, end, now)


async def _find(marks: Marks, id: str) -> Mark:
    mark = await marks.find(id)
    if mark is None:
        raise UserError(f"there is no {id.strip()[:20]}", hint="an id is a letter and a number, such as D142")
    return mark


def _moment(when: datetime) -> float:
    return when.timestamp()


def _span(start: float, end: float, now: float, why: str = "") -> Span:
    today = _date(now) == _date(start) == _date(end)
    if start <= 0:
        return Span(0.0, end, f"{why}until {_clock(end, today=_date(now) == _date(end))} UTC")
    clocks = f"{_clock(start, today=today)}-{_clock(end, today=today or _date(start) == _date(end))}"
    return Span(start, end, f"{why}{clocks} UTC ({_length(end - start)})")


def _clock(moment: float, *, today: bool) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    clock = f"{when:%H:%M:%S}" if when.second else f"{when:%H:%M}"
    return clock if today else f"{when:%Y-%m-%d} {clock}"


def _date(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _length(seconds: float) -> str:
    """Such as 30 min; the two largest units that there are."""
    left, parts = round(seconds), []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
