"""The rota in force: file or outside calendar, overrides, covers and swaps. What `Rota` promises is done here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from bellboard import Block, UserError, text
from bellboard.feeds import Feeds
from bellboard.keep import Keep
from bellboard.marks import Marks
from bellboard.replies import WARNING

from ..given import nearest
from . import Person, Shift, Team, engine
from .book import Book
from .covers import Cover, Covers, apply
from .model import TeamRota
from .outside.cache import Cache

GOOD_FILE = "file.good"
"""Where the last file that was in force is remembered, for a start with a wrong one."""


class Desk:
    """Everything that the commands of the rota work with.

    Attributes:
        web_url: where people find the web room, for links; empty where that is not known.
    """

    def __init__(self, book: Book, keep: Keep, marks: Marks, feeds: Feeds, cache: Cache, *, web_url: str = "") -> None:
        self.web_url = web_url
        self._book, self._keep, self._marks, self._feeds, self._cache = book, keep, marks, feeds, cache
        self._remembered = ""

    # --- what others ask for: see Rota ---

    def team(self, name: str) -> Team:
        """The team of a name; the only one where it is empty. Raises UserError."""
        return self.rota(name).team

    def teams(self) -> tuple[Team, ...]:
        """Every team."""
        return tuple(rota.team for rota in self._book.teams.values())

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody by id."""
        return self._book.people

    @property
    def rooms(self) -> frozenset[str]:
        """The ids of the rooms that there are; empty where that is not known."""
        return self._book.rooms

    def part(self, name: str) -> Any:
        """What a reader made of its part of the file. Raises KeyError."""
        return self._book.part(name)

    @property
    def problem(self) -> str:
        """What is wrong with the file, and since when; empty if nothing is."""
        self._book.look()
        return self._book.problem

    async def who(self, team: str, at: float) -> tuple[Shift, ...]:
        """Who is on call at a moment, a shift a layer. Raises UserError, ProviderError, BusError."""
        return self.on(await self.schedule(team, at, at + 0.001), at)

    async def schedule(self, team: str, start: float, end: float) -> tuple[Shift, ...]:
        """The whole shifts that touch a stretch of time, by start and layer. Raises UserError, ProviderError, BusError."""
        rota = self.rota(team)
        return self.over(rota, await self.base(rota, start, end), await self.covers().of(rota.team.name), start, end)

    # --- what the commands ask for besides ---

    def rota(self, name: str) -> TeamRota:
        """A team with its rota. Raises UserError."""
        teams = self._book.teams
        if not name and len(teams) == 1:
            return next(iter(teams.values()))
        if name in teams:
            return teams[name]
        if not name:
            raise UserError("which team?", hint=f"there is {', '.join(list(teams)[:8])}")
        hint = nearest(name, teams, otherwise=f"there is {', '.join(list(teams)[:8])}")
        raise UserError(f"there is no team “{name[:40]}”", hint=hint)

    def rotas(self) -> tuple[TeamRota, ...]:
        """Every team with its rota."""
        return tuple(self._book.teams.values())

    async def base(self, rota: TeamRota, start: float, end: float) -> list[Shift]:
        """The shifts of a stretch of time without covers. Raises ProviderError."""
        if rota.outside is None:
            return engine.by_file(rota, start, end)
        found = await self._cache.shifts(rota, time.time())
        return [one for one in found if one.start < end and one.end > start]

    def on(self, shifts: Sequence[Shift], at: float) -> tuple[Shift, ...]:
        """Those of a team's shifts that go on at a moment, in the order of the layers."""
        found = [one for one in shifts if one.start <= at < one.end]
        order = {layer.name: number for number, layer in enumerate(self.rota(found[0].team).layers)} if found else {}
        return tuple(sorted(found, key=lambda one: (order.get(one.layer, 0), one.layer, one.person)))

    def over(
        self, rota: TeamRota, base: Sequence[Shift], covers: Sequence[Cover], start: float, end: float
    ) -> tuple[Shift, ...]:
        """Those shifts with covers put on, that touch the stretch."""
        order = {layer.name: number for number, layer in enumerate(rota.layers)}
        found = [one for one in apply(base, covers) if one.start < end and one.end > start]
        return tuple(sorted(found, key=lambda one: (one.start, order.get(one.layer, 0), one.layer, one.person)))

    def covers(self) -> Covers:
        """The covers and swaps."""
        return Covers(self._keep, self._marks)

    def keep(self) -> Keep:
        """What the bot remembers."""
        return self._keep

    def marks(self) -> Marks:
        """The marks of every bot."""
        return self._marks

    def feeds(self) -> Feeds:
        """What the gateway serves for the bot."""
        return self._feeds

    def cache(self) -> Cache:
        """The calendars outside."""
        return self._cache

    def name(self, person: str) -> str:
        """A person as people call them."""
        found = self._book.people.get(person)
        return found.name if found else person

    def zone(self, person: str, team: Team) -> tzinfo:
        """The zone in which a person reads times; the team's for whoever has none known."""
        found = self._book.people.get(person)
        return found.zone if found else team.zone

    def known(self, person: str) -> str:
        """The person, if there is one.

        Raises:
            UserError: nobody has that id.
        """
        if person not in self._book.people:
            raise UserError(
                f"nobody of the rotas' people is {person[:40]}", hint="people stand in the people file, by their id"
            )
        return person

    def warnings(self, rota: TeamRota | None = None) -> list[Block]:
        """What whoever asks should know besides: that the file is wrong, or an outside calendar does not answer."""
        said = [self.problem, self._cache.problem(rota.team.name) if rota else ""]
        return [text(words, tone=WARNING) for words in said if words]

    async def remember(self) -> None:
        """Remember the file in force, for a start with a wrong one. Raises BusError."""
        if self._book.good and self._book.good != self._remembered:
            kept = await self._keep.get(GOOD_FILE)
            good = self._book.good.encode()
            if len(good) <= 200 * 1024 and (kept is None or kept.value != good):
                await self._keep.put(GOOD_FILE, good)
            self._remembered = self._book.good
