"""Gauges from Prometheus, and what answers as it does: VictoriaMetrics, Mimir, Thanos. Asked by POST /api/v1/query."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field

from bellboard import ProviderError, SettingsError

from .providers import Counted, Measure, Reading

SECONDS = 3.0
"""For an answer: whoever watches a rollout has to hear, too, that it is to go back."""

SCRAPES = 4
"""Scrapes that a window has to hold at least, so that one that was missed does not leave it without an increase."""

_TRY = {"app": "shop", "version": "v1", "version_pattern": "v1", "window": "60"}


class PrometheusEntry(BaseModel):
    """How the versions of an environment are measured.

    The queries are PromQL, each for one number. ``$app`` and ``$version`` in them stand within quotes, ``$version_pattern``
    is the version within a regular expression, and ``$window`` is a whole number of seconds.

    Attributes:
        url: of the server, with the prefix that its ``/api/v1`` has.
        token_file: holds the bearer token that it wants, if it wants one.
        requests: how many there were in the window.
        failed: how many of them failed.
        p95: the 95th percentile of their durations, in seconds; left out, no gate can ask for it.
        every: seconds between two scrapes of the app.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^\s@]+$")
    token_file: Path | None = None
    requests: str = Field(min_length=1)
    failed: str = Field(min_length=1)
    p95: str = ""
    every: float = Field(default=15.0, gt=0, le=300)


class PrometheusGauges:
    """`Gauges` of one environment."""

    def __init__(self, session: aiohttp.ClientSession, said: PrometheusEntry) -> None:
        self._session, self._said = session, said

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        seconds = math.ceil(max(window, SCRAPES * self._said.every))
        requests = await self._number(_fill(self._said.requests, app, version, seconds))
        if measure == "rps":
            query = _fill(self._said.requests, app, version, seconds)
            return Reading(None if requests is None else requests / seconds, f"{query} / {seconds}", round(requests or 0))
        template = self._said.failed if measure == "errors" else self._said.p95
        if not template:
            return Reading(None, f"no query for {measure} is set up")
        query = _fill(template, app, version, seconds)
        if not requests:
            return Reading(None, query)
        value = await self._number(query)
        if measure == "errors":
            value = 100 * min((value or 0.0) / requests, 1.0)  # nothing failed yet: the series is not there
        return Reading(value, query, round(requests))

    async def count(self, app: str, version: str, seconds: float) -> Counted:
        window = math.ceil(max(seconds, SCRAPES * self._said.every))
        queries = [_fill(one, app, version, window) for one in (self._said.requests, self._said.failed)]
        requests, failed = await asyncio.gather(*map(self._number, queries))
        return Counted(round(requests or 0), round(failed or 0))

    async def _number(self, query: str) -> float | None:
        """The one number that a query gives; None for none, and for one that is no number."""
        try:
            headers, url = _headers(self._said), f"{self._said.url.rstrip('/')}/api/v1/query"
            async with self._session.post(url, data={"query": query}, headers=headers, allow_redirects=False) as answer:
                said = orjson.loads(await answer.read() if answer.status in (200, 400, 422) else b"{}")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ProviderError("Prometheus can't be reached") from error
        except orjson.JSONDecodeError as error:
            raise ProviderError("Prometheus answered with something that is no JSON") from error
        if answer.status != 200:
            words = str(said.get("error", "")) if isinstance(said, dict) else ""
            raise ProviderError(f"Prometheus answered {answer.status}", hint=" ".join(words.split())[:200])
        return _one(said)


def _one(said: object) -> float | None:
    try:
        data = said["data"]  # type: ignore[index]  # what is no answer of Prometheus ends below
        values = [data["result"]] if data["resultType"] == "scalar" else [one["value"] for one in data["result"]]
        numbers = [float(value) for _, value in values]
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderError("Prometheus answered in a form that is not its own") from error
    if len(numbers) > 1:
        raise ProviderError(f"a query gives {len(numbers)} numbers instead of one", hint="sum(…) makes one of them")
    return numbers[0] if numbers and math.isfinite(numbers[0]) else None


def _headers(said: PrometheusEntry) -> dict[str, str]:
    """The token is read each time: a cluster puts a new one into its file every hour."""
    if said.token_file is None:
        return {}
    return {"Authorization": f"Bearer {''.join(said.token_file.read_text(errors='replace').split())}"}


def _fill(template: str, app: str, version: str, seconds: int) -> str:
    words = {"app": app, "version": version, "version_pattern": re.escape(version)}
    quoted = {name: word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for name, word in words.items()}
    return Template(template).substitute(quoted, window=str(seconds))


@asynccontextmanager
async def open_prometheus(name: str, said: PrometheusEntry) -> AsyncIterator[PrometheusGauges]:
    """The gauges of the environment ``name``. Prometheus need not be there yet.

    Raises:
        SettingsError: a query names a place that there is not, or the token can't be read.
    """
    try:
        for query in (said.requests, said.failed, said.p95):
            Template(query).substitute(_TRY)
        _headers(said)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"the environment {name}: prometheus: {error} in a query", hint=_PLACES) from error
    except OSError as error:
        raise SettingsError(f"the environment {name}: prometheus: the token can't be read: {error.strerror}") from error
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        yield PrometheusGauges(session, said)


_PLACES = "there are $app, $version, $version_pattern and $window; a dollar itself is $$"
