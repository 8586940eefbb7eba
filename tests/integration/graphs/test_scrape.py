"""Scraping: real processes' pages, over unix sockets and over HTTP, into the store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from bellboard.ranges import Span
from bellboard.testing.eventually import eventually
from bellboard.testing.talk import settings_for
from bellboard_graphs.catalogue import Catalogue
from bellboard_graphs.embedded import embedded, sandboxed
from bellboard_graphs.settings import Settings

MESH = 'bellboard_lines_total{outcome="ran"} %d\nbellboard_bus_connected 1\n'
SHOP = """# TYPE http_requests_total counter
http_requests_total{code="200"} %d
http_requests_total{code="500"} %d
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 5
"""


class Outside:
    """A sandbox with one replica, and one process of the mesh; each page has counters that rise."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        self.socket, self.control = folder / "shop-1.sock", folder / "control.sock"
        self.run_file = folder / "run.json"

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen."""
        await self._serve(stack, "/metrics", self._shop, path=self.socket)
        await self._serve(stack, "/v1/targets", self._targets, path=self.control)
        port = await self._serve(stack, "/metrics", self._mesh)
        self.run_file.write_bytes(orjson.dumps({"ports": {"health": {"gw-1": port, "gone": 1}}}))

    async def _serve(self, stack: AsyncExitStack, route: str, page: object, path: Path | None = None) -> int:
        app = web.Application()
        app.router.add_get(route, page)  # type: ignore[arg-type]
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site: web.BaseSite = web.UnixSite(runner, str(path)) if path else web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return 0 if path else int(runner.addresses[0][1])

    async def _targets(self, _: web.Request) -> web.Response:
        known = {"app": "shop", "service": "web", "replica": "shop-1", "version": "v2", "socket": str(self.socket)}
        gone = {**known, "replica": "shop-2", "socket": str(self.folder / "gone.sock")}
        return web.json_response([known, gone])

    async def _shop(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(text=SHOP % (self.asked * 3, self.asked))

    async def _mesh(self, _: web.Request) -> web.Response:
        return web.Response(text=MESH % self.asked)


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    """A sandbox and a mesh to scrape."""
    outside = Outside(tmp_path)
    async with AsyncExitStack() as stack:
        await outside.start(stack)
        yield outside


def told(outside: Outside) -> Settings:
    """Settings of a bot that scrapes both, fast."""
    return settings_for(
        Settings,
        data_dir=outside.folder,
        sandbox_dir=outside.folder,
        run_file=outside.run_file,
        scrape_seconds=0.05,
        scrape_mesh_seconds=0.05,
    )


def lately() -> Span:
    """The last few seconds."""
    return Span(time.time() - 10, time.time() + 10, "")


async def test_the_sandbox_and_the_mesh_are_scraped(outside: Outside) -> None:
    """With the labels of each target; one that is gone does no harm."""
    catalogue = Catalogue.read(None)
    async with embedded(told(outside), catalogue) as source:

        async def errors() -> bool:
            lines = await source.series(catalogue.want("errors", "shop", "version"), lately(), 10)
            return [line.label for line in lines] == ["v2"] and 25 in [round(value) for _, value in lines[0].known]

        async def mesh() -> bool:
            return bool(await source.series(catalogue.want("lines", "bellboard", "service"), lately(), 10))

        await eventually(errors)
        await eventually(mesh)


async def test_a_store_goes_on_where_it_was(outside: Outside) -> None:
    """A bot that starts again has what it had."""
    catalogue = Catalogue.read(None)
    wanted = catalogue.want("rps", "shop", "")
    span = lately()
    async with embedded(told(outside), catalogue) as source:
        await eventually(lambda: source.series(wanted, span, 10))
        asked = outside.asked
    (outside.folder / "control.sock").unlink()
    async with embedded(told(outside), catalogue) as source:
        assert await source.series(wanted, span, 10)
    assert outside.asked - asked <= 1


async def test_the_twin_sees_the_sandbox_alone(outside: Outside) -> None:
    """A rehearsal reads a store of its own, and nothing of the mesh."""
    catalogue = Catalogue.read(None)
    async with sandboxed(told(outside), catalogue) as source:
        await eventually(lambda: source.series(catalogue.want("rps", "shop", ""), lately(), 10))

        assert await source.series(catalogue.want("lines", "bellboard", ""), lately(), 10) == []
    assert not (outside.folder / "metrics.db").exists()


@pytest.mark.parametrize("page", ["{", "[1]", '[{"app": "shop"}]', '{"a": 1}'])
async def test_a_sandbox_that_talks_nonsense_does_no_harm(tmp_path: Path, page: str) -> None:
    """What can't be read is left out."""
    outside = Outside(tmp_path)
    catalogue = Catalogue.read(None)
    asked = 0

    async def nonsense(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(text=page)

    async with AsyncExitStack() as stack:
        await outside._serve(stack, "/v1/targets", nonsense, path=outside.control)
        async with embedded(told(outside), catalogue) as source:
            await eventually(lambda: asked > 3)
            assert await source.series(catalogue.want("rps", "shop", ""), lately(), 10) == []
