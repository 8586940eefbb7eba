"""People, their groups and accounts, and the rooms: one YAML file, read again when it changes."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bellboard.errors import SettingsError
from bellboard.grammar.suggest import nearest

from .watched import Watched

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""An id of a person, a group or a room: short, plain, and safe in policies and subjects."""

TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The SHA-256 of a token, in hex; the token itself is not kept."""


SHOWN = 12
"""Rooms that are listed where a name is none of theirs."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Account(_Entry):
    """An account on a chat system, by the id that the system itself gives; display names never count."""

    system: Annotated[str, StringConstraints(min_length=1)]
    workspace: str = ""
    user: Annotated[str, StringConstraints(min_length=1)]


class Person(_Entry):
    """A person: one id, whatever accounts they type from. ``zone`` is the IANA name of the zone whose times they type."""

    id: Id
    name: str = ""
    zone: str = "UTC"
    groups: tuple[Id, ...] = ()
    tokens: tuple[TokenHash, ...] = Field(default=(), repr=False)
    accounts: tuple[Account, ...] = ()

    @model_validator(mode="after")
    def _zone_is_one(self) -> Person:
        try:
            _zone(self.zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{self.id}: there is no time zone {self.zone[:60]!r}") from None
        return self


class RoomEntry(_Entry):
    """A room."""

    id: Id
    title: str = ""


class Directory(_Entry):
    """The whole file."""

    people: tuple[Person, ...] = ()
    rooms: tuple[RoomEntry, ...] = ()

    @model_validator(mode="after")
    def _nothing_twice(self) -> Directory:
        ids = [person.id for person in self.people]
        tokens = [token for person in self.people for token in person.tokens]
        accounts = [account for person in self.people for account in person.accounts]
        rooms = [room.id for room in self.rooms]
        for what, values in (("person", ids), ("token", tokens), ("account", accounts), ("room", rooms)):
            if twice := _twice(values):
                raise ValueError(f"the same {what} stands there twice" + (f": {twice}" if what in ("person", "room") else ""))
        return self


def _zone(name: str) -> tzinfo:
    """A time zone. UTC is there on every machine, its database of zones may not be."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _twice(values: Iterable[object]) -> object | None:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def hash_token(token: str) -> str:
    """What the file holds in place of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def read(path: Path) -> Directory:
    """Read the file, whole.

    Raises:
        SettingsError: it can't be read, or anything in it is wrong. It names the place, and shows no token.
    """
    try:
        return Directory.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path} is no YAML{where}", hint="put it right; what was in force stays so") from None
    except ValidationError as error:
        said = "; ".join(
            ".".join(str(part) for part in problem["loc"]) + ": " + problem["msg"].lower() for problem in error.errors()[:3]
        )
        raise SettingsError(f"{path}: {said}", hint="put it right; what was in force stays so") from None


@dataclass(frozen=True, slots=True)
class _Index:
    directory: Directory
    by_id: Mapping[str, Person]
    by_account: Mapping[Account, Person]
    tokens: tuple[tuple[str, Person], ...]
    rooms: Mapping[str, RoomEntry]


def _index(directory: Directory) -> _Index:
    return _Index(
        directory,
        {person.id: person for person in directory.people},
        {account: person for person in directory.people for account in person.accounts},
        tuple((token, person) for person in directory.people for token in person.tokens),
        {room.id: room for room in directory.rooms},
    )


class People:
    """Who there is. Every look takes the newest good version of the file.

    Raises:
        SettingsError: the file is wrong at the start.
    """

    def __init__(self, path: Path) -> None:
        self._file = Watched(lambda: [path], lambda: _index(read(path)))

    @property
    def version(self) -> int:
        """Counts the good versions of the file."""
        self._file.look()
        return self._file.version

    @property
    def problem(self) -> str:
        """What is wrong with the file as it stands now; empty if nothing is."""
        return self._file.problem

    @property
    def everyone(self) -> tuple[Person, ...]:
        return self._file.value.directory.people

    @property
    def rooms(self) -> tuple[RoomEntry, ...]:
        return self._file.value.directory.rooms

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that somebody is in, by name."""
        return tuple(sorted({group for person in self.everyone for group in person.groups}))

    def person(self, person_id: str) -> Person | None:
        return self._file.value.by_id.get(person_id)

    def room(self, room_id: str) -> RoomEntry | None:
        return self._file.value.rooms.get(room_id)

    def no_room(self, room_id: str) -> str:
        """What to say of a room that is none: which was most likely meant."""
        names = [room.id for room in self.rooms]
        near = nearest(room_id.removeprefix("#"), names)
        return "there is no such room; " + (f"did you mean {near}?" if near else f"there are: {', '.join(names[:SHOWN])}")

    def no_person(self, person_id: str) -> str:
        """What to say of a person who is none: who was most likely meant."""
        near = nearest(person_id.removeprefix("@"), [person.id for person in self.everyone])
        return f"there is no person {person_id[:60]}" + (f"; did you mean {near}?" if near else "")

    def zone(self, person_id: str) -> tzinfo:
        """The zone in which a person types times; UTC for whoever is not known."""
        person = self.person(person_id)
        return _zone(person.zone) if person else UTC

    def by_account(self, system: str, workspace: str, user: str) -> Person | None:
        """The person behind an account of a chat system."""
        if not system or not user:
            return None
        return self._file.value.by_account.get(Account(system=system, workspace=workspace, user=user))

    def by_token(self, token: str) -> Person | None:
        """The person whose token this is. Takes the same time whether and wherever it is found."""
        offered, found = hash_token(token), None
        for known, person in self._file.value.tokens:
            if hmac.compare_digest(known, offered):
                found = person
        return found
