"""Shifts: windows, holidays, overrides, and what holds for every rota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard_oncall.rota import Shift, Team, engine
from bellboard_oncall.rota.model import Layer, Rotation, TeamRota
from tests.unit.oncall.rotas import at, team

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86400.0


def told(shifts: list[Shift]) -> list[str]:
    """Such as ``ann Mon 02 09:00-17:00``, in Berlin."""
    found = []
    for one in shifts:
        start, end = (datetime.fromtimestamp(moment, BERLIN) for moment in (one.start, one.end))
        found.append(f"{one.person} {start:%a %d %H:%M}-{end:%a %d %H:%M}")
    return found


def test_turns_change_at_their_wall_time() -> None:
    """From the first one on; before it, nobody is there."""
    rota = team("layers: {people: [ann, bo], starts: 2026-11-02T09:00, every: 1 week}")

    assert told(engine.by_file(rota, at("2026-10-30"), at("2026-11-20"))) == [
        "ann Mon 02 09:00-Mon 09 09:00",
        "bo Mon 09 09:00-Mon 16 09:00",
        "ann Mon 16 09:00-Mon 23 09:00",
    ]


def test_windows_cut_turns() -> None:
    """Days, hours, nights that go over midnight, and whole weekends."""
    rota = team("""
gaps: true
layers:
  - {name: office, people: [ann], starts: 2026-11-02, every: 1 week, restrict: {days: fri, from: "09:00", to: "17:00"}}
  - {name: night, people: [bo], starts: 2026-11-02, every: 1 week, restrict: {days: fri, from: "22:00", to: "06:00"}}
  - {name: weekend, people: [cy], starts: 2026-11-02T09:00, every: 7d, restrict: {days: fri, from: "18:00", to: "mon 08:00"}}
""")

    assert told(engine.by_file(rota, at("2026-11-06"), at("2026-11-10"))) == [
        "ann Fri 06 09:00-Fri 06 17:00",
        "bo Fri 06 22:00-Sat 07 06:00",
        "cy Fri 06 18:00-Mon 09 08:00",
    ]


def test_windows_that_touch_are_one() -> None:
    """A day that is open around the clock is no seven shifts."""
    rota = team("layers: {people: [ann, bo], starts: 2026-11-02, every: 1 week, restrict: [{days: mon-sun}]}")

    assert told(engine.by_file(rota, at("2026-11-03"), at("2026-11-04"))) == ["ann Mon 02 00:00-Mon 09 00:00"]


def test_holidays_have_people_of_their_own() -> None:
    """From midnight to midnight; Christmas is two days in Germany."""
    rota = team("""
holidays: DE
gaps: true
layers: {people: [ann, bo], starts: 2026-12-21T09:00, every: 1 week, on_holidays: {ann: cy}}
""")

    assert told(engine.by_file(rota, at("2026-12-24"), at("2026-12-27"))) == [
        "ann Mon 21 09:00-Fri 25 00:00",
        "cy Fri 25 00:00-Sun 27 00:00",
        "ann Sun 27 00:00-Mon 28 09:00",
    ]


def test_a_part_of_a_country_has_its_own_holidays() -> None:
    """The eighth of March is one in Berlin."""
    layers = "layers: {people: [ann], starts: 2027-03-01, every: 1 week, on_holidays: {all: bo}}"
    berlin, germany = (team(f"holidays: {name}\n{layers}", now=at("2027-03-01T12:00")) for name in ("DE-BE", "DE"))
    day = at("2027-03-08T12:00")

    assert [one.person for one in engine.by_file(berlin, day, day + 1)] == ["bo"]
    assert [one.person for one in engine.by_file(germany, day, day + 1)] == ["ann"]


def test_an_override_is_put_on_top() -> None:
    """In its layer alone, and it says whom it replaces."""
    rota = team("""
layers:
  - {name: primary, people: [ann, bo], starts: 2026-11-02T09:00, every: 1 week}
  - {name: backup, people: [cy], starts: 2026-11-02T09:00, every: 1 week}
