"""Gauges from a real Prometheus, in which v1 never failed and v2 failed a quarter of its requests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bellboard import ProviderError, SettingsError
from bellboard.testing.servers import free_port
from bellboard_deploy.prometheus import PrometheusEntry, PrometheusGauges, open_prometheus
from bellboard_deploy.providers import Measure
from tests.integration.graphs import servers

REQUESTS = 'sum(increase(http_requests_total{app="$app",version="$version"}[${window}s]))'
FAILED = 'sum(increase(http_requests_total{app="$app",version="$version",code=~"5.."}[${window}s]))'
LAST = 'max(rate(http_requests_total{app="$app",version=~"$version_pattern",code="500"}[${window}s]))'


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Where it is. Its samples go on until a minute from now."""
    now = int(time.time()) // servers.EVERY * servers.EVERY
    async with servers.prometheus(tmp_path, now - 900, now + 60) as url:
        yield url


def said(url: str, **more: object) -> PrometheusEntry:
    """An entry as people write it."""
    return PrometheusEntry.model_validate(
        {"url": url, "requests": REQUESTS, "failed": FAILED, "p95": LAST, "every": 10, **more}
    )


async def test_a_version_is_measured_by_itself(url: str) -> None:
    """Over a window that holds a few scrapes at least; the reading says the query that was asked."""
    async with open_prometheus("prod", said(url)) as gauges:
        errors = await gauges.read("shop", "v2", "errors", 2.0)
        assert errors.value == pytest.approx(25, abs=1)
        assert errors.requests == pytest.approx(80, abs=5)
        assert errors.query == FAILED.replace("$app", "shop").replace("$version", "v2").replace("${window}", "40")
        fine = await gauges.read("shop", "v1", "errors", 60.0)
        assert fine.value == 0
        assert fine.requests == pytest.approx(120, abs=5)
        assert (await gauges.read("shop", "v2", "rps", 60.0)).value == pytest.approx(2.0, abs=0.1)
        assert (await gauges.read("shop", "v2", "p95", 60.0)).value == pytest.approx(0.5, abs=0.05)
        counted = await gauges.count("shop", "v2", 600.0)
        assert counted.requests == pytest.approx(1200, abs=30)
        assert counted.failed == pytest.approx(300, abs=10)


@pytest.mark.parametrize("measure", ["errors", "p95", "rps"])
@pytest.mark.parametrize("version", ["v3", 'v2",code="200', "v.", 'v2"}[1m])) or vector(1) #', "v2\\", "v2\n", "v|v2"])
async def test_a_version_that_nobody_asked_for_has_no_data(url: str, measure: Measure, version: str) -> None:
    """Whatever its name tries to be."""
    async with open_prometheus("prod", said(url)) as gauges:
        reading = await gauges.read("shop", version, measure, 60.0)
        assert (reading.value, reading.requests) == (None, 0)


async def test_a_query_that_gives_many_numbers_is_said(url: str) -> None:
    """None of them is taken."""
    async with open_prometheus("prod", said(url, requests='increase(http_requests_total{app="$app"}[${window}s])')) as gauges:
        with pytest.raises(ProviderError, match="gives 3 numbers instead of one"):
            await gauges.read("shop", "v2", "rps", 60.0)


async def test_a_query_that_prometheus_does_not_read_is_said_in_its_words(url: str) -> None:
    """As the hint."""
    async with open_prometheus("prod", said(url, requests="sum(")) as gauges:
        with pytest.raises(ProviderError, match="answered 400") as raised:
            await gauges.count("shop", "v2", 60.0)
        assert "parse error" in raised.value.hint


async def test_a_percentile_that_nobody_set_up_is_no_data(url: str) -> None:
    """It is not zero."""
    async with open_prometheus("prod", said(url, p95="")) as gauges:
        reading = await gauges.read("shop", "v2", "p95", 60.0)
        assert (reading.value, reading.query) == (None, "no query for p95 is set up")


@pytest.mark.parametrize(
    "body",
    ["", "nonsense", "[]", "null", '{"data":{}}', '{"data":{"resultType":"vector","result":[{"value":[1]}]}}', '{"data":null}'],
)
async def test_an_answer_that_is_not_its_own_is_said(tmp_path: Path, body: str) -> None:
    """It is no number, and no crash. The token is the one that stands in its file by then."""
    shown = []

    async def answer(request: web.Request) -> web.Response:
        shown.append(request.headers["Authorization"])
        return web.Response(text=body)

    token = tmp_path / "token"
    token.write_text("first\n")
    app = web.Application()
    app.router.add_post("/prefix/api/v1/query", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with open_prometheus("prod", said(f"http://127.0.0.1:{port}/prefix/", token_file=token)) as gauges:
            token.write_text("second\n")
            with pytest.raises(ProviderError, match=r"no JSON|not its own"):
                await gauges.read("shop", "v2", "errors", 60.0)
    finally:
        await runner.cleanup()
    assert shown == ["Bearer second"]


async def test_one_that_is_not_there_is_said() -> None:
    """Whatever is asked."""
    async with open_prometheus("prod", said(f"http://127.0.0.1:{free_port()}")) as gauges:
        await refuses(gauges)


async def refuses(gauges: PrometheusGauges) -> None:
    """It can't be asked."""
    for measure in ("errors", "p95", "rps"):
        with pytest.raises(ProviderError, match="can't be reached"):
            await gauges.read("shop", "v2", measure, 60.0)
    with pytest.raises(ProviderError, match="can't be reached"):
        await gauges.count("shop", "v2", 60.0)


@pytest.mark.parametrize("query", ["$apps", "$", "${version", "$5"])
async def test_a_query_with_another_place_is_refused_at_the_start(query: str) -> None:
    """With what there is."""
    with pytest.raises(SettingsError) as raised:
        async with open_prometheus("prod", said("http://127.0.0.1:9", failed=query)):
            pass
    assert "prod: prometheus" in raised.value.text
    assert "$version" in raised.value.hint
