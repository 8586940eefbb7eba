"""Doubles of Argo's two controllers. Their kinds are registered with a real API server, with schemas that allow anything.

They follow what Argo documents: the steps and pauses of a canary, ``promoteFull``, going back to the stable template without
steps; and the ``operation`` of an Application, which moves to ``status.operationState``.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from lightkube import codecs

from bellboard.kube import Kube, KubeAbsent, KubeConflict, Patch, kinds
from bellboard.testing import eventually
from tests.cluster.samples import Fields
from tests.cluster.shops import fields

LOOK = 0.05

Raw = dict[str, Any]


async def register(kube: Kube) -> None:
    """Have the API server know Rollouts and Applications."""
    for name, status in (("Rollout", True), ("Application", False)):
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version: Fields = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
        if status:
            version["subresources"] = {"status": {}}
        names = {"kind": name, "plural": f"{name.lower()}s", "singular": name.lower(), "listKind": f"{name}List"}
        spec = {"group": "argoproj.io", "scope": "Namespaced", "names": names, "versions": [version]}
        meta = {"name": f"{names['plural']}.argoproj.io"}
        said = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}
        await kube.apply(codecs.from_dict(said), force=True)
    await eventually(lambda: _known(kube), 20, because="the API server does not know Argo's kinds")


async def _known(kube: Kube) -> bool:
    try:
        await kube.list(kinds.Rollout, namespace="default")
        await kube.list(kinds.Application, namespace="default")
    except KubeAbsent:
        return False
    return True


@asynccontextmanager
async def running(controller: Any) -> AsyncIterator[None]:
    """Have a double do its work again and again."""

    async def work() -> None:
        while True:
            with suppress(KubeConflict, KubeAbsent):
                await controller.reconcile()
            await asyncio.sleep(LOOK)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class RolloutsController:
    """Argo Rollouts' double, for one Rollout called shop, whose strategy is a canary by replicas."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube, self._namespace = kube, namespace

    async def reconcile(self) -> None:
        raw = await fields(self._kube, kinds.Rollout, "shop", self._namespace)
        spec, status = raw["spec"], dict(raw.get("status") or {})
        new = hashlib.sha256(str(spec["template"]).encode()).hexdigest()[:8]
        stable = status.get("stableRS") or new
        if status.get("currentPodHash") != new:
            status = {"stableRS": stable, "currentStepIndex": 0, "currentPodHash": new}
        steps = spec.get("strategy", {}).get("canary", {}).get("steps") or []
        share, over = self._step(spec, status, steps, new == stable or bool(status.get("promoteFull")))
        wanted = spec["replicas"]
        count = wanted if over else math.ceil(wanted * share / 100)
        ready = await self._scale(raw, new, count)
        if over and ready == wanted:
            stable = new
        await self._shrink(keep=new, stable=stable, left=wanted - count if not over or ready < wanted else 0)
        status |= {"stableRS": stable, "observedGeneration": str(raw["metadata"]["generation"])}
        status |= {"phase": self._phase(status, over and stable == new), "replicas": wanted}
        status |= {"updatedReplicas": count, "availableReplicas": wanted if ready == count else ready}
        if over and stable == new:
            status |= {"promoteFull": None, "currentStepIndex": len(steps)}
        body = {"metadata": {"resourceVersion": raw["metadata"]["resourceVersion"]}, "status": status}
        if {key: value for key, value in status.items() if value is not None} != raw.get("status"):
            await self._kube.patch(kinds.Rollout.Status, "shop", body, namespace=self._namespace, form=Patch.MERGE)

    def _step(self, spec: Raw, status: Raw, steps: list[Raw], whole: bool) -> tuple[int, bool]:
        """The share that the steps so far give, and whether they are over. A pause ends when its condition is removed."""
        if whole or spec.get("paused"):
            status |= {"pauseConditions": None, "controllerPause": False}
            return 0, whole
        index = status.get("currentStepIndex") or 0
        while (
            index < len(steps)
            and "pause" in steps[index]
            and status.get("controllerPause")
            and not status.get("pauseConditions")
        ):
            index, status["controllerPause"] = index + 1, False
        while index < len(steps) and "setWeight" in steps[index]:
            index += 1
        if index < len(steps) and not status.get("controllerPause"):
            status |= {"controllerPause": True, "pauseConditions": [{"reason": "CanaryPauseStep"}]}
        status["currentStepIndex"] = index
        passed = [step["setWeight"] for step in steps[:index] if "setWeight" in step]
        return (passed[-1] if passed else 0), index >= len(steps)

    def _phase(self, status: Raw, healthy: bool) -> str:
        return "Healthy" if healthy else "Paused" if status.get("pauseConditions") else "Progressing"

    async def _scale(self, raw: Raw, hash: str, count: int) -> int:
        """Have a ReplicaSet of the template with so many pods; how many of them are ready."""
        template = raw["spec"]["template"]
        labels = {**template["metadata"]["labels"], "rollouts-pod-template-hash": hash}
        owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "shop", "uid": raw["metadata"]["uid"]}
        name = f"shop-{hash}"
        spec = {
            "replicas": count,
            "selector": {"matchLabels": labels},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        }
        meta = {"name": name, "namespace": self._namespace, "labels": labels, "ownerReferences": [owner]}
        said = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": spec}
        with suppress(KubeConflict):
            await self._kube.create(codecs.from_dict(said))
        found = await self._kube.patch(kinds.ReplicaSet, name, {"spec": {"replicas": count}}, namespace=self._namespace)
        return int((found.status and found.status.readyReplicas) or 0)

    async def _shrink(self, *, keep: str, stable: str, left: int) -> None:
        """Have so many pods of the stable template, and none of any other than the new one."""
        for one in await self._kube.list(kinds.ReplicaSet, namespace=self._namespace):
            name = str(one.metadata.name) if one.metadata else ""
            count = left if name == f"shop-{stable}" else 0
            if name != f"shop-{keep}":
                await self._kube.patch(kinds.ReplicaSet, name, {"spec": {"replicas": count}}, namespace=self._namespace)


class ArgoCD:
    """Argo CD's double, for one Application. What it syncs to becomes healthy, unless the commit is one that fails.

    Attributes:
        synced: the commits that it was asked to sync to.
    """

    def __init__(self, kube: Kube, namespace: str, name: str, failing: str = "", degrading: str = "") -> None:
        self._kube, self._namespace, self._name = kube, namespace, name
        self._failing, self._degrading, self.synced = failing, degrading, list[str]()

    async def reconcile(self) -> None:
        raw = await fields(self._kube, kinds.Application, self._name, self._namespace)
        operation, status = raw.get("operation"), raw.get("status") or {}
        state = status.get("operationState") or {}
        if operation:
            self.synced.append(operation["sync"]["revision"])
            state = {"operation": operation, "phase": "Running", "message": "waiting for pods"}
        elif state.get("phase") == "Running":
            commit = state["operation"]["sync"]["revision"]
            failed = commit == self._failing
            state = {**state, "phase": "Failed" if failed else "Succeeded", "message": "no such path" if failed else "synced"}
            if not failed:
                state["syncResult"] = {"revision": commit}
                health = "Degraded" if commit == self._degrading else "Healthy"
                status = {**status, "sync": {"revision": commit, "status": "Synced"}, "health": {"status": health}}
        else:
            return
        body = {"metadata": {"resourceVersion": raw["metadata"]["resourceVersion"]}, "operation": None}
        body["status"] = {**status, "operationState": state}
        await self._kube.patch(kinds.Application, self._name, body, namespace=self._namespace, form=Patch.MERGE)
