"""The file of rotas, policies and contacts, and that of people, as they are in force: a wrong one changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bellboard import SettingsError
from bellboard.telemetry import logs, names

from ..given import LARGEST, Given, parse, read
from . import Person, Team
from .file import read_teams
from .model import Layer, Rotation, TeamRota

LOOK_AGAIN = 0.5
"""Seconds between two looks at the files."""

Reader = Callable[[Given | None, Collection[str]], Any]
"""Reads another part of the file, such as its policies, knowing the ids of all people; None where the part is not there.

What it raises is a SettingsError.
"""

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Read:
    teams: Mapping[str, TeamRota]
    people: Mapping[str, Person]
    parts: Mapping[str, Any] = field(default_factory=dict)
    rooms: frozenset[str] = frozenset()


class Book:
    """What is in force.

    Args:
        file: the file; None: the house's own team, whose rota is everybody in the group "owners", a week each.
        people_file: the people; None: whoever the rotas name.
        readers: who reads the other parts of the file, by their key.
        remembered: the last good file that was remembered, for when the file is wrong from the start.

    Attributes:
        problem: what is wrong with the files as they stand now, and since when; empty if nothing is.
        good: the text of the file in force; empty without one.
    """

    def __init__(
        self, file: Path | None, people_file: Path | None, readers: Mapping[str, Reader], *, remembered: str = ""
    ) -> None:
        self._file, self._people_file, self._readers = file, people_file, dict(readers)
        self._people: Mapping[str, Person] = {}
        self.problem = self.good = ""
        self._stamp, self._looked = self._now(), time.monotonic()
        try:
            self._read = self._load(self._text())
        except SettingsError as error:
            self._refuse(error)
            self._read = self._fall_back(remembered)

    @property
    def teams(self) -> Mapping[str, TeamRota]:
        """Every team by name."""
        self.look()
        return self._read.teams

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody by id."""
        self.look()
        return self._read.people

    @property
    def rooms(self) -> frozenset[str]:
        """The ids of the rooms that there are; empty where that is not known."""
        self.look()
        return self._read.rooms

    def part(self, name: str) -> Any:
        """What a reader made of its part. Raises KeyError."""
        self.look()
        return self._read.parts[name]

    def look(self, *, now: bool = False) -> None:
        """Read the files again if they have changed; at most every `LOOK_AGAIN` seconds, or ``now``."""
        if not now and time.monotonic() - self._looked < LOOK_AGAIN:
            return
        self._looked, stamp = time.monotonic(), self._now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._read = self._load(self._text_again())
        except SettingsError as error:
            self._refuse(error)
            self._read = self._today(self._read)
        else:
            self.problem = ""
            logs.emit(names.FILE_RELOADED, files=[entry[0] for entry in stamp])

    def _refuse(self, error: SettingsError) -> None:
        self.problem = f"the file is wrong since {datetime.now(UTC):%a %H:%M} UTC; the rota before is in force: {error}"
        logs.emit(names.FILE_REFUSED, error=str(error))

    def _fall_back(self, remembered: str) -> _Read:
        """What was in force before this process began, else the house's own rota."""
        try:
            return self._load(remembered, again=True)
        except SettingsError:
            return self._load("", again=True)

    def _today(self, read: _Read) -> _Read:
        """The same rotas with the people and rooms that there are by now: whoever has left can't be told."""
        try:
            people = read_people(self._people_file)
        except SettingsError:
            return read
        return replace(read, people=people or read.people, rooms=rooms(self._people_file))

    def _text(self) -> str:
        if self._file is None:
            return ""
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return ""  # it is optional: the house's own rota is in force until there is one
        except OSError as error:
            raise SettingsError(f"{self._file} can't be read: {error.strerror}") from None
        if len(data) > LARGEST:
            raise SettingsError(f"{self._file.name} is larger than 1 MiB")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise SettingsError(f"{self._file.name} is not UTF-8") from None

    def _text_again(self) -> str:
        """The file's text; where one was in force, a file that is lost, or being written at this moment, is a wrong one."""
        text = self._text()
        if self._file is not None and self.good and not text.strip():
            raise SettingsError(f"{self._file.name} is gone or empty")
        return text

    def _load(self, text: str, *, again: bool = False) -> _Read:
        """What a text says. ``again``: it was in force before, so neither who has left nor a gap to come makes it wrong."""
        there = read_people(self._people_file)
        people = {} if again and text else there
        whole = parse(text, self._file.name if self._file else "oncall.yaml")
        said = whole.mapping("teams", *self._readers) if whole else {}
        teams = read_teams(said["teams"], people, None if again else time.time()) if "teams" in said else home(people)
        known = there or {name: Person(name, name, UTC) for rota in teams.values() for name in rota.people}
        parts = {name: _part(reader, said.get(name), people, again) for name, reader in self._readers.items()}
        for rota in () if again else teams.values():
            if whole is not None and "policies" in parts and rota.team.policy not in parts["policies"]:
                known_ones = ", ".join(parts["policies"])
                raise whole.at(rota.line).wrong(f"there is no policy “{rota.team.policy[:60]}”", hint=f"there is {known_ones}")
        self.good = text
        return _Read(teams, known, parts, rooms(self._people_file))

    def _now(self) -> _Stamp:
        found = []
        for path in filter(None, (self._file, self._people_file)):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)


def _part(reader: Reader, given: Given | None, people: Collection[str], again: bool) -> Any:
    """What a reader makes of its part. Of a file that was in force before, what is wrong by now takes no rota with it."""
    try:
        return reader(given, people)
    except SettingsError:
        if not again:
            raise
        return reader(None, people)


def home(people: Mapping[str, Person]) -> dict[str, TeamRota]:
    """The team that is there without a file: everybody in the group "owners" in turn, from Monday to Monday."""
    owners = tuple(one.id for one in people.values() if "owners" in one.groups)
    zones = [one.zone for one in people.values() if "owners" in one.groups and isinstance(one.zone, ZoneInfo)]
    zone = zones[0] if zones else ZoneInfo("UTC")
    rotation = Rotation(owners, datetime(2001, 1, 1, 9), 7, zone)  # noqa: DTZ001  # wall time of its zone
    layers = (Layer("primary", (rotation,)),) if owners else ()
    return {"home": TeamRota(Team("home", "ops", zone, "default"), zone, layers, gaps=not owners)}


def read_people(path: Path | None) -> dict[str, Person]:
    """Everybody of the people file by id; nobody where it is not there. The gateway checks it more closely.

    Raises:
        SettingsError: it can't be read.
    """
    if path is None or not path.exists():
        return {}
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        entries = [entry for entry in said.get("people", ()) if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    except (OSError, ValueError, AttributeError, TypeError, yaml.YAMLError):
        raise SettingsError(f"{path} can't be read, or is no list of people") from None
    return {one["id"]: _person(one) for one in entries}


def rooms(path: Path | None) -> frozenset[str]:
    """The ids of the rooms that there are; empty where that is not known."""
    try:
        given = read(path) if path is not None else None
        said = given.mapping() if given else {}
        return frozenset(one.mapping()["id"].text() for one in said["rooms"].items()) if "rooms" in said else frozenset()
    except (SettingsError, KeyError):
        return frozenset()  # the gateway tells what is wrong with it


def _person(entry: Mapping[str, Any]) -> Person:
    zone = str(entry.get("zone") or "UTC")
    try:
        found = UTC if zone == "UTC" else ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        found = UTC
    groups = tuple(str(group) for group in entry.get("groups") or ())
    return Person(entry["id"], str(entry.get("name") or entry["id"]), found, groups)
