"""A rota as its file says it: layers of rotations, and overrides. Plain values, no clock and no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

from . import Team

ALL = "all"
"""In place of a person: whoever it is."""

NOBODY = "nobody"
"""In place of a stand-in: that person is not on call on holidays, and nobody is instead."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of each of some weekdays, in wall time: from ``begin`` to ``end``, ``after`` days later.

    Attributes:
        days: the weekdays on which it begins; Monday is 0.
    """

    days: frozenset[int]
    begin: time
    end: time
    after: int = 0


@dataclass(frozen=True, slots=True)
class Holidays:
    """What a rotation does on public holidays, from midnight to midnight in its zone.

    Attributes:
        country: such as "DE", or "DE-BE" for a part of it.
        skip: the rotation has nobody then.
        stand_ins: who is there instead of whom; `ALL` stands for everybody, `NOBODY` for no stand-in.
    """

    country: str
    skip: bool = False
    stand_ins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns.

    Attributes:
        people: their ids, in the order of their turns.
        starts: when the first turn begins, in wall time of ``zone``; turns change at that time of the day for ever.
        days: how long a turn is.
        until: when it ends, in wall time; None if it does not.
        windows: the only times at which it is on call; always without any.
        line: where it stands in the file.
    """

    people: tuple[str, ...]
    starts: datetime
    days: int
    zone: ZoneInfo
    until: datetime | None = None
    windows: tuple[Window, ...] = ()
    holidays: Holidays | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """Rotations that share the time among themselves: at no moment has more than one of them somebody."""

    name: str
    rotations: tuple[Rotation, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody who is on call in a layer for a while, whatever the rotations say. Times are seconds since 1970."""

    layer: str
    person: str
    start: float
    end: float
    line: int = 0


@dataclass(frozen=True, slots=True)
class Outside:
    """A calendar elsewhere whose shifts are a team's.

    Attributes:
        kind: "ical", "pagerduty" or "opsgenie".
        where: an http address or a file for "ical" and "opsgenie", the schedule's id for "pagerduty".
        people: which of our people a name there is.
        token_file: a file with the token that the calendar asks for; empty without one.
        api: the address of the API, where it is not the vendor's own.
    """

    kind: str
    where: str
    people: Mapping[str, str]
    token_file: str = ""
    api: str = ""


@dataclass(frozen=True, slots=True)
class TeamRota:
    """A team with its rota: layers of its own, or a calendar outside.

    Attributes:
        gaps: that nobody is on call at times is meant.
        line: where it stands in the file.
    """

    team: Team
    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    outside: Outside | None = None
    gaps: bool = False
    line: int = 0

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who takes turns or stands in, each once."""
        turns = [person for layer in self.layers for one in layer.rotations for person in one.people]
        ins = [
            person
            for layer in self.layers
            for one in layer.rotations
            if one.holidays
            for person in one.holidays.stand_ins.values()
            if person != NOBODY
        ]
        outside = self.outside.people.values() if self.outside else ()
        return tuple(dict.fromkeys([*turns, *ins, *(one.person for one in self.overrides), *outside]))
