"""Who is on call: what pages, alerts and the commands ask of the rota.

A handler takes ``rota: Rota`` after ``*``. Times are seconds since 1970; people are known by their id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

__all__ = ["Person", "Rota", "Shift", "Team"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the people file.

    Attributes:
        name: as people call them; the id where the file gives none.
        zone: in which they read times.
    """

    id: str
    name: str
    zone: tzinfo
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """A team that has a rota.

    Attributes:
        room: the id of its room; empty where it has none.
        zone: in which its times are told to whoever has none of their own.
        policy: the name of its escalation policy.
        handover: a note is wanted in its room when shifts change.
    """

    name: str
    room: str
    zone: tzinfo
    policy: str
    handover: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """A person on call from ``start`` to before ``end``.

    Attributes:
        layer: the layer of the rota, such as "primary".
        cover: the id of the cover or swap that put the person there, such as C3; empty for the plain rota.
        instead: who would have been on call without it; empty for the plain rota.
    """

    team: str
    layer: str
    person: str
    start: float
    end: float
    cover: str = ""
    instead: str = ""


class Rota(Protocol):
    """The rota in force: file, outside calendars, covers and swaps."""

    def team(self, name: str) -> Team:
        """The team of a name; the only one where it is empty.

        Raises:
            UserError: there is none, or several and none is said.
        """

    def teams(self) -> tuple[Team, ...]:
        """Every team, as they stand in the file."""

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody of the people file, by id."""

    @property
    def rooms(self) -> frozenset[str]:
        """The ids of the rooms that there are; empty where that is not known."""

    def part(self, name: str) -> Any:
        """What the reader of another part of the file, such as "policies" or "contacts", made of it.

        Readers stand in providers.py; each takes a `Given` (None where the part is not there) and the ids of all people.

        Raises:
            KeyError: nobody reads that part.
        """

    @property
    def problem(self) -> str:
        """What is wrong with the file as it stands now, and since when; empty if nothing is."""

    async def who(self, team: str, at: float) -> tuple[Shift, ...]:
        """Who is on call at a moment: a shift for each layer that has somebody then, in the order of the layers.

        Raises:
            UserError: there is no such team.
            ProviderError: an outside calendar did not answer, and nothing is remembered of it.
            BusError: covers could not be read.
        """

    async def schedule(self, team: str, start: float, end: float) -> tuple[Shift, ...]:
        """The shifts that touch a stretch of time, each whole, by start and layer. Raises as `who` does."""
