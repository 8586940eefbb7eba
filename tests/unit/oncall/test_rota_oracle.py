"""The rota against an independent program: recurring events as recurring-ical-events expands them.

The calendars are written here, from the pattern and not from our shifts: for each person a rule that repeats.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from icalendar import Calendar

from bellboard import UserError
from bellboard_oncall.rota import Shift, calendar, engine
from tests.unit.oncall.rotas import team

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]
PATTERNS = {
    "weekly 09:00": ("2026-01-05T09:00", "1 week", 7),
    "daily 02:30": ("2026-01-05T02:30", "1 day", 1),
    "fortnightly 00:00": ("2026-01-05T00:00", "2 weeks", 14),
}
PEOPLE = ("ann", "bo", "cy")
START, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2027, 6, 10, tzinfo=UTC)
"""Seventeen months, with every change of clocks of both hemispheres."""

HALF_HOUR = 1800.0

each_zone = pytest.mark.parametrize("zone", ZONES)
each_pattern = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())


def oracle(zone: str, starts: str, days: int) -> bytes:
    """The rota as rules: the n-th person begins n turns later, and comes again after everybody had a turn."""
    first = datetime.fromisoformat(starts)
    events = []
    for number, person in enumerate(PEOPLE):
        begin = first + timedelta(days=number * days)
        events.append(
            "BEGIN:VEVENT\r\n"
            f"UID:{person}\r\nSUMMARY:{person}\r\nDTSTAMP:20260101T000000Z\r\n"
            f"DTSTART;TZID={zone}:{begin:%Y%m%dT%H%M%S}\r\n"
            f"DTEND;TZID={zone}:{begin + timedelta(days=days):%Y%m%dT%H%M%S}\r\n"
            f"RRULE:FREQ=DAILY;INTERVAL={days * len(PEOPLE)}\r\n"
            "END:VEVENT\r\n"
        )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


@cache
def begun(zone: str, starts: str, days: int) -> list[tuple[float, str]]:
    """When each turn begins, as the oracle says, in order."""
    found = recurring_ical_events.of(Calendar.from_ical(oracle(zone, starts, days))).between(
        START - timedelta(days=30), END + timedelta(days=1)
    )
    return sorted((event["DTSTART"].dt.timestamp(), str(event["SUMMARY"])) for event in found)


def differences(shifts: list[Shift], turns: list[tuple[float, str]]) -> int:
    """At how many half hours another person is on call, or not exactly one."""
    count, moment = 0, START.timestamp()
    ours, theirs = iter(sorted(shifts, key=lambda one: one.start)), iter(turns)
    shift, turn = next(ours), next(theirs)
    after = next(theirs)
    while moment < END.timestamp():
        while shift.end <= moment:
            shift = next(ours)
        while after[0] <= moment:
            turn, after = after, next(theirs, (float("inf"), ""))
        count += not (shift.start <= moment < shift.end and shift.person == turn[1])
        moment += HALF_HOUR
    return count


def ours(zone: str, starts: str, every: str) -> list[Shift]:
    """The same rota as we have it."""
    rota = team(f"layers: {{people: [{', '.join(PEOPLE)}], starts: {starts}, every: {every}}}", zone=zone)
    return engine.by_file(rota, START.timestamp(), END.timestamp())


@each_zone
@each_pattern
def test_every_half_hour_has_the_person_of_the_oracle(zone: str, pattern: tuple[str, str, int]) -> None:
    """Through 17 months and every change of clocks."""
    starts, every, days = pattern

    assert differences(ours(zone, starts, every), begun(zone, starts, days)) == 0


@each_zone
@each_pattern
def test_no_moment_is_left_out_or_given_twice(zone: str, pattern: tuple[str, str, int]) -> None:
    """Each turn begins at the very moment at which the one before it ends."""
    starts, every, _ = pattern

    assert all(before.end == after.start for before, after in pairwise(ours(zone, starts, every)))


@each_zone
@each_pattern
def test_what_is_exported_and_read_again_is_the_same(zone: str, pattern: tuple[str, str, int]) -> None:
    """By us, and by the oracle's reader."""
    starts, every, _ = pattern
    shifts = ours(zone, starts, every)
    written = calendar.write("payments", shifts, {})

    again = calendar.read(written, "payments", {name: name for name in PEOPLE}, START.timestamp(), END.timestamp())
    read = recurring_ical_events.of(Calendar.from_ical(written)).between(START, END)

    assert [(one.start, one.end, one.person, one.layer) for one in again] == [
        (one.start, one.end, one.person, one.layer) for one in shifts
    ]
    assert sorted((event["DTSTART"].dt.timestamp(), event["DTEND"].dt.timestamp()) for event in read) == [
        (one.start, one.end) for one in shifts
    ]


