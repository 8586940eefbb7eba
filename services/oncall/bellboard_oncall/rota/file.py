"""The teams of a file, read and checked: whatever is wrong is named with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from ..given import Given, nearest
from . import Person, Team, engine
from .check import check
from .model import ALL, NOBODY, Holidays, Layer, Outside, Override, Rotation, TeamRota
from .words import read_turn, read_wall, read_window, read_zone

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TEAM = ("room", "zone", "policy", "handover", "rota")
_ROTA = ("layers", "holidays", "overrides", "gaps")
_OUTSIDE = ("ical", "pagerduty", "opsgenie")
_ROTATION = ("people", "starts", "every", "until", "zone", "restrict", "on_holidays")

MOST_TEAMS = 200
"""Teams in one file."""


def read_teams(given: Given, people: Mapping[str, Person], now: float | None) -> dict[str, TeamRota]:
    """Every team by name.

    Args:
        people: those there are; empty if that is not known, and then nobody is checked.
        now: from when on nobody may be missing; None for a file that was in force before: it is not looked at again.

    Raises:
        SettingsError: something is wrong; it names the line, and for a gap or an overlap the first hour.
    """
    found = {name: _Reader(name, one, people).team() for name, one in given.mapping().items()}
    if not found or len(found) > MOST_TEAMS:
        raise given.wrong(f"here should be 1 to {MOST_TEAMS} teams")
    if now is not None:
        for rota in found.values():
            check(rota, given, now)
    return found


class _Reader:
    """Reads one team."""

    def __init__(self, name: str, given: Given, people: Mapping[str, Person]) -> None:
        self._name, self._given, self._people = name, given, people
        self._said = given.mapping(*_TEAM)
        self._zone = read_zone(self._said["zone"]) if "zone" in self._said else ZoneInfo("UTC")
        self._country = ""

    def team(self) -> TeamRota:
        said = self._said
        if not _NAME.fullmatch(self._name):
            raise self._given.wrong(f"“{self._name[:60]}” is no name of a team", hint="small letters, digits and dashes")
        if "rota" not in said:
            raise self._given.wrong(f"{self._name} has no rota", hint="rota: {layers: [...]}")
        team = Team(
            self._name,
            said["room"].text() if "room" in said else "",
            self._zone,
            said["policy"].text() if "policy" in said else "default",
            said["handover"].flag() if "handover" in said else False,
        )
        rota = said["rota"].mapping(*_ROTA, *_OUTSIDE, "people", "token_file", "api")
        kinds = [kind for kind in _OUTSIDE if kind in rota]
        if kinds:
            return TeamRota(team, self._zone, outside=self._outside(kinds[0], rota), line=said["rota"].line)
        if "layers" not in rota:
            raise said["rota"].wrong("here should be layers, ical, pagerduty or opsgenie")
        self._country = self._holidays(rota["holidays"]) if "holidays" in rota else ""
        layers = self._layers(rota["layers"])
        overrides = self._overrides(rota["overrides"], layers) if "overrides" in rota else ()
        gaps = rota["gaps"].flag() if "gaps" in rota else False
        return TeamRota(team, self._zone, layers, overrides, gaps=gaps, line=said["rota"].line)

    def _layers(self, given: Given) -> tuple[Layer, ...]:
        found: dict[str, Layer] = {}
        for number, one in enumerate(given.items() if given.is_list else [given], 1):
            said = one.mapping("name", "rotations", *_ROTATION)
            name = said["name"].text() if "name" in said else f"layer{number}"
            if name in found:
                raise one.wrong(f"{self._name} has two layers named “{name[:60]}”")
            inner = said["rotations"].items() if "rotations" in said else [one]
            rotations = tuple(self._rotation(each, alone="rotations" not in said) for each in inner)
            found[name] = Layer(name, rotations, one.line)
        if not found:
            raise given.wrong(f"{self._name} has no layer")
        return tuple(found.values())

    def _rotation(self, given: Given, *, alone: bool) -> Rotation:
        said = given.mapping(*_ROTATION, *(("name", "rotations") if alone else ()))
        missing = [key for key in ("people", "starts", "every") if key not in said]
        if missing:
            raise given.wrong(
                f"here {' and '.join(missing)} is missing", hint="people: [ann], starts: 2026-11-02T09:00, every: 1 week"
            )
        zone = read_zone(said["zone"]) if "zone" in said else self._zone
        people = tuple(self._person(item) for item in said["people"].items())
        if not people:
            raise said["people"].wrong("nobody takes turns here")
        starts, until = read_wall(said["starts"]), read_wall(said["until"]) if "until" in said else None
        if until is not None and until <= starts:
            raise said["until"].wrong("it ends before it begins")
        return Rotation(
            people,
            starts,
            read_turn(said["every"]),
            zone,
            until,
            tuple(read_window(item) for item in _list(said["restrict"])) if "restrict" in said else (),
            self._on_holidays(said["on_holidays"]) if "on_holidays" in said else None,
            given.line,
        )

    def _person(self, given: Given) -> str:
        name = given.text().removeprefix("@")
        if (self._people and name not in self._people) or not _NAME.fullmatch(name):
            hint = nearest(name, self._people, otherwise="people stand in the people file, by their id")
            raise given.wrong(f"there is nobody “{name[:60]}”", hint=hint)
        return name

    def _holidays(self, given: Given) -> str:
        name = given.text()
        try:
            engine.calendar(name)
        except (NotImplementedError, ValueError):
            raise given.wrong(
                f"no holidays are known of “{name[:20]}”", hint="a country such as DE, or a part of it: DE-BE"
            ) from None
        return name

    def _on_holidays(self, given: Given) -> Holidays:
        if not self._country:
            raise given.wrong("it is not said whose holidays", hint="beside layers: holidays: DE")
        if not given.is_mapping:
            if given.text() != "skip":
                raise given.wrong("here should be skip, or who stands in", hint="on_holidays: {ann: bo}")
            return Holidays(self._country, skip=True)
        ins = {}
        for who, stand_in in given.mapping().items():
            if who != ALL and self._people and who not in self._people:
                raise given.wrong(f"there is nobody “{who[:60]}”", hint=f"an id, or {ALL}")
            ins[who] = NOBODY if stand_in.text() == NOBODY else self._person(stand_in)
        return Holidays(self._country, stand_ins=ins)

    def _overrides(self, given: Given, layers: tuple[Layer, ...]) -> tuple[Override, ...]:
        found = []
        for one in _list(given):
            said = one.mapping("person", "from", "to", "layer")
            if missing := [key for key in ("person", "from", "to") if key not in said]:
                raise one.wrong(f"here {' and '.join(missing)} is missing")
            layer = said["layer"].text() if "layer" in said else layers[0].name
            if layer not in {each.name for each in layers}:
                raise one.wrong(f"there is no layer “{layer[:60]}”", hint=f"there is {', '.join(each.name for each in layers)}")
            start, end = (engine.moment(read_wall(said[key]), self._zone) for key in ("from", "to"))
            if end <= start:
                raise one.wrong("it ends before it begins")
            found.append(Override(layer, self._person(said["person"]), start, end, one.line))
        return tuple(found)

    def _outside(self, kind: str, said: Mapping[str, Given]) -> Outside:
        if clash := [key for key in (*_ROTA, *_OUTSIDE) if key in said and key != kind]:
            raise said[clash[0]].wrong(f"a rota from {kind} has no {clash[0]}")
        people = {name: self._person(one) for name, one in said["people"].mapping().items()} if "people" in said else {}
        where, token, api = (said[key].text() if key in said else "" for key in (kind, "token_file", "api"))
        if not where:
            raise said[kind].wrong("here should be where it is")
        if api and not api.startswith(("https://", "http://")):
            raise said["api"].wrong("here should be an http address")
        return Outside(kind, where, people, token, api.rstrip("/"))


def _list(given: Given) -> list[Given]:
    return given.items() if given.is_list else [given]