overrides: [{person: di, from: 2026-11-08T18:00, to: 2026-11-10T06:00}]
""")
    shifts = engine.by_file(rota, at("2026-11-08"), at("2026-11-11"))

    assert told([one for one in shifts if one.layer == "primary"]) == [
        "ann Mon 02 09:00-Sun 08 18:00",
        "di Sun 08 18:00-Mon 09 09:00",
        "di Mon 09 09:00-Tue 10 06:00",
        "bo Tue 10 06:00-Mon 16 09:00",
    ]
    assert [one.instead for one in shifts if one.person == "di"] == ["ann", "bo"]
    assert told([one for one in shifts if one.layer == "backup"]) == [
        "cy Mon 02 09:00-Mon 09 09:00",
        "cy Mon 09 09:00-Mon 16 09:00",
    ]


ROTATIONS = st.builds(
    lambda people, start, days, zone: TeamRota(
        Team("payments", "", ZoneInfo(zone), "default"),
        ZoneInfo(zone),
        (Layer("primary", (Rotation(tuple(people), start, days, ZoneInfo(zone)),)),),
    ),
    st.lists(st.sampled_from(["ann", "bo", "cy", "di"]), min_size=1, max_size=4),
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 6, 1)).map(lambda moment: moment.replace(second=0, microsecond=0)),  # noqa: DTZ001
    st.integers(1, 21),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]),
)
MOMENTS = st.datetimes(datetime(2026, 7, 1), datetime(2028, 7, 1), timezones=st.just(UTC)).map(datetime.timestamp)  # noqa: DTZ001


@given(ROTATIONS, MOMENTS)
@settings(deadline=None, max_examples=300)
def test_every_moment_has_exactly_one_shift(rota: TeamRota, moment: float) -> None:
    """Of a layer without windows, wherever one looks from."""
    found = engine.by_file(rota, moment, moment + 0.001)

    assert [one for one in found if one.start <= moment < one.end] == found[:1]
    assert len(found) in (1, 2)  # two, where the next one begins within the same millisecond


@given(ROTATIONS, MOMENTS, st.floats(3600, 60 * DAY))
@settings(deadline=None, max_examples=200)
def test_boundaries_agree_wherever_one_looks_from(rota: TeamRota, moment: float, length: float) -> None:
    """Each shift of a stretch is the one that each moment in it has, and they follow each other without a break."""
    shifts = engine.by_file(rota, moment, moment + length)

    assert all(before.end == after.start for before, after in pairwise(shifts))
    for one in shifts:
        middle = (one.start + one.end) / 2
        assert engine.by_file(rota, middle, middle + 0.001) == [one]
    assert not list(engine.holes(shifts, moment, moment + length))


@given(ROTATIONS, MOMENTS, st.floats(0, 20 * DAY), st.floats(60, 20 * DAY))
@settings(deadline=None, max_examples=200)
def test_whoever_is_put_on_is_there_and_nobody_else_is_lost(
    rota: TeamRota, moment: float, offset: float, length: float
) -> None:
    """The time of all shifts together stays what it was."""
    shifts = engine.by_file(rota, moment, moment + 40 * DAY)
    start, end = moment + offset, moment + offset + length
    over = Shift("payments", "primary", "eve", start, end, "C1")

    put = engine.put_on(shifts, over, fill=False)

    assert abs(sum(one.end - one.start for one in put) - sum(one.end - one.start for one in shifts)) < 0.01
    assert all(one.person == "eve" for one in put if one.start >= start and one.end <= end)
    assert all(before.end <= after.start for before, after in pairwise(put))


def test_a_day_that_a_zone_leaves_out_has_no_shift() -> None:
    """Samoa had no 30 December 2011."""
    zone = ZoneInfo("Pacific/Apia")
    rotation = Rotation(("ann", "bo"), datetime(2011, 12, 28), 1, zone)  # noqa: DTZ001
    start = engine.moment(datetime(2011, 12, 28), zone)  # noqa: DTZ001
    turns = list(engine.turns(rotation, start, start + timedelta(days=4).total_seconds()))

    assert all(before.end == after.start for before, after in pairwise(turns))
    assert all(one.start < one.end for one in turns)
