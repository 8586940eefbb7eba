"""What a source needs that can only be asked for lines: counts, patterns and tails are found in those."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from ..drain import Cluster, Drain
from ..entries import LEVELS, Entry
from ..providers import Found, Pattern
from ..query import Query

MOST = 5_000
"""Lines that are looked at."""

BESIDE_SECONDS = 600.0
PAUSE = 2.0
"""Seconds between two looks of a tail."""


class Sifted(ABC):
    """A `LogSource` that finds everything by `search`."""

    @abstractmethod
    async def search(self, query: Query, *, limit: int) -> Found:
        """See `LogSource.search`."""

    async def beside(self, query: Query, entry: Entry, count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """See `LogSource.beside`."""
        plain = replace(query, words=(), regexes=(), level=0)
        earlier = await self.search(replace(plain, start=entry.at - BESIDE_SECONDS, end=entry.at), limit=20 * count)
        later = await self.search(replace(plain, start=entry.at, end=entry.at + BESIDE_SECONDS), limit=MOST)
        before = [other for other in earlier.entries if other.replica == entry.replica]
        after = [other for other in later.entries if other.replica == entry.replica and other.at > entry.at]
        return before[-count:], after[:count]

    async def count(self, query: Query, by: str) -> Sequence[tuple[str, int]]:
        """See `LogSource.count`."""
        if by == "pattern":
            return [(pattern.template, pattern.count) for pattern in await self.patterns(query)]
        found = (await self.search(query, limit=MOST)).entries
        counts = Counter(LEVELS[entry.level] if by == "level" else str(getattr(entry, by)) for entry in found)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    async def patterns(self, query: Query, *, new: bool = False) -> Sequence[Pattern]:
        """See `LogSource.patterns`. New is what was not there in as long a time before."""
        drain = Drain()
        known: set[Cluster] = set()
        if new:
            before = replace(query, start=max(0.0, 2 * query.start - query.end), end=query.start, words=(), regexes=(), level=0)
            known = {drain.learn(entry.message) for entry in (await self.search(before, limit=MOST)).entries}
        groups: dict[Cluster, list[Entry]] = {}
        for entry in (await self.search(query, limit=MOST)).entries:
            groups.setdefault(drain.learn(entry.message), []).append(entry)
        found = [
            Pattern(cluster.template, len(lines), lines[0].at, lines[-1].at, max(line.level for line in lines))
            for cluster, lines in groups.items()
            if cluster not in known
        ]
        return sorted(found, key=lambda pattern: (-pattern.count, pattern.template))

    async def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        """See `LogSource.tail`. It asks again and again; lines that come late by more than a pause are missed."""
        since, seen = time.time(), set[Entry]()
        while True:
            await asyncio.sleep(PAUSE)
            now = time.time()
            found = (await self.search(replace(query, start=since - PAUSE, end=now), limit=MOST)).entries
            yield [entry for entry in found if entry not in seen]
            since, seen = now, set(found)
