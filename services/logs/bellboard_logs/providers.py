"""What the bot needs from outside: somewhere that lines come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bellboard import Providers

from .entries import Entry
from .query import Query
from .seen import Kinds
from .settings import Settings

MOST_COUNTED = 10_000
"""Lines up to which `LogSource.search` counts; more are not counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        entries: the newest lines, in order of time.
        total: how many there are in all, or how many were counted.
        more: there are more than were counted.
    """

    entries: Sequence[Entry]
    total: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lines that differ only in numbers and names.

    Attributes:
        template: what they have in common, ``<*>`` where they differ.
        count: how many there are in the stretch of time looked at.
        first, last: when, in seconds since 1970, they were there first ever, and last in that stretch.
        level: the worst level among them.
    """

    template: str
    count: int
    first: float
    last: float
    level: int


class LogSource(Protocol):
    """Lines of one origin. All of it only reads.

    Every method raises ProviderError where the origin does not answer, and UserError where it can't answer that.
    """

    async def search(self, query: Query, *, limit: int) -> Found:
        """The newest ``limit`` lines."""

    async def beside(self, query: Query, entry: Entry, count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """Up to ``count`` lines before and after a line that `search` found, of the same replica, whatever they hold."""

    async def count(self, query: Query, by: str) -> Sequence[tuple[str, int]]:
        """How many lines by "level", "service", "version" or "pattern", most first."""

    async def patterns(self, query: Query, *, new: bool = False) -> Sequence[Pattern]:
        """The patterns, most frequent first; ``new``: only those of which no line came before ``query.start``."""

    def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        """New lines as they come, some at a time, until it is closed. Start and end of the query do not matter.

        An empty one says that nothing has come for a second or so.
        """

    async def ping(self) -> None:
        """Raise ProviderError if it can't be reached."""


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made. A rehearsing command gets the sandbox's lines alone."""
    from .sources import Sources  # not before it is needed: it imports this module

    sources = Sources(settings)
    providers.register(LogSource, sources.everything, ping=lambda source: source.ping())
    providers.rehearse(LogSource, sources.sandbox)
    providers.register(Kinds, sources.kinds)
    providers.rehearse(Kinds, sources.sandbox_kinds)
