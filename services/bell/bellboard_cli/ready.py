"""Whether what was started is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bellboard.errors import BellboardError

from .client import Client
from .ports import HOST
from .runfile import RunFile


async def missing(running: RunFile, bots: Iterable[str]) -> list[str]:
    """The processes that do not say that they are ready, and the bots that the gateway has not heard of."""
    health: dict[str, int] = running.ports["health"]
    well = await asyncio.gather(*(_is_ready(port) for port in health.values()))
    lacking = [name for name, ready in zip(health, well, strict=True) if not ready]
    if lacking:
        return lacking
    try:
        async with Client.of(running) as client:
            answer = await client.status()
    except BellboardError:
        return ["gateway"]
    heard = {status.bot for status in answer.bots if status.replicas}
    return [bot for bot in bots if bot not in heard]


async def health(port: int, path: str = "/readyz") -> tuple[int, str]:
    """What a process says of itself: HTTP status and text; status 0 if nobody answers within a second."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, ""
    words = head.split(None, 2)
    return (int(words[1]), body.decode(errors="replace")) if len(words) > 1 else (0, "")


async def _is_ready(port: int) -> bool:
    status, _ = await health(port)
    return status == 200
