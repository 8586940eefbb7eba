"""Time ranges: from how they were typed to from when to when, and how that is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from bellboard import UserError, ranges
from bellboard.api.chat.v1.chat_pb2 import Interval, TimeRange
from bellboard.marks import Draft
from bellboard.marks.memory import MemoryMarks


def at(text: str) -> float:
    """A moment of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}+00:00").timestamp()


def moment(text: str) -> Timestamp:
    return Timestamp(seconds=int(at(text)))


NOW = at("22T14:30:00")


async def resolve(given: TimeRange | None, marks: MemoryMarks | None = None) -> ranges.Span:
    return await ranges.resolve(given, now=NOW, marks=marks or MemoryMarks("logs"), default=timedelta(hours=1))


@pytest.mark.parametrize("given", [None, TimeRange()])
async def test_without_one_it_is_the_default(given: TimeRange | None) -> None:
    """Not given, and given empty, are the same."""
    assert await resolve(given) == ranges.Span(NOW - 3600, NOW, "13:30-14:30 UTC (1 h)")


@pytest.mark.parametrize(
    ("length", "start", "text"),
    [
        (timedelta(minutes=15), "22T14:15:00", "14:15-14:30 UTC (15 min)"),
        (timedelta(seconds=90), "22T14:28:30", "14:28:30-14:30 UTC (1 min 30 s)"),
        (timedelta(days=1, hours=2, minutes=3), "21T12:27:00", "2026-11-21 12:27-2026-11-22 14:30 UTC (1 d 2 h)"),
        (timedelta(0), "22T14:30:00", "14:30-14:30 UTC (0 s)"),
    ],
)
async def test_the_last_stretch_counts_from_now(length: timedelta, start: str, text: str) -> None:
    """Dates are said where not all of it is today."""
    given = TimeRange()
    given.last.FromTimedelta(length)

    assert await resolve(given) == ranges.Span(at(start), NOW, text)


@pytest.mark.parametrize(
    ("interval", "start", "end", "text"),
    [
        (
            Interval(start=moment("22T10:00:00"), end=moment("22T10:30:00")),
            at("22T10:00:00"),
            at("22T10:30:00"),
            "10:00-10:30 UTC (30 min)",
        ),
        (Interval(start=moment("22T14:00:00")), at("22T14:00:00"), NOW, "14:00-14:30 UTC (30 min)"),
        (Interval(end=moment("22T10:00:00")), 0.0, at("22T10:00:00"), "until 10:00 UTC"),
        (Interval(), 0.0, NOW, "until 14:30 UTC"),
        (
            Interval(start=moment("20T10:00:00"), end=moment("20T11:00:00")),
            at("20T10:00:00"),
            at("20T11:00:00"),
            "2026-11-20 10:00-11:00 UTC (1 h)",
        ),
    ],
    ids=["both", "since", "until", "neither", "another day"],
)
async def test_either_end_may_be_open(interval: Interval, start: float, end: float, text: str) -> None:
    """As far back as there is anything, and up to now."""
    assert await resolve(TimeRange(between=interval)) == ranges.Span(start, end, text)


async def test_a_range_does_not_end_before_it_begins() -> None:
    """Nor one that is open at its end and begins tomorrow."""
    for interval in (Interval(start=moment("22T11:00:00"), end=moment("22T10:00:00")), Interval(start=moment("23T10:00:00"))):
        with pytest.raises(UserError, match="ends before it begins"):
            await resolve(TimeRange(between=interval))


@pytest.mark.parametrize(
    ("until", "text"),
    [(None, "around D1, 13:45-14:30 UTC (45 min)"), (at("22T14:02:00"), "around D1, 13:45-14:17 UTC (32 min)")],
    ids=["goes on", "is over"],
)
async def test_around_an_id_is_before_and_after_it(until: float | None, text: str) -> None:
    """Never later than now; a mark that goes on lasts until then."""
    marks = MemoryMarks("deploy")
    await marks.begin("D", Draft(title="v2", at=at("22T14:00:00"), until=until), key="a")

    assert (await resolve(TimeRange(around="d1"), marks)).text == text


@pytest.mark.parametrize("given", [TimeRange(around="D7"), TimeRange(since="nonsense"), TimeRange(since="x" * 500)])
async def test_an_unknown_id_is_the_persons_to_put_right(given: TimeRange) -> None:
    """It is quoted, shortened."""
    with pytest.raises(UserError, match=r"there is no \w{2,20} ") as caught:
        await resolve(given)
    assert len(caught.value.text) < 40


async def test_the_words_hold_at_the_end_of_time() -> None:
    """What a date can't say is still a range."""
    far = Interval(end=Timestamp(seconds=int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())))

    assert (await resolve(TimeRange(between=far))).text == "until 9999-12-31 00:00 UTC"
