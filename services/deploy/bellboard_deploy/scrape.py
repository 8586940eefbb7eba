"""Gauges from what replicas say of themselves: their metrics are read at their sockets, and compared over a window."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bellboard import ProviderError
from bellboard.telemetry import logs, names

from .providers import Counted, Measure, Reading
from .wire import ask

LONGEST = 120.0
"""Seconds that samples are kept."""

FRESH = 0.4
"""Seconds within which the replicas are not asked again."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters of one replica at one moment; ``buckets`` are cumulative, by upper bound in seconds."""

    at: float
    requests: float
    failed: float
    buckets: Mapping[float, float] = field(default_factory=dict)


class Scraper:
    """Reads the metrics of an app's replicas, and keeps what it read for two minutes."""

    def __init__(self, control: Path) -> None:
        self._control = control
        self._samples: dict[tuple[str, str, str], deque[Sample]] = {}  # by app, version and replica
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        await self._fresh()
        pairs = [_ends(samples, window) for key, samples in self._samples.items() if key[:2] == (app, version)]
        deltas = [_between(first, last) for first, last in (pair for pair in pairs if pair)]
        requests = sum(delta.requests for delta in deltas)
        query = f"{_QUERIES[measure]} of {{app={app}, version={version}}} over {window:.0f} s, from {len(deltas)} replicas"
        if not deltas or (not requests and measure != "rps"):
            return Reading(None, query)
        return Reading(_value(measure, deltas), query, round(requests))

    async def count(self, app: str, version: str, seconds: float) -> Counted:
        await self._fresh()
        last = [samples[-1] for key, samples in self._samples.items() if key[:2] == (app, version) and samples]
        return Counted(round(sum(one.requests for one in last)), round(sum(one.failed for one in last)))

    async def replicas(self, app: str) -> Mapping[str, Counted]:
        """All requests of each replica of an app that can be asked."""
        await self._fresh()
        last = {key[2]: samples[-1] for key, samples in self._samples.items() if key[0] == app and samples}
        return {name: Counted(round(one.requests), round(one.failed)) for name, one in last.items()}

    async def _fresh(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at < FRESH:
                return
            answer = await ask(self._control, "GET", "/v1/targets")
            if answer.code != 200:
                raise ProviderError(f"the sandbox does not tell of its replicas: {answer.error}")
            services = {one["app"]: one["service"] for one in (await ask(self._control, "GET", "/v1/apps")).json()}
            targets = [one for one in answer.json() if one["service"] == services.get(one["app"])]
            await asyncio.gather(*(self._scrape(one) for one in targets))
            self._read_at = time.monotonic()
            self._forget()

    async def _scrape(self, target: Mapping[str, str]) -> None:
        try:
            answer = await ask(Path(target["socket"]), "GET", "/metrics", who=target["replica"])
        except ProviderError as error:  # it is just starting or stopping; the others count
            logs.emit(names.HANDLER_FAILED, exc=error, command="", bot="deploy")
            return
        key = (target["app"], target["version"], target["replica"])
        self._samples.setdefault(key, deque()).append(parse(answer.body.decode(errors="replace"), time.monotonic()))

    def _forget(self) -> None:
        horizon = time.monotonic() - LONGEST
        for key, samples in list(self._samples.items()):
            while samples and samples[0].at < horizon:
                samples.popleft()
            if not samples:
                del self._samples[key]


_QUERIES: Mapping[Measure, str] = {
    "errors": "5xx / all of http_requests_total",
    "p95": "95th percentile of http_request_duration_seconds",
    "rps": "rate of http_requests_total",
}


def parse(text: str, at: float) -> Sample:
    """What a replica says of itself.

    Raises:
        ProviderError: it is no text of Prometheus.
    """
    requests = failed = 0.0
    buckets: dict[float, float] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "http_requests_total":
                    requests += sample.value
                    failed += sample.value if sample.labels.get("code", "").startswith("5") else 0
                elif sample.name == "http_request_duration_seconds_bucket":
                    bound = float(sample.labels["le"])
                    buckets[bound] = buckets.get(bound, 0.0) + sample.value
    except (ValueError, KeyError) as error:
        raise ProviderError("the metrics of a replica can't be read") from error
    return Sample(at, requests, failed, buckets)


def _ends(samples: Sequence[Sample], window: float) -> tuple[Sample, Sample] | None:
    """The newest sample, and the newest that is a window older, or else the oldest; None if there is only one."""
    if len(samples) < 2:
        return None
    last = samples[-1]
    older = [one for one in samples if one.at <= last.at - window]
    return (older[-1] if older else samples[0]), last


def _between(first: Sample, last: Sample) -> Sample:
    """What happened between two samples; a counter that began anew counts from 0."""
    if last.requests < first.requests:
        first = Sample(first.at, 0.0, 0.0)
    grown = {bound: count - first.buckets.get(bound, 0.0) for bound, count in last.buckets.items()}
    return Sample(last.at - first.at, last.requests - first.requests, last.failed - first.failed, grown)


def _value(measure: Measure, deltas: Sequence[Sample]) -> float | None:
    requests = sum(delta.requests for delta in deltas)
    match measure:
        case "errors":
            return 100 * sum(delta.failed for delta in deltas) / requests
        case "rps":
            return sum(delta.requests / delta.at for delta in deltas if delta.at > 0)
    merged: dict[float, float] = {}
    for delta in deltas:
        for bound, count in delta.buckets.items():
            merged[bound] = merged.get(bound, 0.0) + count
    return quantile(merged, 0.95)


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """A quantile of cumulative buckets, interpolated within its bucket; the largest finite bound where it lies beyond."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank, below, lower = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == float("inf"):
                return lower
            inside = buckets[bound] - below
            return lower + (bound - lower) * ((rank - below) / inside if inside else 1.0)
        below, lower = buckets[bound], bound
    return lower
