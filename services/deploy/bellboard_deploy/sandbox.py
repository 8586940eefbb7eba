"""The sandbox as an environment: its replicas by its control socket, the traffic by Caddy."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import lcm
from pathlib import Path
from typing import Any

from bellboard import ProviderError, UserError

from .balance import SandboxBalancer
from .caddy import Caddy
from .environments import nearest
from .providers import Commit, Environment, Observed, Replica, Taken, Tell, Version
from .scrape import Scraper
from .wire import ask

DRAIN_SECONDS = 30.0
"""How long a replica may take to finish its requests before it is told to stop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An app as the sandbox and its balancer have it: replicas with weights, and the socket of each."""

    versions: tuple[Version, ...]
    replicas: tuple[Replica, ...]
    sockets: Mapping[str, str]


class Sandbox:
    """Deploys to the sandbox.

    Attributes:
        caddy: its balancer.
    """

    name = "sandbox"

    def __init__(self, folder: Path) -> None:
        self._control = folder / "control.sock"
        self.caddy = Caddy(folder / "caddy.sock")

    async def apps(self) -> Sequence[str]:
        return [one["app"] for one in (await ask(self._control, "GET", "/v1/apps")).json()]

    async def versions(self, app: str) -> Sequence[Version]:
        return (await self.see(app)).versions

    async def pin(self, app: str, version: str) -> Version:
        known = {one.name: one for one in (await self.see(app)).versions}
        if version not in known:
            raise UserError(f"{app} has no version “{version[:40]}”", hint=nearest(version, known))
        return known[version]

    async def observe(self, app: str) -> Observed:
        return Observed((await self.see(app)).replicas)

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        await asyncio.gather(*(self._put(app, f"{app}-{key}-{number}", version) for number in range(1, count + 1)))

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        seen = await self.see(app)
        taking: dict[str, list[str]] = {}
        for version, share in shares.items():
            of = [one for one in seen.replicas if one.version == version and one.state != "stopping"]
            chosen = [one for one in of if one.weight] or [one for one in of if one.state == "ready"]
            if share and not chosen:
                raise ProviderError(f"{version} has no replica that is ready")
            if share:
                taking[version] = [seen.sockets[one.name] for one in chosen]
        scale = lcm(*(len(sockets) for sockets in taking.values()))
        wanted = {socket: shares[version] * scale // len(sockets) for version, sockets in taking.items() for socket in sockets}
        await self.caddy.change(app, lambda _: wanted)

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        seen = await self.see(app)
        leaving = [one for one in seen.replicas if one.version != keep]
        await self._stop(app, [one.name for one in leaving], tell)

    async def scale(self, app: str, count: int, key: str, tell: Tell) -> None:
        seen = await self.see(app)
        observed = Observed(seen.replicas)
        shares = observed.shares()
        if not shares:
            raise ProviderError(f"nothing of {app} takes traffic")
        of = [one for one in observed.of(max(shares, key=lambda name: shares[name])) if one.weight or key in one.name]
        others = [one for one in of if not one.name.startswith(f"{app}-{key}-")]
        version = Version(of[0].version, of[0].digest)
        started = [f"{app}-{key}-{number}" for number in range(1, count - len(others) + 1)]
        for name in started:
            tell(f"starting {name}", None)
            await self._put(app, name, version)
        sockets = (await self.see(app)).sockets
        weight = max(one.weight for one in of)
        await self.caddy.change(app, lambda now: {**now, **{sockets[n]: now.get(sockets[n], weight) for n in started}})
        surplus = sorted(one.name for one in others)[count:] if not started else []
        await self._stop(app, surplus, tell)

    async def restart(self, app: str, key: str, tell: Tell) -> None:
        seen = await self.see(app)
        for old in [one for one in seen.replicas if not one.name.startswith(f"{app}-{key}-")]:
            name = f"{app}-{key}-{zlib.crc32(old.name.encode()):08x}"  # the same one for it in every attempt
            tell(f"{old.name}: starting {name}", None)
            await self._put(app, name, Version(old.version, old.digest))
            sockets = (await self.see(app)).sockets
            await self.caddy.change(app, partial(_handed, old=sockets[old.name], new=sockets[name]))
            await self._stop(app, [old.name], tell)

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        said = (await self._app(app))["versions"]
        order = [one["name"] for one in said]
        if old not in order or new not in order or old == new:
            return ()
        start, end = sorted((order.index(old), order.index(new)))
        return [Commit(one["commit"], one.get("author", ""), one["summary"]) for one in reversed(said[start + 1 : end + 1])]

    # --- one replica ---

    async def hold(self, app: str, key: str, who: str, seconds: float) -> None:
        answer = await ask(self._control, "PUT", f"/v1/apps/{app}/lease", {"key": key, "who": who, "seconds": seconds})
        if answer.code == 409:
            raise Taken(answer.error, hint="try again when it is done")
        if answer.code != 200:
            raise ProviderError(f"the sandbox does not say who has {app}: {answer.error}")

    async def _put(self, app: str, name: str, version: Version) -> None:
        body = {"version": version.name, "digest": version.digest}
        answer = await ask(self._control, "PUT", f"/v1/apps/{app}/replicas/{name}", body)
        if answer.code != 200:
            raise ProviderError(f"the sandbox did not start {name}: {answer.error}")

    async def _stop(self, app: str, names: Sequence[str], tell: Tell) -> None:
        """Take replicas out of the balance, let them finish, and stop them."""
        seen = await self.see(app)
        gone = {seen.sockets[name] for name in names if name in seen.sockets}
        if gone & set(await self.caddy.weights(app)):
            await self.caddy.change(app, lambda now: {socket: weight for socket, weight in now.items() if socket not in gone})
        for number, name in enumerate(names):
            tell(f"draining {name}", number / len(names))
            await self._drained(seen.sockets.get(name, ""))
            answer = await ask(self._control, "DELETE", f"/v1/apps/{app}/replicas/{name}")
            if answer.code not in (200, 404):
                raise ProviderError(f"the sandbox did not stop {name}: {answer.error}")

    async def _drained(self, socket: str) -> None:
        for _ in range(int(DRAIN_SECONDS / 0.1)):
            if not (await self.caddy.connections()).get(socket):
                return
            await asyncio.sleep(0.1)

    async def see(self, app: str) -> Seen:
        """Everything of an app, as it is now."""
        said = await self._app(app)  # first: only the name of an app that is there may stand in Caddy's paths
        weights, busy = await asyncio.gather(self.caddy.weights(app), self.caddy.connections())
        sockets = {one["name"]: one["socket"] for one in said["replicas"]}
        replicas = tuple(
            Replica(
                one["name"],
                one["version"],
                one["digest"],
                one["state"],
                weights.get(one["socket"], 0),
                busy.get(one["socket"], 0),
            )
            for one in said["replicas"]
        )
        versions = tuple(Version(one["name"], one["digest"], one["commit"], one["summary"]) for one in said["versions"])
        return Seen(versions, replicas, sockets)

    async def _app(self, app: str) -> Any:
        known = await self.apps()
        if app not in known:
            raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, list(known)))
        answer = await ask(self._control, "GET", f"/v1/apps/{app}")
        if answer.code != 200:
            raise ProviderError(f"the sandbox does not tell of {app}: {answer.error}")
        return answer.json()


def _handed(now: Mapping[str, int], old: str, new: str) -> dict[str, int]:
    """The weights once a new socket has taken over from an old one; an old one without weight hands on none."""
    left = {socket: weight for socket, weight in now.items() if socket != old}
    return {**left, new: now[old]} if now.get(old) else left


@asynccontextmanager
async def open_sandbox(name: str, folder: Path) -> AsyncIterator[Environment]:
    """The sandbox in a folder, as an environment of this name. It need not run yet."""
    sandbox, gauges = Sandbox(folder), Scraper(folder / "control.sock")
    balancer = SandboxBalancer(sandbox, gauges)
    yield Environment(name, deployer=sandbox, balancer=balancer, gauges=gauges, lease=sandbox)
