"""How the traffic of an app goes over from one version to another, for each kind of workload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bellboard import Failed, ProviderError
from bellboard.kube import KubeConflict, kinds, reasons
from bellboard.kube.reasons import Raw

from ..model import Tell
from . import changes
from .app import Main, Watcher
from .seen import Seen, among, beside, see, version_of
from .store import KINDS, Store
from .waiting import LOOK, Look, settled


class Stages:
    """Moves apps from one version to another, under the order of a store.

    Args:
        seconds: how long it may take until one more pod is ready.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self._store, self._seconds = store, seconds

    def canary(self, main: Main) -> str:
        """What the canary of this order's command is called."""
        return changes.canary_name(main.seen, self._store.order.command)

    async def whole(self, main: Main, version: str, image: str) -> None:
        """Have all pods run a version; what a canary runs of another one gets no more requests at once."""
        seen = main.seen

        back = version != list(main.known)[-1]

        def change(raw: Raw) -> Mapping[str, Any] | None:
            now = see(seen.kind, raw)
            split = seen.kind == "statefulset" and _partition(raw) > 0
            halted = now.paused and back
            if not split and not halted and all(now.images[name] == image for name in main.containers):
                return {} if self._store.begun(raw) else None
            made = changes.images(seen.kind, raw, main.containers, image)
            if seen.kind == "statefulset":
                made = changes.partition(made, 0)
            if now.paused:
                made["spec"]["paused"] = False
            return made

        await self._store.write(KINDS[seen.kind], seen.name, change)
        await self.sweep(main, keep=self.canary(main), of=version)
        watcher = Watcher(self._store, main, seen.kind, seen.name, image)
        helped = {"statefulset": self._unblocking, "rollout": self._hurrying}.get(seen.kind)
        await settled(helped(main, watcher, version) if helped else watcher.look, seen.name, self._seconds)

    async def part(self, main: Main, old: str, new: str, share: int) -> None:
        """Have about this share of the pods run a new version beside the old one.

        Raises:
            Failed: a DaemonSet has no stages.
        """
        match main.seen.kind:
            case "deployment":
                await self._beside(main, old, new, share)
            case "statefulset":
                await self._among(main, new, share)
            case "rollout":
                await self._stepwise(main, new, share)
            case "daemonset":
                raise Failed(f"{main.seen.name} is a DaemonSet: it goes over as a whole", hint="leave out --canary")

    async def _beside(self, main: Main, old: str, new: str, share: int) -> None:
        """A canary beside a Deployment. It is made without pods, and gets them only once it is sure that it still may."""
        seen, name = main.seen, self.canary(main)
        back = {} if main.runs(old) else changes.images(seen.kind, main.raw, main.containers, old)
        await self._store.write(KINDS[seen.kind], seen.name, lambda raw: back)
        await self._store.create(changes.canary(main.raw, seen, name, main.containers, new))
        await self._store.holds(seen.kind, seen.name)
        count = beside(share, seen.ready)

        def change(raw: Raw) -> Mapping[str, Any]:
            return {"spec": {**changes.images("deployment", raw, main.containers, new)["spec"], "replicas": count}}

        await self._store.write(kinds.Deployment, name, change)
        watcher = Watcher(self._store, main, "deployment", name, new)
        await settled(watcher.look, name, self._seconds)

    async def _among(self, main: Main, new: str, share: int) -> None:
        """The last pods of a StatefulSet, by its partition."""
        seen = main.seen
        count = among(share, seen.wanted)

        def change(raw: Raw) -> Mapping[str, Any]:
            return changes.partition(changes.images(seen.kind, raw, main.containers, new), seen.wanted - count)

        await self._store.write(KINDS[seen.kind], seen.name, change)
        watcher = Watcher(self._store, main, seen.kind, seen.name, new, part=count)
        await settled(watcher.look, seen.name, self._seconds)

    async def _stepwise(self, main: Main, new: str, share: int) -> None:
        """Argo's own steps, one after another, until the new version has at least this share; blue and green have no steps."""
        seen = main.seen

        def change(raw: Raw) -> Mapping[str, Any]:
            return {} if main.runs(new) else changes.images(seen.kind, raw, main.containers, new)

        await self._store.write(KINDS[seen.kind], seen.name, change)
        watcher = Watcher(self._store, main, seen.kind, seen.name, new)

        async def look() -> Look:
            raw, now = await self._store.workload(seen.kind, seen.name)
            if not now.fresh:
                return Look(False, 0, seen.wanted)
            reached = now.steady or (_waits(raw) and ((now.weight or 0) >= share or not _steps(raw)))
            if not reached and _waits(raw):
                await self._store.status(seen.name, lambda raw: {"pauseConditions": None} if _waits(raw) else None)
            return replace(await watcher.look(), done=reached, paused=False)

        await settled(look, seen.name, self._seconds)

    def _unblocking(self, main: Main, watcher: Watcher, version: str) -> Callable[[], Awaitable[Look]]:
        """A look that also makes room in a StatefulSet, which would wait for good for a pod of another version to be ready."""

        async def look() -> Look:
            for pod in await self._store.pods(main.seen.selects):
                other = version_of(pod, main.containers, main.app.images).name != version
                trouble = reasons.of_pod(pod)
                if other and trouble is not None and trouble.certain:
                    await self._store.holds(main.seen.kind, main.seen.name)
                    with suppress(KubeConflict):  # another pod has its name by now
                        await self._store.delete(kinds.Pod, pod["metadata"]["name"], pod["metadata"]["uid"])
            return await watcher.look()

        return look

    def _hurrying(self, main: Main, watcher: Watcher, version: str) -> Callable[[], Awaitable[Look]]:
        """A look that also sends an Argo Rollout past the steps that are left. One that goes back takes none anyway."""

        async def look() -> Look:
            _, now = await self._store.workload("rollout", main.seen.name)
            if now.fresh and not now.steady and version == list(main.known)[-1]:
                await self._store.status(main.seen.name, _hurry)
            return await watcher.look()

        return look

    async def sweep(self, main: Main, keep: str = "", of: str = "") -> None:
        """Remove the canaries beside a Deployment.

        They are listed first: those that a command makes that comes after this one are not among them.

        Args:
            keep: this one stays, if it runs the version ``of`` or none is said.

        Raises:
            Taken: another command came after this one.
        """
        if main.seen.kind != "deployment":
            return
        found = await self._store.canaries(main.seen.name)
        leaving = [one for one in found if one.name != keep or (of and self._version(main, one) != of)]
        raw, _ = await self._store.workload(main.seen.kind, main.seen.name)
        if not leaving or not self._store.begun(raw):
            return
        for one in leaving:
            await self._store.delete(kinds.Deployment, one.name)

    def _version(self, main: Main, canary: Seen) -> str:
        return main.app.images.read(canary.images.get(main.containers[0], "")).name

    async def gone(self, main: Main, leaving: Callable[[Raw], bool], tell: Tell) -> None:
        """Return when no pod is left of those that are leaving."""
        deadline = time.monotonic() + self._seconds
        while True:
            left = [pod for pod in await self._store.pods(main.seen.selects) if leaving(pod)]
            if not left:
                return
            tell(f"{len(left)} pods are stopping", None)
            if time.monotonic() > deadline:
                raise ProviderError(f"{left[0]['metadata']['name']} does not stop")
            await asyncio.sleep(LOOK)


def _partition(raw: Raw) -> int:
    rolling = (raw["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def _hurry(raw: Raw) -> Mapping[str, Any] | None:
    """Past all steps of Argo's that are left, unless it goes past them already."""
    return None if (raw.get("status") or {}).get("promoteFull") else {"promoteFull": True}


def _steps(raw: Raw) -> bool:
    return bool(((raw["spec"].get("strategy") or {}).get("canary") or {}).get("steps"))


def _waits(raw: Raw) -> bool:
    """Whether an Argo Rollout waits to be sent on."""
    return bool((raw.get("status") or {}).get("pauseConditions"))
