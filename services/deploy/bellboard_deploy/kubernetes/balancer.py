"""The pods behind a Service, by hand: a pod is left out by a label that the Service asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from bellboard import Failed, UserError
from bellboard.kube import kinds, reasons
from bellboard.kube.reasons import Raw

from ..environments import nearest
from ..model import Backend, Replica
from .app import App, look_at
from .deployer import known
from .seen import SERVING, replicas
from .store import Store


class KubernetesBalancer:
    """A `Balancer` of the apps that have a Service.

    A pod's label `SERVING` is what drains it. The Service has to ask for ``yes``, and the workload may not: so its pods serve
    without any help of ours, none is replaced for being drained, and Kubernetes' own controller keeps the endpoints.
    """

    name = "Kubernetes"

    def __init__(self, store: Store, apps: Sequence[App]) -> None:
        self._store, self._apps = store, {app.name: app for app in apps if app.service}

    async def apps(self) -> Sequence[str]:
        return tuple(self._apps)

    async def backends(self, app: str) -> Sequence[Backend]:
        return [_backend(app, one) for one in await self._pods(app)]

    async def weight(self, app: str, backend: str, weight: int) -> None:
        self._named(await self._pods(app), backend)
        raise UserError("every pod of a Service gets as many requests as any other", hint=f"lb drain {backend} sends it none")

    async def drain(self, app: str, backend: str) -> None:
        pods = await self._pods(app)
        self._named(pods, backend)
        if not any(one.weight for one in pods if one.name != backend):
            raise UserError(f"{backend} is the last one that takes requests", hint="lb enable another one first")
        await self._label(app, backend, "no")

    async def enable(self, app: str, backend: str) -> None:
        self._named(await self._pods(app), backend)
        await self._label(app, backend, "yes")

    async def _label(self, app: str, pod: str, serves: str) -> None:
        """Have a pod serve or not, if its Service heeds it."""
        service = await self._store.service(self._apps[app].service)
        asked = (service.get("spec") or {}).get("selector") or {}
        if asked.get(SERVING) != "yes":
            raise Failed(
                f"the Service {self._apps[app].service} does not ask for {SERVING}, so no pod can be left out",
                hint=f'give it and the pods the label {SERVING}: "yes", but not the selector of the workload',
            )

        def change(raw: Raw) -> Mapping[str, object] | None:
            labels: Mapping[str, str] = raw["metadata"].get("labels") or {}
            return {"metadata": {"labels": {SERVING: serves}}} if labels.get(SERVING) != serves else None

        await self._store.write(kinds.Pod, pod, change, last=True)

    async def _pods(self, app: str) -> list[Replica]:
        main = await look_at(self._store, known(self._apps, app))
        pods: list[reasons.Raw] = await self._store.pods(main.seen.selects)
        return sorted(replicas(pods, main.containers, main.app.images), key=lambda one: one.name)

    def _named(self, pods: Sequence[Replica], backend: str) -> None:
        names = [one.name for one in pods]
        if backend not in names:
            raise UserError(f"there is no backend “{backend[:40]}”", hint=nearest(backend, names))


def _backend(app: str, one: Replica) -> Backend:
    state: Literal["up", "draining", "down"] = "down" if one.state != "ready" else "up" if one.weight else "draining"
    return Backend(one.name, app, one.version, one.weight, state)
