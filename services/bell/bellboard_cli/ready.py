"""Whether what was started is ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping

from bellboard.errors import BellboardError, UserError

from .plan import GATEWAY
from .ports import HOST
from .runfile import RunFile


async def missing(running: RunFile, bots: Iterable[str]) -> list[str]:
    """The processes that do not say that they are ready, and the bots that the gateway has not heard of."""
    health: dict[str, int] = running.ports["health"]
    well = await asyncio.gather(*(_is_ready(port) for port in health.values()))
    lacking = [name for name, ready in zip(health, well, strict=True) if not ready]
    if lacking:
        return lacking
    from .client import Client  # takes a while, in which the processes get ready

    try:
        async with Client.at(running.address) as client:
            answer = await client.status()
    except BellboardError:
        return ["gateway"]
    heard = {status.bot for status in answer.bots if status.replicas}
    return [bot for bot in bots if bot not in heard]


async def stores_nothing(running: RunFile) -> bool:
    """Whether the gateway says that the bus answers and keeps nothing that it is given."""
    _, text = await health(running.ports["health"][GATEWAY])
    return any(line.startswith("store: ") for line in text.splitlines())


async def health(port: int) -> tuple[int, str]:
    """What a process says of itself: HTTP status and text; status 0 if nobody answers within a second."""
    return await ask("GET", port, "/readyz")


async def ask(method: str, port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """One small HTTP request to this machine: status and text; status 0 if nobody answers within a second."""
    sent = {"Host": f"{HOST}:{port}", "Connection": "close", "Content-Length": "0", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in sent.items())]
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
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


async def sign_in_link(running: RunFile) -> str:
    """A link that signs the local owner in, once. Raises UserError if the page does not give one."""
    status, text = await ask("POST", running.ports["web"], "/link", {"Authorization": f"Bearer {running.token}"})
    if status != 200:
        raise UserError("the page gives no sign-in link", hint="see logs/gateway.log")
    return running.url + str(json.loads(text)["path"])
