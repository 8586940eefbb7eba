"""The sandbox's Caddy by hand: its backends, what each has answered, and their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bellboard import UserError

from .environments import nearest
from .providers import Backend, Counted, Replica
from .scrape import Scraper

if TYPE_CHECKING:
    from .sandbox import Sandbox, Seen


class SandboxBalancer:
    """A `Balancer`. Requests are counted by the replicas themselves, since each began."""

    name = "Caddy"

    def __init__(self, sandbox: Sandbox, scraper: Scraper) -> None:
        self._sandbox, self._scraper = sandbox, scraper

    async def apps(self) -> Sequence[str]:
        return await self._sandbox.apps()

    async def backends(self, app: str) -> Sequence[Backend]:
        seen = await self._sandbox.see(app)
        counted = await self._scraper.replicas(app)
        return [_backend(app, one, counted.get(one.name)) for one in seen.replicas]

    async def weight(self, app: str, backend: str, weight: int) -> None:
        socket = _socket(await self._sandbox.see(app), backend)
        await self._sandbox.caddy.change(app, lambda now: {**now, socket: weight})

    async def drain(self, app: str, backend: str) -> None:
        seen = await self._sandbox.see(app)
        socket = _socket(seen, backend)
        if not any(one.weight for one in seen.replicas if one.name != backend):
            raise UserError(f"{backend} is the last one that takes requests", hint="lb enable another one first")
        await self._sandbox.caddy.change(app, lambda now: {**now, socket: 0})

    async def enable(self, app: str, backend: str) -> None:
        seen = await self._sandbox.see(app)
        socket = _socket(seen, backend)
        version = next(one.version for one in seen.replicas if one.name == backend)
        others = [one.weight for one in seen.replicas if one.version == version and one.name != backend]
        await self._sandbox.caddy.change(app, lambda now: {**now, socket: now.get(socket) or max([*others, 1])})


def _backend(app: str, one: Replica, counted: Counted | None) -> Backend:
    return Backend(
        one.name,
        app,
        one.version,
        one.weight,
        "down" if one.state == "starting" else "up" if one.weight else "draining",
        one.connections,
        counted.requests if counted else None,
        counted.failed if counted else None,
    )


def _socket(seen: Seen, backend: str) -> str:
    if backend not in seen.sockets:
        raise UserError(f"there is no backend “{backend[:40]}”", hint=nearest(backend, seen.sockets))
    return seen.sockets[backend]
