"""How the load of on-call is shared: hours, nights, weekends and pages per person, and whether that is fair, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bellboard import Block, Call, UserError, table, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.marks import Mark
from bellboard.ranges import resolve
from bellboard.replies import GOOD, WARNING

from . import Shift
from .desk import Desk
from .model import TeamRota
from .words import length

DEFAULT = timedelta(days=30)
LONGEST = 370 * 86400.0
EVENING, MORNING = time(22), time(7)
"""Between these, in a person's own zone, it is night."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Share:
    """What one person had: seconds on call, of them at night and at the weekend, and how many pages."""

    person: str
    all: float
    night: float
    weekend: float
    pages: int


async def load(call: Call, desk: Desk, team: str, range: TimeRange | None) -> tuple[list[Block], Block]:
    """The load of a team, or of all, in a stretch of time that is past."""
    rotas = (desk.rota(team),) if team else desk.rotas()
    span = await resolve(range, now=call.at, marks=desk.marks(), default=DEFAULT)
    if span.end - span.start > LONGEST:
        raise UserError("a year at most", hint="--since 30d")
    shifts = [one for rota in rotas for one in await desk.schedule(rota.team.name, span.start, span.end)]
    pages = await desk.marks().between(span.start, span.end, kinds=("page",))
    counted = _pages(_of(pages, desk, rotas), {rota.team.name for rota in rotas}, shifts, span.start)
    zones = {one.person: desk.zone(one.person, desk.team(one.team)) for one in shifts}
    zones |= {who: desk.zone(who, rotas[0].team) for who in counted if who not in zones and who in _people(rotas)}
    shares = sorted((_share(who, shifts, zones[who], span.start, span.end, counted) for who in zones), key=lambda s: -s.all)
    name = rotas[0].team.name if len(rotas) == 1 else f"{len(rotas)} teams"
    if not shares:
        return [text(f"nobody was on call for {name}, {span.text}")], _table(shares)
    uneven, words = fairness(shares, _expected(rotas))
    said = text(f"{name}, {span.text}: {words}", tone=WARNING if uneven else GOOD)
    return [said, _table(shares), *desk.warnings(rotas[0] if len(rotas) == 1 else None)], _table(shares)


def _of(pages: Sequence[Mark], desk: Desk, rotas: Sequence[TeamRota]) -> list[Mark]:
    """The pages but those of teams that were not asked for."""
    others = {team.name for team in desk.teams()} - {rota.team.name for rota in rotas}
    return [mark for mark in pages if (mark.detail.get("team") or mark.detail.get("target", "")) not in others]


def _people(rotas: Sequence[TeamRota]) -> set[str]:
    """Everybody who takes turns."""
    return {person for rota in rotas for layer in rota.layers for one in layer.rotations for person in one.people}


def _expected(rotas: Sequence[TeamRota]) -> int:
    """How many people share the load."""
    return len(_people(rotas))


def _table(shares: Sequence[Share]) -> Block:
    total = sum(one.all for one in shares) or 1.0
    rows = [
        (one.person, _hours(one.all), round(100 * one.all / total), _hours(one.night), _hours(one.weekend), one.pages)
        for one in shares
    ]
    return table(["person", "hours", "share %", "night hours", "weekend hours", "pages"], rows)


def _hours(seconds: float) -> float:
    return round(seconds / 3600, 1)


def _share(who: str, shifts: Sequence[Shift], zone: tzinfo, start: float, end: float, pages: Counter[str]) -> Share:
    spans = _union([(max(one.start, start), min(one.end, end)) for one in shifts if one.person == who])
    night = weekend = 0.0
    for first, last in spans:
        for begin, stop, weekday in _days(first, last, zone):
            midnight = datetime.fromtimestamp(begin, UTC).astimezone(zone).date()
            dark = _at(midnight, MORNING, zone), _at(midnight, EVENING, zone)
            night += max(0.0, min(stop, dark[0]) - begin) + max(0.0, stop - max(begin, dark[1]))
            weekend += stop - begin if weekday >= 5 else 0.0
    return Share(who, sum(last - first for first, last in spans), night, weekend, pages[who])


def _union(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches as they are without counting anything twice: who is on call in two layers is on call once."""
    found: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        elif first < last:
            found.append((first, last))
    return found


def _days(first: float, last: float, zone: tzinfo) -> Iterator[tuple[float, float, int]]:
    """A stretch, cut at midnights: from when to when, and the weekday."""
    while first < last:
        day = datetime.fromtimestamp(first, UTC).astimezone(zone).date()
        stop = min(last, _at(day + _DAY, time(), zone))
        yield first, stop, day.weekday()
        first = stop


def _at(day: date, clock: time, zone: tzinfo) -> float:
    return datetime.combine(day, clock, zone).timestamp()


def _pages(marks: Sequence[Mark], teams: set[str], shifts: Sequence[Shift], start: float) -> Counter[str]:
    """Pages by whom they reached; where a page does not say, by who was on call for its team."""
    found: Counter[str] = Counter()
    for mark in marks:
        target = mark.detail.get("team") or mark.detail.get("target", "")
        if mark.at < start:
            continue
        named = [person for person in mark.detail.get("people", "").split(",") if person]
        of_team = [one.person for one in shifts if one.team == target and one.start <= mark.at < one.end][:1]
        on = named or of_team or ([target] if target and target not in teams else [])
        found.update(dict.fromkeys(on, 1))
    return found


def fairness(shares: Sequence[Share], people: int) -> tuple[bool, str]:
    """Whether the load is uneven, and how it is shared, in words. ``people``: how many should share it."""
    total = sum(one.all for one in shares)
    count = max(people, len(shares))
    if count < 2 or not total:
        return False, f"{shares[0].person} had all {length(total)}"
    fair, most = total / count, shares[0]
    said = [f"{length(total)} in all, a fair share is {length(fair)}"]
    uneven = most.all > 1.25 * fair
    if uneven:
        said.append(f"{most.person} had {most.all / fair:.1f} times that")
    nights = max(shares, key=lambda one: one.night)
    if sum(one.night for one in shares) and nights.night > 1.5 * sum(one.night for one in shares) / count:
        said.append(f"{nights.person} had {100 * nights.night / sum(one.night for one in shares):.0f} % of the nights")
        uneven = True
    loud = max(shares, key=lambda one: one.pages)
    if loud.pages >= 3 and loud.pages > 1.5 * sum(one.pages for one in shares) / count:
        said.append(f"{loud.person} got {loud.pages} of {sum(one.pages for one in shares)} pages")
        uneven = True
    return uneven, "; ".join(said if uneven else [*said, "it is shared evenly"])
