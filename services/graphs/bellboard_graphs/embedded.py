"""The embedded source: rates, shares, gauges and quantiles out of the bot's own store. No PromQL is spoken here."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bellboard import ProviderError, UserError
from bellboard.ranges import Span

from . import scrape
from .catalogue import Catalogue, Embedded, Wanted
from .providers import MetricSource
from .series import Series
from .settings import Settings
from .store import Known, Store

FILE = "metrics.db"
MOST_STEPS = 5000

Row = list[float | None]
Rows = dict[str, Row]
"""Values for each step, by what a label says."""


@asynccontextmanager
async def embedded(settings: Settings, catalogue: Catalogue) -> AsyncIterator[MetricSource]:
    """Scrape in the background, and answer from everything that was scraped."""
    async with AsyncExitStack() as stack:
        folder = settings.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellboard-graphs-")))
        writer, reader = Store(folder / FILE), Store(folder / FILE)
        stack.callback(reader.close)
        stack.callback(writer.close)
        await stack.enter_async_context(scrape.scraping(writer, settings, catalogue.metrics))
        yield EmbeddedSource(reader, {"sandbox": settings.scrape_seconds, "mesh": settings.scrape_mesh_seconds})


@asynccontextmanager
async def sandboxed(settings: Settings, catalogue: Catalogue) -> AsyncIterator[MetricSource]:
    """Answer from the sandbox alone: the twin for rehearsals. It scrapes into a store of its own, which is not kept."""
    with tempfile.TemporaryDirectory(prefix="bellboard-rehearsal-") as folder:
        writer, reader = Store(Path(folder) / FILE), Store(Path(folder) / FILE)
        try:
            own = settings.model_copy(update={"run_file": Path(folder) / "none"})
            async with scrape.scraping(writer, own, catalogue.metrics):
                yield EmbeddedSource(reader, {"sandbox": settings.scrape_seconds})
        finally:
            reader.close()
            writer.close()


class EmbeddedSource:
    """A `MetricSource` that reads a store.

    Args:
        sources: whose samples it may see, with the seconds between them; a point looks back on at least two.
    """

    def __init__(self, store: Store, sources: Mapping[str, float]) -> None:
        self._store, self._sources = store, sources

    async def series(self, wanted: Wanted, span: Span, step: float) -> Sequence[Series]:
        query = wanted.entry.embedded
        if query is None:
            raise UserError(f"the embedded store knows no {wanted.entry.title!r}", hint="see `graph list`")
        try:
            return await asyncio.to_thread(self._read, query, wanted, span, step)
        except sqlite3.Error as error:
            raise ProviderError("the embedded store can't be read") from error

    def _read(self, query: Embedded, wanted: Wanted, span: Span, step: float) -> list[Series]:
        metric = f"{query.metric}_bucket" if query.measure == "quantile" else query.metric
        known = self._store.find(metric, wanted.app, self._sources)
        if wanted.by and known and not any(wanted.by in one.labels for one in known):
            labels = ", ".join(sorted({name for one in known for name in one.labels} - {"le", "app"}))
            raise UserError(f"nothing here has the label {wanted.by!r}", hint=f"there are {labels}")
        slowest = max((self._sources[one.source] for one in known), default=0.0)
        grid = _Grid(self._store, span, step, 2 * slowest)
        groups = _grouped(known, wanted.by or _several(known, wanted.entry.split))
        rows = {name: _measure(query, group, grid) for name, group in groups.items()}
        times = tuple(span.start + (i + 1) * step for i in range(grid.count))
        return [
            Series(name, times, tuple(row)) for name, row in sorted(rows.items()) if any(value is not None for value in row)
        ]


class _Grid:
    """The steps of a span, and what is known of a series in each; a point looks back on ``window`` steps."""

    def __init__(self, store: Store, span: Span, step: float, least: float) -> None:
        self._store, self._step = store, step
        self.count = min(MOST_STEPS, max(1, math.ceil((span.end - span.start) / step - 1e-9)))
        self.window = max(1, math.ceil(least / step))
        self._start = span.start - (self.window - 1) * step

    def rate(self, series: Known) -> Row:
        """How much a counter rose per second."""
        found = self._store.increases(series.id, self._start, self._step, self.count + self.window - 1)
        return self._look_back(found, lambda values: sum(values) / (self.window * self._step))

    def gauge(self, series: Known) -> Row:
        """The last value."""
        found = self._store.lasts(series.id, self._start, self._step, self.count + self.window - 1)
        return self._look_back(found, lambda values: values[-1])

    def _look_back(self, found: Mapping[int, float], told: Callable[[list[float]], float]) -> Row:
        windows = ([found[k] for k in range(i, i + self.window) if k in found] for i in range(self.count))
        return [told(values) if values else None for values in windows]


def _several(known: Sequence[Known], label: str) -> str:
    """The label, if there are several values of it."""
    return label if label and len({one.labels.get(label, "") for one in known}) > 1 else ""


def _grouped(known: Sequence[Known], by: str) -> dict[str, list[Known]]:
    groups: dict[str, list[Known]] = defaultdict(list)
    for one in known:
        groups[one.labels.get(by, "") if by else ""].append(one)
    return groups


def _measure(query: Embedded, group: Sequence[Known], grid: _Grid) -> Row:
    if query.measure == "gauge":
        return _sum([grid.gauge(one) for one in group])
    if query.measure == "quantile":
        return _quantiles(query.quantile, group, grid)
    rates = [(one, grid.rate(one)) for one in group]
    whole = _sum([rate for _, rate in rates])
    if query.measure == "rate":
        return whole
    part = _sum([rate for one, rate in rates if _matches(one.labels, query.where)]) or [None] * grid.count
    return [100 * (a or 0.0) / b if b else None for a, b in zip(part, whole, strict=True)]


def _quantiles(quantile: float, group: Sequence[Known], grid: _Grid) -> Row:
    """By straight lines within the buckets, as Prometheus does it."""
    buckets: dict[float, list[Row]] = defaultdict(list)
    for one in group:
        buckets[float(one.labels.get("le", "inf"))].append(grid.rate(one))
    edges = sorted(buckets)
    rows = [_sum(buckets[edge]) for edge in edges]
    return [_quantile(quantile, edges, [row[i] or 0.0 for row in rows]) for i in range(grid.count)]


def _quantile(quantile: float, edges: Sequence[float], heights: Sequence[float]) -> float | None:
    """The value below which a share of the whole lies, given how much lies up to each edge."""
    if not edges or heights[-1] <= 0 or math.isfinite(edges[-1]):
        return None
    rank = quantile * heights[-1]
    place = next((i for i, height in enumerate(heights) if height >= rank), len(edges) - 1)
    if math.isinf(edges[place]):
        return edges[place - 1] if place else None
    low, under = (edges[place - 1], heights[place - 1]) if place else (0.0, 0.0)
    share = (rank - under) / (heights[place] - under) if heights[place] > under else 1.0
    return low + (edges[place] - low) * share


def _matches(labels: Mapping[str, str], where: Mapping[str, str]) -> bool:
    return all(
        labels.get(name, "").startswith(value[:-1]) if value.endswith("*") else labels.get(name, "") == value
        for name, value in where.items()
    )


def _sum(rows: Sequence[Row]) -> Row:
    """Row by row; None where nothing is known in any."""
    sums: Row = []
    for values in zip(*rows, strict=True):
        known = [value for value in values if value is not None]
        sums.append(sum(known) if known else None)
    return sums
