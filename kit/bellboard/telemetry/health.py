"""Health, readiness and metrics over HTTP, the same on every service."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import names

Check = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""Says what is wrong in a few words, or None."""


class HealthServer:
    """Serves ``/healthz``, ``/readyz`` and ``/metrics``.

    ``/healthz`` answers while the process's event loop turns; ``/readyz`` says 503 with one line for each check that finds
    something wrong.

    Args:
        port: 0 for any; -1 for no server at all.
        checks: what makes the service ready, by name.
        notice: what else is to be known, though the service is ready; empty if nothing is.
    """

    def __init__(
        self, service: str, host: str, port: int, checks: Mapping[str, Check], notice: Callable[[], str] = str
    ) -> None:
        self.host, self.port, self.checks, self._notice = host, port, checks, notice
        self._runner: web.AppRunner | None = None
        names.BUILD_INFO.labels(service, version("bellboard"), platform.python_version()).set(1)

    async def start(self) -> None:
        """Listen; ``port`` then holds the real one.

        Raises:
            OSError: the port is taken.
        """
        if self.port < 0:
            return
        app = web.Application()
        app.add_routes([web.get("/healthz", _healthy), web.get("/readyz", self._ready), web.get("/metrics", _metrics)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def failing(self) -> dict[str, str]:
        """What stands in the way of being ready, by check."""
        wrong: dict[str, str] = {}
        for name, check in self.checks.items():
            said = check()
            if isinstance(said, Awaitable):
                said = await said
            if said:
                wrong[name] = said
        return wrong

    async def _ready(self, _: web.Request) -> web.Response:
        wrong = await self.failing()
        text = "".join(f"{name}: {said}\n" for name, said in wrong.items()) or "ready\n"
        text += f"{notice}\n" if (notice := self._notice()) else ""
        return web.Response(text=text, status=503 if wrong else 200)

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
