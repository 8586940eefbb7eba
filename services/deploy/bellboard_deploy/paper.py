"""A town on paper: replicas, balancer and gauges in memory, for trying the commands where there is no sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bellboard import ProviderError, UserError

from .environments import nearest
from .providers import Backend, Commit, Counted, Environment, Measure, Observed, Reading, Replica, Tell, Version

VERSIONS: Mapping[str, float] = {"v1": 0.0, "v2": 25.0, "v2.1": 0.0, "v3": 0.0}
"""The versions of the shop, and the percent of requests that each fails."""


def version(name: str) -> Version:
    """A version on paper."""
    return Version(name, hashlib.sha256(f"shop {name}".encode()).hexdigest(), summary="on paper: nothing real runs")


class PaperTown:
    """A deployer, a balancer and gauges of one app, all of them in memory."""

    name = "paper"

    def __init__(self, failing: Mapping[str, float] = VERSIONS) -> None:
        self.failing = dict(failing)
        first = version("v1")
        self.replicas = {
            name: Replica(name, first.name, first.digest, "ready", weight=50) for name in ("shop-v1-1", "shop-v1-2")
        }

    async def apps(self) -> Sequence[str]:
        return ("shop",)

    def _known(self, app: str) -> None:
        if app != "shop":
            raise UserError(f"there is no app “{app[:40]}”", hint="there is shop")

    async def versions(self, app: str) -> Sequence[Version]:
        self._known(app)
        return [version(name) for name in self.failing]

    async def pin(self, app: str, version_: str) -> Version:
        self._known(app)
        if version_ not in self.failing:
            raise UserError(f"shop has no version “{version_[:40]}”", hint=nearest(version_, list(self.failing)))
        return version(version_)

    async def observe(self, app: str) -> Observed:
        self._known(app)
        return Observed(tuple(self.replicas.values()))

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        self._known(app)
        for number in range(1, count + 1):
            name = f"{app}-{key}-{number}"
            self.replicas.setdefault(name, Replica(name, version.name, version.digest, "ready"))

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        self._known(app)
        of = {name: [one for one in self.replicas.values() if one.version == name] for name in shares}
        if missing := [name for name, share in shares.items() if share and not of[name]]:
            raise ProviderError(f"{missing[0]} has no replica that is ready")
        for one in self.replicas.values():
            share = shares.get(one.version, 0)
            self.replicas[one.name] = replace(one, weight=round(share / len(of[one.version])) if share else 0)

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        self._known(app)
        for name in [one.name for one in self.replicas.values() if one.version != keep]:
            tell(f"stopping {name}", None)
            del self.replicas[name]

    async def scale(self, app: str, count: int, key: str, tell: Tell) -> None:
        self._known(app)
        serving = [one for one in self.replicas.values() if one.weight]
        model = serving[0]
        for number in range(len(serving) + 1, count + 1):
            name = f"{app}-{key}-{number}"
            self.replicas.setdefault(name, replace(model, name=name))
        for one in serving[count:]:
            del self.replicas[one.name]
        tell(f"{count} replicas", 1.0)

    async def restart(self, app: str, key: str, tell: Tell) -> None:
        self._known(app)
        for number, one in enumerate(list(self.replicas.values()), 1):
            name = f"{app}-{key}-{number}"
            del self.replicas[one.name]
            self.replicas[name] = replace(one, name=name)
            tell(f"{one.name} is now {name}", None)

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        return [Commit(version(new).digest[:12], "nobody", f"what makes {new} of {old}")] if old != new else ()

    async def backends(self, app: str) -> Sequence[Backend]:
        self._known(app)
        return [
            Backend(one.name, app, one.version, one.weight, "up" if one.weight else "draining")
            for one in self.replicas.values()
        ]

    def _backend(self, app: str, name: str) -> Replica:
        self._known(app)
        if name not in self.replicas:
            raise UserError(f"{app} has no backend “{name[:40]}”", hint=nearest(name, list(self.replicas)))
        return self.replicas[name]

    async def weight(self, app: str, backend: str, weight: int) -> None:
        self.replicas[backend] = replace(self._backend(app, backend), weight=weight)

    async def drain(self, app: str, backend: str) -> None:
        self._backend(app, backend)
        if not any(one.weight for one in self.replicas.values() if one.name != backend):
            raise UserError(f"{backend} is the last one that takes requests", hint="enable another one first")
        await self.weight(app, backend, 0)

    async def enable(self, app: str, backend: str) -> None:
        version = self._backend(app, backend).version
        others = [one.weight for one in self.replicas.values() if one.version == version and one.name != backend]
        await self.weight(app, backend, max([*others, 1]))

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        value = {"errors": self.failing.get(version, 0.0), "p95": 0.05, "rps": 10.0}[measure]
        return Reading(value, f"{measure} of {version} on paper", requests=100)

    async def count(self, app: str, version: str, seconds: float) -> Counted:
        return Counted(100, round(self.failing.get(version, 0.0)))


def paper_town(name: str) -> Environment:
    """An environment on paper."""
    town = PaperTown()
    return Environment(name, deployer=town, balancer=town, gauges=town)
