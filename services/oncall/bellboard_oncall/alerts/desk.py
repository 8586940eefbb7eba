"""What the commands about alerts work with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bellboard import ProviderError
from bellboard.keep import Keep
from bellboard.marks import Marks

from ..rota import Rota
from . import alertmanager
from .groups import Group
from .routing import Routing
from .silences import Matchers, Silencer, Silences
from .store import Groups


@dataclass(frozen=True, slots=True)
class Desk:
    """What is remembered, and who is asked; a rehearsing command has others."""

    keep: Keep
    marks: Marks
    rota: Rota
    routing: Routing
    silencer: Silencer
    _known: dict[str, tuple[int, Group]] = field(default_factory=dict)

    def memory(self) -> Keep:
        """What is remembered."""
        return self.keep

    def groups(self) -> Groups:
        """The groups of alerts."""
        return Groups(self.keep, self._known)

    def silences(self) -> Silences:
        """The silences of our own."""
        return Silences(self.keep)


@asynccontextmanager
async def opened(file: Path | None, people_file: Path | None, rota: Rota, keep: Keep, marks: Marks) -> AsyncIterator[Desk]:
    """The desk over the file of routes and that of people and rooms; without the first, all goes to the room "ops"."""
    routing = Routing(file, rota, people_file)
    routing.table()
    async with alertmanager.opened(routing) as silencer:
        yield Desk(keep, marks, rota, routing, silencer)


class Nowhere:
    """For rehearsals: no silence is set where alerts come from."""

    there = False

    async def silence(self, id: str, matchers: Matchers, start: float, end: float, person: str, why: str) -> str:
        raise ProviderError("nothing is silenced outside in a rehearsal")

    async def expire(self, remote: str) -> None:
        """Nothing was set."""

    async def burning(self, matchers: Matchers) -> frozenset[str] | None:
        return None


def rehearsed(file: Path | None, people_file: Path | None, rota: Rota, keep: Keep, marks: Marks) -> Desk:
    """The desk of rehearsing commands."""
    return Desk(keep, marks, rota, Routing(file, rota, people_file), Nowhere())
