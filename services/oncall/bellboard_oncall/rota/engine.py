"""From rotations to shifts.

Every boundary is wall time first, counted in calendar days, and made a moment only then; lengths are never added to
moments. So a turn that changes at 09:00 changes at 09:00 on both sides of a change of clocks, and is an hour shorter or
longer over it. Wall time that is skipped when clocks go forward is read with the offset from before (02:30 becomes 03:30);
wall time that comes twice when they go back is the first of the two. iCalendar (RFC 5545, 3.3.5) says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from . import Shift
from .model import ALL, NOBODY, Holidays, Layer, Rotation, TeamRota, Window

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A person from one moment to another, in seconds since 1970."""

    person: str
    start: float
    end: float


def moment(wall: datetime, zone: ZoneInfo) -> float:
    """Wall time as seconds since 1970."""
    return wall.replace(tzinfo=zone).timestamp()


def wall(at: float, zone: ZoneInfo) -> datetime:
    """A moment as wall time, without its zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=None)


def turns(rotation: Rotation, start: float, end: float) -> Iterator[Stretch]:
    """The whole turns that touch a stretch of time, in order, whatever their windows."""
    zone, every = rotation.zone, timedelta(days=rotation.days)
    stop = moment(rotation.until, zone) if rotation.until else None
    number = max(0, (wall(start, zone) - rotation.starts) // every - 1)
    while True:
        begins = rotation.starts + number * every
        first, last = moment(begins, zone), moment(begins + every, zone)
        if first >= end or (stop is not None and first >= stop):
            return
        last = last if stop is None else min(last, stop)
        if first < last and last > start:
            yield Stretch(rotation.people[number % len(rotation.people)], first, last)
        number += 1


def of_rotation(rotation: Rotation, start: float, end: float) -> list[Stretch]:
    """Who is on call by a rotation in a stretch of time, in order; what begins before it or ends after it is whole."""
    found: list[Stretch] = []
    for turn in turns(rotation, start, end):
        spans = _open(rotation, turn) if rotation.windows else [(turn.start, turn.end)]
        found += [Stretch(turn.person, first, last) for first, last in spans]
    if rotation.holidays is not None:
        found = [piece for one in found for piece in _on_holidays(one, rotation.holidays, rotation.zone)]
    return [one for one in found if one.start < end and one.end > start]


def _open(rotation: Rotation, turn: Stretch) -> list[tuple[float, float]]:
    """The times within a turn at which its windows are open, merged where they touch."""
    zone = rotation.zone
    reach = max(window.after for window in rotation.windows) + 1
    day = wall(turn.start, zone).date() - reach * _DAY
    last_day = wall(turn.end, zone).date()
    spans = []
    while day <= last_day:
        spans += [_span(window, day, zone) for window in rotation.windows if day.weekday() in window.days]
        day += _DAY
    merged: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        first, last = max(first, turn.start), min(last, turn.end)
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _span(window: Window, day: date, zone: ZoneInfo) -> tuple[float, float]:
    begin = datetime.combine(day, window.begin)
    return moment(begin, zone), moment(datetime.combine(day + window.after * _DAY, window.end), zone)


@lru_cache(maxsize=64)
def calendar(country: str) -> HolidayBase:
    """The holidays of a country, or of a part of it, such as "DE" or "DE-BE".

    Raises:
        NotImplementedError: there is none of that name.
    """
    import holidays  # it takes half a second, and most rotas have none

    name, _, part = country.partition("-")
    return holidays.country_holidays(name, subdiv=part or None)


def _on_holidays(one: Stretch, rule: Holidays, zone: ZoneInfo) -> Iterator[Stretch]:
    """A stretch, cut at the midnights around holidays, with those days' people."""
    days, start = calendar(rule.country), one.start
    day = wall(one.start, zone).date()
    while start < one.end:
        kind = day in days
        after = day + _DAY
        while (after in days) == kind and moment(datetime.combine(after, time()), zone) < one.end:
            after += _DAY
        end = min(one.end, moment(datetime.combine(after, time()), zone))
        person = _stand_in(one.person, rule) if kind else one.person
        if person != NOBODY and start < end:
            yield replace(one, person=person, start=start, end=end)
        day, start = after, max(start, end)


def _stand_in(person: str, rule: Holidays) -> str:
    if rule.skip:
        return NOBODY
    return rule.stand_ins.get(person, rule.stand_ins.get(ALL, person))


def of_layer(rota: TeamRota, layer: Layer, start: float, end: float) -> list[Shift]:
    """The shifts of a layer without overrides, in order."""
    found = [one for rotation in layer.rotations for one in of_rotation(rotation, start, end)]
    name = rota.team.name
    return [Shift(name, layer.name, one.person, one.start, one.end) for one in sorted(found, key=lambda s: (s.start, s.end))]


def put_on(shifts: Iterable[Shift], over: Shift, *, fill: bool) -> list[Shift]:
    """Shifts of one layer, with somebody else on call for a stretch.

    Args:
        over: who, and when; ``cover`` is noted on what is replaced, and who was replaced in ``instead``.
        fill: the person is there even where nobody was.
    """
    kept: list[Shift] = []
    free = [(over.start, over.end)]
    for one in shifts:
        first, last = max(one.start, over.start), min(one.end, over.end)
        if first >= last:
            kept.append(one)
            continue
        if one.start < first:
            kept.append(replace(one, end=first))
        kept.append(replace(over, layer=one.layer, start=first, end=last, instead=one.person))
        if last < one.end:
            kept.append(replace(one, start=last))
        free = [rest for gap in free for rest in _without(gap, first, last)]
    if fill:
        kept += [replace(over, start=first, end=last) for first, last in free]
    return sorted(kept, key=lambda shift: shift.start)


def _without(gap: tuple[float, float], first: float, last: float) -> list[tuple[float, float]]:
    return [(a, b) for a, b in ((gap[0], min(gap[1], first)), (max(gap[0], last), gap[1])) if a < b]


def by_file(rota: TeamRota, start: float, end: float) -> list[Shift]:
    """The shifts of all layers as the file says, overrides included, in the order of the layers."""
    found: list[Shift] = []
    for layer in rota.layers:
        shifts = of_layer(rota, layer, start, end)
        for one in rota.overrides:
            if one.layer == layer.name and one.start < end and one.end > start:
                shifts = put_on(shifts, Shift(rota.team.name, layer.name, one.person, one.start, one.end), fill=True)
        found += [shift for shift in shifts if shift.start < end and shift.end > start]
    return found


def holes(shifts: Sequence[Shift], start: float, end: float) -> Iterator[tuple[float, float]]:
    """The stretches of time in which nobody is on call, in order."""
    reached = start
    for one in sorted(shifts, key=lambda shift: shift.start):
        if one.start > reached:
            yield reached, min(one.start, end)
        reached = max(reached, one.end)
        if reached >= end:
            return
    if reached < end:
        yield reached, end
