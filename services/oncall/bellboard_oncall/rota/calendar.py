"""Shifts as an iCalendar, and back. Written are plain events in UTC, so that no program has to know our zones.

What comes from elsewhere may repeat and have zones of its own: it is expanded here, for a stretch of time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from bellboard import UserError

from . import Shift

LARGEST = 1 << 20
"""Bytes of the largest calendar that is read."""

MOST = 5000
"""Events, and repetitions of one, that are looked at."""

PERSON, LAYER, TEAM = "X-BELLBOARD-PERSON", "X-BELLBOARD-LAYER", "X-BELLBOARD-TEAM"

_RULES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
"""How often an event may repeat: what repeats by the second would keep us busy for ever."""


def write(name: str, shifts: Sequence[Shift], names: Mapping[str, str], *, own: str = "") -> bytes:
    """A calendar of shifts.

    Args:
        name: the calendar's, for people.
        names: of people, by id.
        own: the id of the person whose calendar it is: then their name is left out.
    """
    made = Calendar()
    made.add("prodid", "-//Bellboard//on call//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("x-published-ttl", "PT15M")
    for one in shifts:
        made.add_component(_event(one, names, own))
    return bytes(made.to_ical())


def _event(one: Shift, names: Mapping[str, str], own: str) -> Event:
    event, start, end = Event(), _whole(one.start), _whole(one.end)
    layer = f" ({one.layer})" if one.layer else ""
    who = "On call" if own == one.person else f"{names.get(one.person, one.person)} on call"
    event.add("summary", f"{who} for {one.team}{layer}")
    event.add("uid", f"{_uid(one)}@bellboard")
    event.add("dtstamp", start)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("transp", "TRANSPARENT")
    if one.instead:
        event.add("description", f"instead of {names.get(one.instead, one.instead)}" + (f" ({one.cover})" if one.cover else ""))
    for key, value in ((PERSON, one.person), (LAYER, one.layer), (TEAM, one.team)):
        if value:
            event.add(key, value)
    return event


def _whole(at: float) -> datetime:
    """Calendars know whole seconds only."""
    return datetime.fromtimestamp(round(at), UTC)


def _uid(one: Shift) -> str:
    said = f"{one.team}\0{one.layer}\0{one.person}\0{one.start}"
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def read(data: bytes, team: str, people: Mapping[str, str], start: float, end: float, home: tzinfo = UTC) -> list[Shift]:
    """The shifts of a calendar that touch a stretch of time.

    Args:
        team: whose they are.
        people: whose name (or mail address) there is which of our people, in small letters; whoever is not named here is
            left out.
        home: the zone of whole days, and of times that name none.

    Raises:
        UserError: it is no calendar, or it is too much.
    """
    if len(data) > LARGEST:
        raise UserError("that calendar is larger than 1 MiB")
    try:
        whole = Calendar.from_ical(data)
        events: list[Any] = [item for item in whole.walk("VEVENT") if "DTSTART" in item]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise UserError("that is no calendar", hint="an iCalendar file begins with BEGIN:VCALENDAR") from None
    if len(events) > MOST:
        raise UserError(f"that calendar has more than {MOST} events")
    try:
        found = list(_shifts(events, team, people, start, end, home))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        raise UserError(
            "an event of that calendar can't be read"
        ) from None  # without it the others would tell less than there is
    return sorted(found, key=lambda one: (one.start, one.layer, one.person))


def _shifts(
    events: Sequence[Any], team: str, people: Mapping[str, str], start: float, end: float, home: tzinfo
) -> Iterator[Shift]:
    moved = {(str(item.get("UID")), _moment_of(item["RECURRENCE-ID"].dt, home)) for item in events if "RECURRENCE-ID" in item}
    for item in events:
        who = person_of(item, people)
        if not who or str(item.get("STATUS", "")).upper() == "CANCELLED":
            continue
        layer = str(item.get(LAYER, ""))
        for first, last in _times(item, moved, start, end, home):
            if first < end and last > start and first < last:
                yield Shift(team, layer, who, first, last)


def person_of(item: Any, people: Mapping[str, str]) -> str:
    """Which of our people an event is about; empty if none: by our own mark, an attendee, or its title."""
    said = [str(item.get(PERSON, ""))]
    attendees = item.get("ATTENDEE", [])
    for one in attendees if isinstance(attendees, list) else [attendees]:
        said += [str(one).lower().removeprefix("mailto:"), str(getattr(one, "params", {}).get("CN", ""))]
    said.append(str(item.get("SUMMARY", "")))
    return next((people[word.strip().lower()] for word in said if word.strip().lower() in people), "")


def titles(data: bytes) -> list[str]:
    """Whom a calendar is about, in its own words, each once. Raises UserError."""
    try:
        events = Calendar.from_ical(data).walk("VEVENT")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise UserError("that is no calendar", hint="an iCalendar file begins with BEGIN:VCALENDAR") from None
    said = [str(item.get(PERSON) or item.get("SUMMARY", "")).strip()[:80] for item in islice(events, MOST)]
    return list(dict.fromkeys(word for word in said if word))


def _times(item: Any, moved: set[tuple[str, float]], start: float, end: float, home: tzinfo) -> Iterator[tuple[float, float]]:
    """From when to when an event is, each time; those that were moved stand as events of their own."""
    begins = item["DTSTART"].dt
    zone = _zone(begins, home)
    first = _wall(begins, zone)
    length = _length(item, first, zone)
    uid, excluded = str(item.get("UID")), {_moment_of(at, home) for at in _dates(item.get("EXDATE"))}
    if "RRULE" not in item or "RECURRENCE-ID" in item:
        yield _span(first, length, zone)
        starts: Iterator[datetime] = iter(())
    else:
        starts = _repeated(item, first, zone, length, start, end)
    for at in [*starts, *(_wall(one, zone) for one in _dates(item.get("RDATE")) if isinstance(one, date))]:
        span = _span(at, length, zone)
        if span[0] not in excluded and (uid, span[0]) not in moved:
            yield span


def _repeated(item: Any, first: datetime, zone: tzinfo, length: timedelta, start: float, end: float) -> Iterator[datetime]:
    """When it begins, in wall time, as its rule says."""
    rule = item["RRULE"]
    if isinstance(rule, list) or str(rule.get("FREQ", [""])[0]).upper() not in _RULES:
        raise UserError("a calendar may repeat by the day, week, month or year only")
    if any(key in rule for key in ("BYHOUR", "BYMINUTE", "BYSECOND")):
        raise UserError("a calendar may not repeat by the hour")
    if min(rule.get("INTERVAL", [1])) < 1:
        raise UserError("a calendar may not repeat without end at one moment")
    said = {key: value for key, value in rule.items() if key != "UNTIL"}
    text = type(rule)(said).to_ical().decode()
    until = _until(rule.get("UNTIL"), zone)
    low = datetime.fromtimestamp(start, UTC).astimezone(zone).replace(tzinfo=None) - length - timedelta(days=2)
    high = datetime.fromtimestamp(end, UTC).astimezone(zone).replace(tzinfo=None) + timedelta(days=2)
    try:
        for count, at in enumerate(rrulestr(text, dtstart=first)):
            if at > high or (until is not None and _span(at, length, zone)[0] > until) or count > 20 * MOST:
                return
            if at >= low:
                yield at
    except (ValueError, TypeError, OverflowError):
        raise UserError("a calendar repeats in a way that is not understood") from None


def _until(said: Any, zone: tzinfo) -> float | None:
    if not said:
        return None
    at = said[0]
    if isinstance(at, datetime) and at.tzinfo is not None:
        return at.timestamp()
    last = at if isinstance(at, datetime) else datetime.combine(at, time(23, 59, 59))
    return last.replace(tzinfo=zone).timestamp()


def _length(item: Any, first: datetime, zone: tzinfo) -> timedelta:
    """How long it is, in wall time: a week over a change of clocks stays a week on the calendar."""
    if "DTEND" in item:
        return _wall(item["DTEND"].dt, zone) - first
    if "DURATION" in item:
        length = item["DURATION"].dt
        return length if isinstance(length, timedelta) else timedelta()
    return timedelta() if isinstance(item["DTSTART"].dt, datetime) else timedelta(days=1)


def _zone(at: date, home: tzinfo) -> tzinfo:
    return (at.tzinfo if isinstance(at, datetime) else None) or home


def _wall(at: date, zone: tzinfo) -> datetime:
    """The wall time of a zone, whatever zone it is said in."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    return at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None)


def _span(at: datetime, length: timedelta, zone: tzinfo) -> tuple[float, float]:
    return at.replace(tzinfo=zone).timestamp(), (at + length).replace(tzinfo=zone).timestamp()


def _moment_of(at: date, home: tzinfo) -> float:
    zone = _zone(at, home)
    return _wall(at, zone).replace(tzinfo=zone).timestamp()


def _dates(said: Any) -> list[Any]:
    """The moments of an EXDATE or RDATE, however many lines it has."""
    lines = said if isinstance(said, list) else [said] if said is not None else []
    return [one.dt for line in lines for one in line.dts]
