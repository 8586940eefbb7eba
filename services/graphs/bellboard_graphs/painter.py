"""The painter that comes with the bot: Vega-Lite in a process that is kept warm, one picture at a time.

A process of its own, because drawing takes a core for a tenth of a second and a hundred megabytes; one that hangs or dies is
replaced.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bellboard import Failed

from .draw import LENGTH

LARGEST = 4 * 2**20
"""Bytes of a specification that are drawn."""
FIRST_SECONDS = 30.0
"""The longest that the first picture of a process may take: the engine starts with it."""


@asynccontextmanager
async def painter(seconds: float) -> AsyncIterator[WarmPainter]:
    """A painter whose process starts at once. ``seconds`` is the longest that a picture may take."""
    one = WarmPainter(seconds)
    warming = asyncio.create_task(one.start())
    try:
        yield one
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await one.close()


class WarmPainter:
    """A `Painter`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._warm = False
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start the process unless it runs."""
        async with self._turn:
            await self._running()

    async def draw(self, spec: str) -> bytes:
        body = spec.encode()
        if len(body) > LARGEST:
            raise Failed("there is too much to draw", hint="ask for less, or a shorter range")
        async with self._turn:
            process, done = await self._running(), False
            try:
                async with asyncio.timeout(self._seconds if self._warm else self._seconds + FIRST_SECONDS):
                    png = await _draw(process, body)
                done = self._warm = True
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                raise Failed("the chart could not be drawn", hint="try again, or a shorter range") from error
            finally:
                if not done:  # what it would still say belongs to nobody
                    await self._stop()
        if not png:
            raise Failed("the chart could not be drawn")
        return png

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._warm = False
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bellboard_graphs.draw",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("BELLBOARD_")},
            )
        return self._process

    async def close(self) -> None:
        """End the process."""
        await self._stop()

    async def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None


async def _draw(process: asyncio.subprocess.Process, body: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(LENGTH.pack(len(body)) + body)
    await process.stdin.drain()
    size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    return await process.stdout.readexactly(size)
