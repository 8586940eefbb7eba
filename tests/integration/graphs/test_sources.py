"""What every source of metrics owes the bot, held against the embedded one, a real Prometheus and a real Graphite."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bellboard import ProviderError, UserError
from bellboard.ranges import Span
from bellboard.testing.servers import free_port
from bellboard.testing.talk import settings_for
from bellboard_graphs.catalogue import Catalogue, Entry, Wanted
from bellboard_graphs.embedded import FILE, EmbeddedSource
from bellboard_graphs.graphite import graphite
from bellboard_graphs.prometheus import prometheus
from bellboard_graphs.providers import MetricSource
from bellboard_graphs.settings import Settings
from bellboard_graphs.store import Sample, Store

from . import servers

STEP = 60.0
CATALOGUE = Catalogue.read(None)


@asynccontextmanager
async def source_of(kind: str, folder: Path, begin: int, end: int) -> AsyncIterator[MetricSource]:
    """A source that knows the shop."""
    if kind == "prometheus":
        async with servers.prometheus(folder, begin, end) as url, prometheus(settings_for(Settings, prometheus_url=url)) as one:
            yield one
    elif kind == "graphite":
        async with servers.graphite(folder, begin, end) as url, graphite(settings_for(Settings, graphite_url=url)) as two:
            yield two
    else:
        store = Store(folder / FILE)
        for at, version, code, value in servers.samples(begin, end):
            labels = (("app", "shop"), ("code", code), ("version", version))
            store.add("sandbox", at, [Sample("http_requests_total", labels, value, True)])
        yield EmbeddedSource(store, {"sandbox": servers.EVERY})
        store.close()


@pytest.fixture
def span() -> Span:
    """The last half hour, in whole minutes."""
    end = int(time.time()) // 60 * 60
    return Span(end - 1800.0, float(end), "")


@pytest.fixture(params=["embedded", "prometheus", "graphite"])
async def source(request: pytest.FixtureRequest, tmp_path: Path, span: Span) -> AsyncIterator[MetricSource]:
    """Each of the sources."""
    async with source_of(request.param, tmp_path, int(span.start), int(span.end)) as one:
        yield one


def middle(values: tuple[float | None, ...]) -> list[float]:
    """What is known, without both ends: there each source has its own way."""
    known = [value for value in values if value is not None]
    assert len(known) >= 20
    return known[5:-5]


async def test_a_source_keeps_its_promises(source: MetricSource, span: Span) -> None:
    """The rate, the share of failures, the split by version; nothing of what it does not know."""
    (rps,) = await source.series(CATALOGUE.want("rps", "shop", ""), span, STEP)
    assert rps.label == ""
    assert span.start - STEP <= rps.times[0] <= rps.times[-1] <= span.end + STEP
    assert middle(rps.values) == pytest.approx([4.0] * len(middle(rps.values)), rel=0.02)

    (errors,) = await source.series(CATALOGUE.want("errors", "shop", ""), span, STEP)
    assert middle(errors.values) == pytest.approx([12.5] * len(middle(errors.values)), rel=0.02)

    split = {one.label: one for one in await source.series(CATALOGUE.want("rps", "shop", "version"), span, STEP)}
    assert sorted(split) == ["v1", "v2"]
    assert middle(split["v2"].values) == pytest.approx([2.0] * len(middle(split["v2"].values)), rel=0.02)

    unknown = await source.series(CATALOGUE.want("rps", "nowhere", ""), span, STEP)
    assert [point for line in unknown for point in line.known] == []


async def test_a_measure_without_a_query_is_refused(source: MetricSource, span: Span) -> None:
    """It says that there is none."""
    with pytest.raises(UserError):
        await source.series(Wanted(entry=Entry(title="nothing"), app="shop"), span, STEP)


async def test_prometheus_takes_queries(tmp_path: Path, span: Span) -> None:
    """Each line has its labels; a broken query is told in the server's words; a failing version is a line of its own."""
    async with (
        servers.prometheus(tmp_path, int(span.start), int(span.end)) as url,
        prometheus(settings_for(Settings, prometheus_url=url)) as source,
    ):
        found = await source.ask("sum by (version, code) (rate(http_requests_total[2m]))", span, STEP)
        assert sorted(line.label for line in found) == ["code=200 version=v1", "code=200 version=v2", "code=500 version=v2"]
        errors = await source.series(CATALOGUE.want("errors", "shop", "version"), span, STEP)
        assert {line.label: round(middle(line.values)[0]) for line in errors} == {"v1": 0, "v2": 25}
        with pytest.raises(UserError, match="does not understand") as told:
            await source.ask("sum(", span, STEP)
        assert "parse error" in told.value.hint


async def test_graphite_takes_targets(tmp_path: Path, span: Span) -> None:
    """Each line has the name that Graphite gives it; an unknown function is told."""
    async with (
        servers.graphite(tmp_path, int(span.start), int(span.end)) as url,
        graphite(settings_for(Settings, graphite_url=url)) as source,
    ):
        found = await source.ask("aliasByNode(perSecond(apps.shop.*.requests.500), 2)", span, STEP)
        assert [line.label for line in found] == ["v2"]
        assert await source.ask("no.such.metric", span, STEP) == []
        with pytest.raises((UserError, ProviderError), match="Graphite"):
            await source.ask("noSuchFunction(apps.shop.*)", span, STEP)


@pytest.mark.parametrize("kind", ["prometheus", "graphite"])
async def test_a_server_that_is_not_there_is_told(kind: str, span: Span) -> None:
    """Politely."""
    make = prometheus if kind == "prometheus" else graphite
    async with make(settings_for(Settings, **{f"{kind}_url": f"http://127.0.0.1:{free_port()}"})) as source:
        with pytest.raises(ProviderError, match="can't be reached"):
            await source.ask("up", span, STEP)
