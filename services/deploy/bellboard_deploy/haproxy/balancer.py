"""HAProxy as the balancer of some apps, and what it counts as gauges."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence

from bellboard import UserError

from ..environments import nearest
from ..providers import Backend, Counted, Measure, Reading
from .runtime import Runtime, Server

KEPT = 120.0
"""Seconds that counters are remembered."""


class HAProxyBalancer:
    """A `Balancer`, and `Gauges`.

    Args:
        backends: the name of HAProxy's backend of each app.
    """

    name = "haproxy"

    def __init__(self, runtime: Runtime, backends: Mapping[str, str]) -> None:
        self._runtime, self._backends = runtime, dict(backends)
        self._seen: dict[tuple[str, str], deque[tuple[float, Mapping[str, tuple[int, int]]]]] = {}

    async def apps(self) -> Sequence[str]:
        return tuple(self._backends)

    def of(self, app: str) -> str:
        """The name of HAProxy's backend of an app.

        Raises:
            UserError: there is no such app.
        """
        if app not in self._backends:
            raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, self._backends))
        return self._backends[app]

    async def servers(self, app: str) -> tuple[Server, ...]:
        """Its servers as HAProxy has them."""
        return await self._runtime.servers(self.of(app))

    async def backends(self, app: str) -> Sequence[Backend]:
        return [
            Backend(
                one.replica,
                app,
                one.version,
                one.takes,
                "down" if one.state in ("down", "out") else "up" if one.takes else "draining",
                one.connections,
                one.requests,
                one.failed,
            )
            for one in sorted(await self.servers(app), key=lambda one: one.replica)
        ]

    async def weight(self, app: str, backend: str, weight: int) -> None:
        server = self._named(await self.servers(app), backend)
        await self._runtime.weight(self.of(app), server.id, weight)

    async def drain(self, app: str, backend: str) -> None:
        servers = await self.servers(app)
        server = self._named(servers, backend)
        if not any(one.takes for one in servers if one is not server):
            raise UserError(f"{backend} is the last one that takes requests", hint="lb enable another one first")
        if server.state != "out":
            await self._runtime.state(self.of(app), server.id, "drain")

    async def enable(self, app: str, backend: str) -> None:
        servers = await self.servers(app)
        server = self._named(servers, backend)
        if server.starting:
            raise UserError(f"{backend} is only being started")
        if not server.weight:
            others = [one.weight for one in servers if one.version == server.version]
            await self._runtime.weight(self.of(app), server.id, max([*others, 1]))
        await self._runtime.state(self.of(app), server.id, "ready")

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        query = f"{_QUERIES[measure]} of the servers of {version[:40]} over {window:g} s, as HAProxy counts"
        if measure == "p95":
            return Reading(None, "HAProxy does not measure p95")
        then, now = await self._count(app, version, window)
        if then is None:
            return Reading(None, query)
        before, after, seconds = then[1], now[1], now[0] - then[0]
        requests = sum(after[id][0] - before.get(id, (0, 0))[0] for id in after)
        failed = sum(after[id][1] - before.get(id, (0, 0))[1] for id in after)
        if measure == "rps":
            return Reading(requests / seconds, query, requests)
        return Reading(100 * failed / requests if requests else None, query, requests)

    async def count(self, app: str, version: str, seconds: float) -> Counted:
        servers = [one for one in await self.servers(app) if one.version == version]
        return Counted(sum(one.requests for one in servers), sum(one.failed for one in servers))

    async def _count(self, app: str, version: str, window: float) -> tuple[_Sample | None, _Sample]:
        """The counters of now, and the oldest within the window before it; None if there are none yet."""
        servers = await self.servers(app)
        now = (time.monotonic(), {one.id: (one.requests, one.failed) for one in servers if one.version == version})
        seen = self._seen.setdefault((app, version), deque())
        while seen and now[0] - seen[0][0] > KEPT:
            seen.popleft()
        then = next((sample for sample in seen if now[0] - sample[0] <= window), None)
        seen.append(now)
        return then, now

    def _named(self, servers: Sequence[Server], backend: str) -> Server:
        known = {one.replica: one for one in servers}
        if backend not in known:
            raise UserError(f"there is no backend “{backend[:40]}”", hint=nearest(backend, known))
        return known[backend]


_Sample = tuple[float, Mapping[str, tuple[int, int]]]
_QUERIES: Mapping[Measure, str] = {"errors": "hrsp_5xx / req_tot", "p95": "", "rps": "req_tot / s"}
