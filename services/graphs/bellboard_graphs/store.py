"""The embedded store: samples of Prometheus metrics in SQLite. What was acknowledged survives kill -9 and a power cut."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, metric TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (source, metric, labels)
);
CREATE TABLE IF NOT EXISTS sample (
  series INTEGER NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS round (source TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
BORN_WITHIN_MS = 30_000
"""A counter that the round before did not see began at 0 then, if that round is no longer ago."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value: the metric, its labels, and whether it only ever rises (a counter, or a bucket of a histogram)."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    value: float
    rising: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A series in the store."""

    id: int
    labels: Mapping[str, str]
    source: str = ""


class Store:
    """One file of samples. Threads take turns; another `Store` of the same file may read and write besides.

    Args:
        path: the file; its folder must be there.

    Raises:
        sqlite3.Error: it can't be opened, or is no store.
    """

    def __init__(self, path: Path) -> None:
        self._turn = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL", "cache_size=-4096"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close it, after whatever a thread still does with it."""
        with self._turn:
            self._db.close()

    def add(self, source: str, at: float, samples: Iterable[Sample]) -> int:
        """Keep one round of samples of a source, whole or not at all: when this returns they are on the disk.

        Args:
            source: where they come from, "sandbox" or "mesh".
            at: when they were taken, in seconds since 1970.

        Returns:
            How many samples were kept.
        """
        moment, count = round(at * 1000), 0
        with self._transaction():
            before = self._db.execute("SELECT at FROM round WHERE source = ?", (source,)).fetchone()
            birth = before[0] if before and moment - before[0] <= BORN_WITHIN_MS else None
            for sample in samples:
                series, new = self._series(source, sample)
                if new and sample.rising and birth is not None:
                    self._keep(series, birth, 0.0)
                self._keep(series, moment, sample.value)
                count += 1
            self._db.execute("INSERT OR REPLACE INTO round VALUES (?, ?)", (source, moment))
        return count

    def _keep(self, series: int, at: int, value: float) -> None:
        self._db.execute("INSERT OR IGNORE INTO sample VALUES (?, ?, ?)", (series, at, value))

    def _series(self, source: str, sample: Sample) -> tuple[int, bool]:
        """The number of a sample's series, and whether it is new."""
        key = (source, sample.metric, orjson.dumps(dict(sorted(sample.labels))).decode())
        found = self._db.execute("SELECT id FROM series WHERE source = ? AND metric = ? AND labels = ?", key).fetchone()
        if found:
            return int(found[0]), False
        return int(self._db.execute("INSERT INTO series (source, metric, labels) VALUES (?, ?, ?)", key).lastrowid or 0), True

    def find(self, metric: str, app: str, sources: Iterable[str]) -> list[Known]:
        """The series of a metric of an app, from some sources."""
        wanted = list(sources)
        marks = ",".join("?" * len(wanted))
        rows = self._read(
            f"SELECT id, labels, source FROM series WHERE metric = ? AND source IN ({marks})",  # noqa: S608  # marks only
            (metric, *wanted),
        )
        known = [Known(id, orjson.loads(labels), source) for id, labels, source in rows]
        return [one for one in known if one.labels.get("app") == app]

    def increases(self, series: int, start: float, step: float, count: int) -> dict[int, float]:
        """How far a counter rose in each of ``count`` steps from ``start``; resets count as a new beginning from 0.

        Returns:
            By the number of the step, those steps only that hold a sample which is not the first of all.
        """
        rows = self._read(
            """SELECT (at - :start) / :step AS slot, SUM(CASE WHEN value >= before THEN value - before ELSE value END)
               FROM (SELECT at, value, LAG(value) OVER (ORDER BY at) AS before FROM sample
                     WHERE series = :series AND at >= :start - 60000 AND at < :start + :step * :count)
               WHERE before IS NOT NULL AND at >= :start GROUP BY slot""",
            {"series": series, "start": round(start * 1000), "step": round(step * 1000), "count": count},
        )
        return {int(slot): float(rise) for slot, rise in rows}

    def lasts(self, series: int, start: float, step: float, count: int) -> dict[int, float]:
        """The last value in each of ``count`` steps from ``start``, by the number of the step."""
        rows = self._read(
            """SELECT (at - :start) / :step AS slot, value, MAX(at) FROM sample
               WHERE series = :series AND at >= :start AND at < :start + :step * :count GROUP BY slot""",
            {"series": series, "start": round(start * 1000), "step": round(step * 1000), "count": count},
        )
        return {int(slot): float(value) for slot, value, _ in rows}

    def prune(self, before: float, largest: int) -> None:
        """Forget samples older than ``before``, and then the oldest until the file is no larger than ``largest`` bytes."""
        edge = round(before * 1000)
        with self._transaction():
            self._db.execute("DELETE FROM sample WHERE at < ?", (edge,))
        while self.size > largest and (span := self._span()):
            first, last = span
            with self._transaction():
                self._db.execute("DELETE FROM sample WHERE at <= ?", (first + max(1, (last - first) // 8),))
        with self._transaction():
            self._db.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM sample WHERE series = series.id)")
        self._read("PRAGMA incremental_vacuum")

    def _span(self) -> tuple[int, int] | None:
        first, last = self._read("SELECT MIN(at), MAX(at) FROM sample")[0]
        return None if first is None else (int(first), int(last))

    @property
    def size(self) -> int:
        """Bytes that are in use."""
        pages, free, size = (self._read(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _read(self, query: str, given: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._db.execute(query, given).fetchall()
