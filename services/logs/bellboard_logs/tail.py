"""`logs tail`: one card that shows new lines as they come, until it is stopped, or has shown enough."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

from bellboard import Block, Call, table, text
from bellboard.keep import Keep, token

from .answer import as_line, discreet, lines_block, subject
from .drain import Drain
from .entries import ERROR, Entry
from .providers import LogSource
from .query import Query

EVERY = 2.0
"""Seconds between two changes of the card."""

LONGEST = timedelta(minutes=10)
MOST = 5_000
SHOWN = 20


async def follow(call: Call, source: LogSource, keep: Keep, query: Query, length: timedelta) -> AsyncIterator[list[Block]]:
    """The card as it changes; the last is a summary."""
    seen, began = _Seen(query), time.monotonic()
    ends, shown, why = began + min(length, LONGEST).total_seconds(), began, ""
    yield seen.card()
    async with aclosing(source.tail(query)) as batches:  # type: ignore[type-var]  # an async generator
        async for batch in batches:
            await seen.add(batch)
            now = time.monotonic()
            if seen.count >= MOST:
                why = f"after {MOST:,} lines"
            elif now >= ends:
                why = f"after {now - began:.0f} s"
            elif now - shown >= EVERY:
                shown = now
                if await _stopped(call, keep):
                    why = "when it was stopped"
                elif seen.news:
                    yield seen.card()
            if why:
                break
    yield seen.summary(why)


async def stop(call: Call, keep: Keep) -> None:
    """End the person's tails in the room that began before this."""
    await keep.put(_key(call), f"{call.at!r}".encode())


async def _stopped(call: Call, keep: Keep) -> bool:
    kept = await keep.get(_key(call))
    return kept is not None and float(kept.value) >= call.at


def _key(call: Call) -> str:
    return f"stop.{token(call.room)}.{token(call.person)}"


@dataclass
class _Seen:
    """What came so far: the last lines, those that are alike in one, and the counts."""

    query: Query
    count: int = 0
    bad: int = 0
    news: bool = False
    _last: deque[tuple[str, Entry, int]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    _patterns: Counter[str] = field(default_factory=Counter)
    _drain: Drain = field(default_factory=Drain)

    async def add(self, entries: Sequence[Entry]) -> None:
        for entry in (await asyncio.to_thread(discreet, entries))[: MOST - self.count] if entries else ():
            self.news = True
            self.count += 1
            self.bad += entry.level >= ERROR
            cluster = self._drain.learn(entry.message)
            self._patterns[cluster.template] += 1
            if self._last and self._last[-1][0] == cluster.template:
                _, _, times = self._last.pop()
                self._last.append((cluster.template, entry, times + 1))
            else:
                self._last.append((cluster.template, entry, 1))

    def card(self) -> list[Block]:
        """The last lines."""
        self.news = False
        head = text(f"following {subject(self.query)}: {self._counted()}")
        if not self._last:
            return [head]
        return [head, lines_block(as_line(entry) + (f"  × {times}" if times > 1 else "") for _, entry, times in self._last)]

    def summary(self, why: str) -> list[Block]:
        """What it was, by pattern."""
        head = text(f"followed {subject(self.query)}: {self._counted()}; ended {why}")
        rows = [(count, template) for template, count in self._patterns.most_common(10)]
        return [head, table(["lines", "pattern"], rows)] if rows else [head]

    def _counted(self) -> str:
        more = self.count - sum(times for _, _, times in self._last)
        bad = f", {self.bad:,} of them errors" if self.bad else ""
        return f"{self.count:,} lines{bad}{f', {more:,} before these' if more else ''}"
