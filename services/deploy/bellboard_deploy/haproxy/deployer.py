"""An environment behind HAProxy: who takes requests is HAProxy's to remember, who runs is up to the hosts."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from math import lcm
from typing import Protocol

from bellboard import ProviderError, UserError

from ..environments import nearest
from ..providers import Commit, Observed, Replica, Tell, Version
from .balancer import HAProxyBalancer
from .naming import server_name
from .runtime import HIGHEST, Runtime, Server

READY_SECONDS = 60.0
"""How long a replica may take to pass its first health check."""

DRAIN_SECONDS = 30.0
"""How long a replica may take to finish its requests before they are ended."""

LOOK_SECONDS = 0.1


class Hosts(Protocol):
    """Starts and stops the replicas that HAProxy sends requests to. Every method is safe to call again.

    Every method raises ProviderError where it is not known to have worked.
    """

    async def versions(self, app: str) -> Sequence[Version]:
        """What can be started, the oldest first."""

    async def start(self, app: str, version: Version, replica: str) -> str:
        """Have a replica of this name run; its address, such as ``10.0.0.5:8080``. The same name gives the same one."""

    async def stop(self, app: str, replica: str) -> None:
        """Have it run no more. One that does not run is no error."""


class HAProxyDeployer:
    """A `Deployer`.

    Servers that stand in HAProxy's own configuration get no requests once it shifts, and are left where they are.
    A server is added to HAProxy before its replica is started, and removed after it was stopped, so that none is forgotten if
    this is killed between the two.

    Args:
        check: how HAProxy asks for the health of a replica, in the words of its ``server`` line.
    """

    name = "haproxy"

    def __init__(self, runtime: Runtime, balancer: HAProxyBalancer, hosts: Hosts, check: str) -> None:
        self._runtime, self._balancer, self._hosts, self._check = runtime, balancer, hosts, check

    async def apps(self) -> Sequence[str]:
        return await self._balancer.apps()

    async def versions(self, app: str) -> Sequence[Version]:
        self._balancer.of(app)
        return await self._hosts.versions(app)

    async def pin(self, app: str, version: str) -> Version:
        known = {one.name: one for one in await self.versions(app)}
        if version not in known:
            raise UserError(f"{app} has no version “{version[:40]}”", hint=nearest(version, known))
        return known[version]

    async def observe(self, app: str) -> Observed:
        return Observed(tuple(_replica(one) for one in await self._balancer.servers(app)))

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        names = [f"{app}-{key}-{number}" for number in range(1, count + 1)]
        await self._start(app, version, names)

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        servers, backend = await self._balancer.servers(app), self._balancer.of(app)
        chosen = {version: _taking(servers, version) for version, share in shares.items() if share > 0}
        for version, of in chosen.items():
            if not of:
                raise ProviderError(f"{version[:40]} has no replica that is ready")
        wanted = _weights(shares, chosen)
        changes = [(wanted.get(one.id, 0), one) for one in servers if wanted.get(one.id, 0) != one.weight]
        for weight, one in sorted(changes, key=lambda pair: -pair[0]):  # those that take more first: somebody always does
            await self._runtime.weight(backend, one.id, weight)
        for one in (one for of in chosen.values() for one in of if one.state == "drained"):
            await self._runtime.state(backend, one.id, "ready")

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        servers = await self._balancer.servers(app)
        if not any(one.takes for one in servers if one.version == keep):
            raise ProviderError(f"{keep[:40]} takes no requests: nothing else is stopped")
        await self._stop(app, [one for one in servers if one.version and one.version != keep], tell)

    async def scale(self, app: str, count: int, key: str, tell: Tell) -> None:
        servers = await self._balancer.servers(app)
        shares = Observed(tuple(_replica(one) for one in servers)).shares()
        if not shares:
            raise ProviderError(f"nothing of {app} takes traffic")
        main = max(shares, key=lambda version: shares[version])
        of = [one for one in servers if one.version == main]
        own = f"{app}-{key}-"
        others = [one for one in of if not one.replica.startswith(own)]
        names = [f"{own}{number}" for number in range(1, count - len(others) + 1)]
        if names:
            tell(f"starting {len(names)} replicas", None)
        started = await self._start(app, Version(main, of[0].digest), names)
        weight = max(one.weight for one in of)
        for one in started:
            await self._runtime.weight(self._balancer.of(app), one.id, weight)
        await self._stop(app, sorted(others, key=lambda one: (-one.takes, one.replica))[count:], tell)

    async def restart(self, app: str, key: str, tell: Tell) -> None:
        backend, own = self._balancer.of(app), f"{app}-{key}-"
        olds = [one for one in await self._balancer.servers(app) if not one.replica.startswith(own) and one.version]
        for number, old in enumerate(olds):
            name = f"{own}{zlib.crc32(old.replica.encode()):08x}"  # the same one for it in every attempt
            tell(f"{old.replica}: starting {name}", number / len(olds))
            (new,) = await self._start(app, Version(old.version, old.digest), [name])
            await self._runtime.weight(backend, new.id, old.weight)
            await self._stop(app, [old], tell)

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        return ()

    # --- replicas ---

    async def _start(self, app: str, version: Version, names: Sequence[str]) -> Sequence[Server]:
        """Have replicas of these names run and be healthy; as HAProxy has them then."""
        ids = [server_name(name, version.name, version.digest) for name in names]
        await asyncio.gather(*(self._start_one(app, version, *pair) for pair in zip(names, ids, strict=True)))
        deadline = time.monotonic() + READY_SECONDS
        while True:
            mine = [one for one in await self._balancer.servers(app) if one.id in ids]
            unhealthy = [one.replica for one in mine if one.state in ("down", "out")]
            if not unhealthy:
                return mine
            if time.monotonic() > deadline:
                raise ProviderError(f"{unhealthy[0]} is not healthy after {READY_SECONDS:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)

    async def _start_one(self, app: str, version: Version, name: str, id: str) -> None:
        backend = self._balancer.of(app)
        servers = await self._runtime.servers(backend)
        found = next((one for one in servers if one.replica == name), None)
        if found is not None and found.id != id:
            raise ProviderError(f"{name} is already there, of another version")
        if found is None:
            await self._runtime.add(backend, id, self._check)
        elif found.state != "out":
            return
        await self._runtime.place(backend, id, await self._hosts.start(app, version, name))
        if self._check.startswith("check"):
            await self._runtime.checked(backend, id)
        await self._runtime.state(backend, id, "ready")

    async def _stop(self, app: str, servers: Sequence[Server], tell: Tell) -> None:
        """Have servers take nothing new, finish, stop, and be forgotten."""
        backend = self._balancer.of(app)
        for one in servers:
            if one.state != "out":
                await self._runtime.state(backend, one.id, "drain")
        for number, one in enumerate(servers):
            tell(f"draining {one.replica}", number / len(servers))
            await self._drained(app, one)
            await self._runtime.state(backend, one.id, "maint")
            await self._hosts.stop(app, one.replica)
            await self._forget(backend, one)

    async def _drained(self, app: str, server: Server) -> None:
        """Return when it works on nothing any more; what takes too long is ended."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(one.connections for one in await self._balancer.servers(app) if one.id == server.id):
            if time.monotonic() > deadline:
                await self._runtime.hang_up(self._balancer.of(app), server.id)
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _forget(self, backend: str, server: Server) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while not await self._runtime.remove(backend, server.id):
            if time.monotonic() > deadline:
                raise ProviderError(f"HAProxy does not let go of {server.replica}")
            await asyncio.sleep(LOOK_SECONDS)


def _replica(server: Server) -> Replica:
    if server.state == "out":
        state = "starting" if server.starting else "stopping"
    else:
        state = "starting" if server.state == "down" else "ready"
    return Replica(server.replica, server.version, server.digest, state, server.takes, server.connections)  # type: ignore[arg-type]


def _taking(servers: Sequence[Server], version: str) -> list[Server]:
    """Those of a version that can take requests: without the ones that were drained by hand, unless all of them were."""
    ready = [one for one in servers if one.version == version and one.state in ("up", "drained")]
    return [one for one in ready if one.state == "up"] or ready


def _weights(shares: Mapping[str, int], chosen: Mapping[str, Sequence[Server]]) -> dict[str, int]:
    """The weight of each server, so that versions get their shares; at least 1 where there is a share."""
    scale = lcm(*(len(of) for of in chosen.values()))
    exact = {one.id: shares[version] * scale / len(of) for version, of in chosen.items() for one in of}
    factor = HIGHEST / max([*exact.values(), 1])
    return {id: max(1, round(weight * factor)) for id, weight in exact.items()}
