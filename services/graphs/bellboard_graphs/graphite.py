"""Graphite, asked by POST /render with format=json."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bellboard import ProviderError, UserError
from bellboard.ranges import Span

from .catalogue import Wanted
from .http import Client
from .providers import QuerySource
from .series import POINTS, Series
from .settings import Settings


@asynccontextmanager
async def graphite(settings: Settings) -> AsyncIterator[QuerySource]:
    """The server that the settings name."""
    client = Client("Graphite", settings.graphite_url, settings.metrics_token_file)
    try:
        yield GraphiteSource(client, there=bool(settings.graphite_url))
    finally:
        await client.close()


class GraphiteSource:
    """A `Graphite`. It keeps its own distance between points; ``step`` only says how many are wanted."""

    def __init__(self, client: Client, *, there: bool) -> None:
        self._client, self._there = client, there

    async def series(self, wanted: Wanted, span: Span, step: float) -> Sequence[Series]:
        template = wanted.entry.graphite_by.get(wanted.by) if wanted.by else wanted.entry.graphite
        if not template:
            split = f" by {wanted.by}" if wanted.by else ""
            raise UserError(f"the catalogue has no Graphite target for {wanted.entry.title!r}{split}")
        found = await self.ask(wanted.fill(template, step), span, step)
        return found if wanted.by else [Series("", one.times, one.values) for one in found]

    async def ask(self, query: str, span: Span, step: float) -> Sequence[Series]:
        if not self._there:
            raise UserError("no Graphite is set up here", hint="BELLBOARD_GRAPHITE_URL says where one is")
        fields = {"target": query, "from": f"{int(span.start)}", "until": f"{int(span.end)}", "format": "json"}
        answer = await self._client.post("/render", {**fields, "maxDataPoints": f"{POINTS}"})
        try:
            return [_series(one) for one in answer if one["datapoints"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderError("Graphite answered in a form that is not its own") from error


def _series(one: dict[str, Any]) -> Series:
    values = tuple(None if value is None else float(value) for value, _ in one["datapoints"])
    return Series(str(one["target"]), tuple(float(at) for _, at in one["datapoints"]), values)
