"""Prometheus, and what answers as it does: VictoriaMetrics, Mimir, Thanos. Asked by POST /api/v1/query_range."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bellboard import ProviderError, UserError
from bellboard.ranges import Span

from .catalogue import Wanted
from .http import Client
from .providers import QuerySource
from .series import Series
from .settings import Settings

WINDOW = 30.0
"""Seconds that a point looks back on at least: two scrapes at the usual 15 s."""


@asynccontextmanager
async def prometheus(settings: Settings) -> AsyncIterator[QuerySource]:
    """The server that the settings name."""
    client = Client("Prometheus", settings.prometheus_url, settings.metrics_token_file)
    try:
        yield PrometheusSource(client, there=bool(settings.prometheus_url))
    finally:
        await client.close()


class PrometheusSource:
    """A `Prometheus`."""

    def __init__(self, client: Client, *, there: bool, window: float = WINDOW) -> None:
        self._client, self._there, self._window = client, there, window

    async def series(self, wanted: Wanted, span: Span, step: float) -> Sequence[Series]:
        template = wanted.entry.promql_by if wanted.label else wanted.entry.promql
        if not template:
            split = f" by {wanted.by}" if wanted.by else ""
            raise UserError(f"the catalogue has no PromQL for {wanted.entry.title!r}{split}")
        found = await self._ask(wanted.fill(template, max(self._window, step)), span, step)
        named = bool(wanted.by) or len(found) > 1
        return [Series(metric.get(wanted.label, "") if named else "", *line) for metric, line in found]

    async def ask(self, query: str, span: Span, step: float) -> Sequence[Series]:
        return [Series(_label(metric), *line) for metric, line in await self._ask(query, span, step)]

    async def _ask(self, query: str, span: Span, step: float) -> list[tuple[Mapping[str, str], _Points]]:
        if not self._there:
            raise UserError("no Prometheus is set up here", hint="BELLBOARD_PROMETHEUS_URL says where one is")
        fields = {"query": query, "start": f"{span.start:.3f}", "end": f"{span.end:.3f}", "step": f"{step:.3f}"}
        answer = await self._client.post("/api/v1/query_range", fields)
        try:
            return [(one.get("metric", {}), _points(one["values"], span, step)) for one in answer["data"]["result"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ProviderError("Prometheus answered in a form that is not its own") from error


_Points = tuple[tuple[float, ...], tuple[float | None, ...]]


def _points(values: Sequence[Any], span: Span, step: float) -> _Points:
    """Values on the whole grid: Prometheus leaves out the points it knows nothing of, and NaN is nothing known."""
    known = {round((float(at) - span.start) / step): float(value) for at, value in values}
    count = int((span.end - span.start) / step + 1e-6) + 1
    times = tuple(span.start + i * step for i in range(count))
    return times, tuple(None if (value := known.get(i)) is None or value - value != 0 else value for i in range(count))


def _label(metric: Mapping[str, str]) -> str:
    """Such as v2, or code=500 version=v2 where there is more than one label."""
    own = {name: value for name, value in sorted(metric.items()) if name != "__name__"}
    if len(own) == 1:
        return next(iter(own.values()))
    return " ".join(f"{name}={value}" for name, value in own.items()) or metric.get("__name__", "")
