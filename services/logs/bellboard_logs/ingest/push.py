"""Loki's push API, so that shippers that know Loki work unchanged: ``POST /loki/api/v1/push``, as JSON, gzip or not,
or as Snappy's protobuf, which is all that promtail, Alloy and Docker's driver speak.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from bellboard import ProviderError, SettingsError

from ..entries import Entry
from ..store.writer import Writer
from .lines import read
from .packed import read_push

LARGEST = 16 * 2**20
"""Bytes of one push, unpacked."""

JSON, PACKED = "application/json", "application/x-protobuf"


@asynccontextmanager
async def answer(writer: Writer, host: str, port: int) -> AsyncIterator[int]:
    """Answer pushes as long as the context lasts; gives the port, which 0 leaves open.

    Raises:
        SettingsError: the port is taken.
    """

    async def push(request: web.Request) -> web.Response:
        return await _push(writer, request)

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    app = web.Application(client_max_size=LARGEST)
    app.add_routes([web.post("/loki/api/v1/push", push), web.get("/ready", ready)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    except OSError as error:
        raise SettingsError(f"nothing can listen on {host}:{port}", hint="set BELLBOARD_LOKI_PORT") from error
    finally:
        await runner.cleanup()


async def _push(writer: Writer, request: web.Request) -> web.Response:
    """204 once the lines are on the disk; a shipper sends them again after anything else but 4xx."""
    if request.content_type not in (JSON, PACKED):
        return web.Response(status=415, text=f"a push is {JSON}, or {PACKED} packed by Snappy\n")
    body = await request.read()
    try:
        if request.content_type == PACKED:
            entries = await asyncio.to_thread(lambda: _entries(read_push(body, LARGEST)))
        else:
            entries = _entries(orjson.loads(body))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        return web.Response(status=400, text=f"this is no push of Loki's: {type(error).__name__}\n")
    try:
        await writer.write(entries)
    except ProviderError as error:
        return web.Response(status=503, text=f"{error.text}\n", headers={"Retry-After": "5"})
    return web.Response(status=204)


def _entries(body: Any) -> list[Entry]:
    found = []
    for stream in body["streams"]:
        labels = _labels(stream["stream"])
        for at, line, *structured in stream["values"]:
            given = {**labels, **_labels(structured[0])} if structured else labels
            seconds = int(at) / 1e9
            if not isinstance(line, str) or not 0 <= seconds < 1 << 32:
                raise ValueError("a value is a time in nanoseconds and a line")
            found.append(read(line, now=seconds, labels=given)._replace(at=seconds))
    return found


def _labels(given: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in given.items()}