@each_zone
@each_pattern
def test_a_calendar_of_rules_is_read_as_the_oracle_reads_it(zone: str, pattern: tuple[str, str, int]) -> None:
    """What comes from elsewhere repeats, and has its own zones."""
    starts, _, days = pattern
    data = oracle(zone, starts, days)
    read = calendar.read(data, "payments", {name: name for name in PEOPLE}, START.timestamp(), END.timestamp())

    assert [(one.start, one.person) for one in read if one.start >= START.timestamp()] == [
        turn for turn in begun(zone, starts, days) if START.timestamp() <= turn[0] < END.timestamp()
    ]


WHOLE_DAYS = b"""BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
UID:days\r
SUMMARY:ann\r
DTSTART;VALUE=DATE:20270327\r
DTEND;VALUE=DATE:20270328\r
RRULE:FREQ=DAILY;COUNT=4\r
EXDATE;VALUE=DATE:20270329\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:days\r
SUMMARY:bo\r
RECURRENCE-ID;VALUE=DATE:20270330\r
DTSTART:20270330T090000\r
DTEND:20270330T170000\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_whole_days_and_times_without_a_zone_are_those_of_the_team() -> None:
    """Over a change of clocks too, where one is left out, and where one was moved."""
    zone = ZoneInfo("Europe/Berlin")
    start, end = (datetime(2027, 3, day, tzinfo=UTC).timestamp() for day in (25, 31))
    read = calendar.read(WHOLE_DAYS, "payments", {name: name for name in PEOPLE}, start, end, zone)
    said = [
        (one.person, *(datetime.fromtimestamp(at, zone).strftime("%d %H:%M") for at in (one.start, one.end))) for one in read
    ]
    assert said == [("ann", "27 00:00", "28 00:00"), ("ann", "28 00:00", "29 00:00"), ("bo", "30 09:00", "30 17:00")]
    assert read[1].end - read[1].start == 23 * 3600


@pytest.mark.parametrize(
    "lines",
    [
        "DTSTART:2026",
        "DTSTART:20270301T090000Z\r\nDTEND:tomorrow",
        "DTSTART:20270301T090000Z\r\nDURATION:P99999999D",
        "DTSTART:20270301T090000Z\r\nRRULE:FREQ=DAILY;INTERVAL=0",
        "DTSTART:20270301T090000Z\r\nRRULE:FREQ=YEARLY;INTERVAL=0;BYMONTH=2;BYMONTHDAY=30",
    ],
)
def test_an_event_that_can_not_be_read_refuses_its_calendar(lines: str) -> None:
    """In words, so that what was read before stays in force; and no rule keeps us busy for ever."""
    data = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:ann\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    with pytest.raises(UserError, match="calendar"):
        calendar.read(data.encode(), "payments", {"ann": "ann"}, START.timestamp(), END.timestamp())


def test_what_begins_in_one_zone_and_ends_in_another_is_as_long_as_it_says() -> None:
    """From 9 in Berlin to 17 in UTC are nine hours in winter."""
    data = (
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:ann\r\nDTSTART;TZID=Europe/Berlin:20270112T090000\r\n"
        b"DTEND:20270112T170000Z\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    start, end = (datetime(2027, month, 1, tzinfo=UTC).timestamp() for month in (1, 2))
    read = calendar.read(data, "payments", {"ann": "ann"}, start, end)
    assert [one.end - one.start for one in read] == [9 * 3600, 9 * 3600]


def test_a_week_over_a_change_of_clocks_is_an_hour_shorter_or_longer() -> None:
    """As it must be, where turns change at the same time of the day."""
    berlin = ours("Europe/Berlin", "2026-01-05T09:00", "1 week")
    howe = ours("Australia/Lord_Howe", "2026-01-05T09:00", "1 week")

    assert {(one.end - one.start) / 3600 for one in berlin} == {167.0, 168.0, 169.0}
    assert {(one.end - one.start) / 3600 for one in howe} == {167.5, 168.0, 168.5}


def test_wall_time_that_is_skipped_or_comes_twice_has_one_meaning() -> None:
    """02:30 that there is not is 03:30; of two, it is the first."""
    zone = ZoneInfo("Europe/Berlin")

    skipped = engine.moment(datetime(2026, 3, 29, 2, 30), zone)  # noqa: DTZ001
    twice = engine.moment(datetime(2026, 10, 25, 2, 30), zone)  # noqa: DTZ001

    assert f"{datetime.fromtimestamp(skipped, zone):%H:%M %Z}" == "03:30 CEST"
    assert f"{datetime.fromtimestamp(twice, zone):%H:%M %Z}" == "02:30 CEST"
