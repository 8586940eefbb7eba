"""Stretches of time: each form, what is left open, changes of clocks, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.grammar.ranges import LONGEST, Now, around, read_range, write_range

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=BERLIN)


def read(text: str, *, ahead: bool = False, at: datetime = SUNDAY) -> str:
    """What a text stands for: its boundaries as wall time in the zone, minutes only where that is all."""
    found = read_range(text, Now(at, ahead))
    if found is None:
        return "none"
    if found.WhichOneof("span") != "between":
        return write_range(found)

    between = found.between
    return " .. ".join(
        shown(moment, at) if is_there else ""
        for moment, is_there in ((between.start, between.HasField("start")), (between.end, between.HasField("end")))
    )


def shown(boundary: Timestamp, at: datetime) -> str:
    moment = boundary.ToDatetime(UTC).astimezone(at.tzinfo)
    return f"{moment:%m-%d %H:%M}" + (f":{moment:%S}" if moment.second else "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15m", "15m"),
        ("1h30m", "1h30m"),
        ("1w", "7d"),
        ("10:00-10:30", "11-22 10:00 .. 11-22 10:30"),
        ("10:00..10:30", "11-22 10:00 .. 11-22 10:30"),
        ("10:00:15-10:00:45", "11-22 10:00:15 .. 11-22 10:00:45"),
        ("13:00-14:00", "11-21 13:00 .. 11-21 14:00"),
        ("23:50-00:10", "11-21 23:50 .. 11-22 00:10"),
        ("14:00..", "11-21 14:00 .. "),
        ("9:05..", "11-22 09:05 .. "),
        ("..10:00", " .. 11-22 10:00"),
        ("today", "11-22 00:00 .. 11-23 00:00"),
        ("yesterday", "11-21 00:00 .. 11-22 00:00"),
        ("yesterday 14:00..", "11-21 14:00 .. "),
        ("fri", "11-20 00:00 .. 11-21 00:00"),
        ("sunday", "11-22 00:00 .. 11-23 00:00"),
        ("fri 16:00..mon 08:00", "11-20 16:00 .. 11-23 08:00"),
        ("fri 18:00-22:00", "11-20 18:00 .. 11-20 22:00"),
        ("fri 22:00-02:00", "11-20 22:00 .. 11-21 02:00"),
        ("2026-11-20", "11-20 00:00 .. 11-21 00:00"),
        ("2026-11-20..2026-11-21", "11-20 00:00 .. 11-22 00:00"),
        ("2026-11-20T10:00..", "11-20 10:00 .. "),
        ("2026-11-20 10:00..11:00", "11-20 10:00 .. 11-20 11:00"),
        ("2026-11-20T10:00Z..2026-11-20T11:00:30Z", "11-20 11:00 .. 11-20 12:00:30"),
        ("2026-11-20T10:00+05:30..now", "11-20 05:30 .. 11-22 12:00"),
        ("d142", "D142"),
    ],
)
def test_a_range_behind(text: str, meant: str) -> None:
    """On a Sunday at noon in Berlin."""
    assert read(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2h", "2h"),
        ("16:00-18:00", "11-22 16:00 .. 11-22 18:00"),
        ("11:00-13:00", "11-22 11:00 .. 11-22 13:00"),
        ("10:00-11:00", "11-23 10:00 .. 11-23 11:00"),
        ("18:00", "11-22 12:00 .. 11-22 18:00"),
        ("08:00", "11-22 12:00 .. 11-23 08:00"),
        ("fri 16:00..mon 08:00", "11-27 16:00 .. 11-30 08:00"),
        ("tomorrow 18:00-22:00", "11-23 18:00 .. 11-23 22:00"),
        ("tomorrow", "11-23 00:00 .. 11-24 00:00"),
        ("now..mon 08:00", "11-22 12:00 .. 11-23 08:00"),
        ("2026-12-24..2026-12-26", "12-24 00:00 .. 12-27 00:00"),
    ],
)
def test_a_range_ahead(text: str, meant: str) -> None:
    """Of the same moment."""
    assert read(text, ahead=True) == meant


@pytest.mark.parametrize(
    "text",
    ["", "..", "15", "m", "0s", "25:00..", "10:60..", "10:00-", "-10:30", "10:00-10:30-11:00", "2026-13-01", "2026-02-30..",
     "fr 10:00",
     "fryday", "D", "142", "D-1", "11:00..2026-11-20", "2026-11-22T10:00..2026-11-22T09:00", "1500-01-01T00:00..",
     "now.." * 20,
     "10:00 .. .. 11:00", "a..b", "15m..10m", "2026-11-20T", "{}", "%s", "٣m"],
)  # fmt: skip
def test_what_is_no_range(text: str) -> None:
    """Is said to be none, and never guessed at."""
    assert read(text) == "none"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2026-03-29", 23), ("Europe/Berlin", "2026-10-25", 25), ("Australia/Lord_Howe", "2026-04-05", 24.5)],
)
def test_a_day_on_which_clocks_change_has_its_own_length(zone: str, day: str, hours: float) -> None:
    """Boundaries are wall times; what lies between them is what it is."""
    found = read_range(day, Now(datetime(2026, 11, 22, 12, tzinfo=ZoneInfo(zone))))

    assert found is not None
    assert (found.between.end.seconds - found.between.start.seconds) / 3600 == hours


def test_around_takes_an_id() -> None:
    """And nothing else."""
    assert around("i7") == chat.TimeRange(around="I7")
    assert around("15m") is None


@given(st.text(max_size=LONGEST + 10) | st.from_regex(r"[0-9a-z:.\- TZ+]{0,40}", fullmatch=True))
def test_any_text_is_a_range_or_none(text: str) -> None:
    """And a range, written once more, stands for itself."""
    for ahead in (False, True):
        found = read_range(text, Now(SUNDAY, ahead))
        if found is not None:
            assert read_range(write_range(found), Now(datetime(2031, 7, 1, tzinfo=UTC), ahead)) == found


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
@pytest.mark.parametrize("year", ["0001", "0500", "1969", "1999", "2000", "2999", "3000", "9999"])
@pytest.mark.parametrize(
    "rest", ["-01-01", "-12-31", "-01-01 00:00", "-12-31t23:59", "-01-01t00:00+14:00", "-12-31t23:59-12:00"]
)
def test_far_days_are_no_range_or_one_that_can_be_written(zone: str, year: str, rest: str) -> None:
    """In whatever zone and place they are typed; no calendar ends under anybody's feet."""
    now = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo(zone))
    for text in (year + rest, f"{year}{rest}..", f"..{year}{rest}", f"{year}{rest}..now", f"now..{year}{rest}"):
        for ahead in (False, True):
            found = read_range(text, Now(now, ahead))
            assert found is None or read_range(write_range(found), Now(SUNDAY, ahead)) == found


def test_what_lies_ahead_does_not_end_in_the_past() -> None:
    """A freeze until yesterday is none."""
    assert read("2020-01-01T10:00", ahead=True) == "none"
    assert read("2030-01-01T10:00", ahead=True) == "11-22 12:00 .. 01-01 10:00"
