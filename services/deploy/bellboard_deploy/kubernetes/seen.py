"""A workload as Kubernetes has it, of whichever kind; and its pods. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bellboard import Failed
from bellboard.kube.reasons import Raw, Trouble, is_ready, of_conditions, short

from ..model import Replica, Version
from .images import Images

Kind = Literal["deployment", "statefulset", "daemonset", "rollout"]

SERVING = "bellboard/serving"
"""The label of a pod by which a Service can leave it out: ``no`` where it is drained."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A workload as it was at one moment.

    Attributes:
        uid, revision: which object it is, and which state of it (its resourceVersion).
        images: the image of each container, those that run at first included.
        wanted: how many pods it is to have; ``updated`` and ``ready`` are those of its newest template, ``total`` all.
        fresh: its controller has seen its newest template.
        steady: its controller calls nothing of it old any more.
        weight: percent of the traffic that Argo Rollouts gives to the newest template; None for other kinds.
        selects: the labels by which its pods are found.
    """

    kind: Kind
    name: str
    uid: str
    revision: str
    annotations: Mapping[str, str]
    images: Mapping[str, str]
    wanted: int
    updated: int
    ready: int
    total: int
    fresh: bool
    steady: bool
    paused: bool
    selects: Mapping[str, Any]
    strategy: str = ""
    weight: int | None = None
    trouble: Trouble | None = None

    @property
    def done(self) -> bool:
        """It is as it should be: as many pods as wanted, of its newest template, all of them ready."""
        ready = self.updated >= self.wanted and self.ready >= self.wanted and self.total <= max(self.updated, self.wanted)
        return self.fresh and self.steady and ready

    def partly(self, count: int) -> bool:
        """So many pods of its newest template are there, and all of its pods are ready."""
        return self.fresh and self.updated >= count and self.ready >= self.wanted


def see(kind: Kind, raw: Raw) -> Seen:
    """A workload, from what the API gives."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    pod = spec.get("template", {}).get("spec") or {}
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    strategy = spec.get("updateStrategy") or spec.get("strategy") or {}
    return Seen(
        kind=kind,
        name=meta["name"],
        uid=meta.get("uid", ""),
        revision=meta.get("resourceVersion", ""),
        annotations=meta.get("annotations") or {},
        images={one["name"]: one.get("image", "") for one in containers},
        fresh=int(status.get("observedGeneration") or 0) >= int(meta.get("generation") or 0),
        paused=bool(spec.get("paused")),
        selects=selector(spec.get("selector") or {}),
        strategy=strategy.get("type", ""),
        **{"trouble": of_conditions(status.get("conditions") or ()), **_COUNTS[kind](spec, status)},
    )


def _scaled(spec: Raw, status: Raw) -> dict[str, Any]:
    return {
        "wanted": spec.get("replicas", 1),
        "updated": status.get("updatedReplicas") or 0,
        "ready": status.get("availableReplicas") or 0,
        "total": status.get("replicas") or 0,
        "steady": True,
    }


def _stateful(spec: Raw, status: Raw) -> dict[str, Any]:
    steady = status.get("updateRevision") == status.get("currentRevision")
    return {**_scaled(spec, status), "steady": steady}


def _daemon(spec: Raw, status: Raw) -> dict[str, Any]:
    wanted = status.get("desiredNumberScheduled") or 0
    return {
        "wanted": wanted,
        "updated": status.get("updatedNumberScheduled") or 0,
        "ready": status.get("numberAvailable") or 0,
        "total": wanted,
        "steady": True,
    }


def _rollout(spec: Raw, status: Raw) -> dict[str, Any]:
    """Argo's: what it calls a phase is its own judgement of the whole."""
    phase, said = status.get("phase", ""), short(status.get("message") or "")
    trouble = {"trouble": Trouble(f"Argo Rollouts gave it up: {said}", certain=True)} if phase == "Degraded" else {}
    steady = phase == "Healthy" and status.get("currentPodHash") == status.get("stableRS")
    return {**_scaled(spec, status), "steady": steady, "weight": 100 if steady else _weight(spec, status), **trouble}


def _weight(spec: Raw, status: Raw) -> int:
    """Percent that the steps so far have given to the new version."""
    steps: Sequence[Raw] = ((spec.get("strategy") or {}).get("canary") or {}).get("steps") or ()
    passed = steps[: status.get("currentStepIndex") or 0]
    return int(next((step["setWeight"] for step in reversed(passed) if "setWeight" in step), 0))


_COUNTS = {"deployment": _scaled, "statefulset": _stateful, "daemonset": _daemon, "rollout": _rollout}


def selector(said: Raw) -> dict[str, Any]:
    """A workload's selector, as labels to list pods by; what can't be said so only finds more."""
    labels: dict[str, Any] = dict(said.get("matchLabels") or {})
    for one in said.get("matchExpressions") or ():
        if one["operator"] == "In":
            labels[one["key"]] = list(one["values"])
        elif one["operator"] == "Exists":
            labels[one["key"]] = None
    return labels


def containers_of(seen: Seen, app: str, named: Sequence[str]) -> tuple[str, ...]:
    """The containers of a workload that run an app's image.

    Raises:
        Failed: there are no such ones, or it can't be told which are meant.
    """
    known = list(seen.images)
    chosen = tuple(named) or ((app,) if app in known else tuple(known) if len(known) == 1 else ())
    if not chosen or set(chosen) - set(known):
        raise Failed(f"which container of {seen.name} is {app}?", hint=f"containers: some of {', '.join(known)[:100]}")
    return chosen


def replicas(pods: Iterable[Raw], containers: Sequence[str], images: Images) -> list[Replica]:
    """Pods, as an environment tells of its replicas. Each that takes requests takes as many as any other."""
    return [_replica(pod, containers, images) for pod in pods if (pod.get("status") or {}).get("phase") != "Succeeded"]


def _replica(pod: Raw, containers: Sequence[str], images: Images) -> Replica:
    meta, ready = pod["metadata"], is_ready(pod)
    version, stopping = version_of(pod, containers, images), is_leaving(pod)
    serves = ready and not stopping and (meta.get("labels") or {}).get(SERVING) != "no"
    state: Literal["starting", "ready", "stopping"] = "stopping" if stopping else "ready" if ready else "starting"
    return Replica(meta["name"], version.name, version.digest, state, int(serves))


def is_leaving(pod: Raw) -> bool:
    """Whether it was told to stop."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def version_of(pod: Raw, containers: Sequence[str], images: Images) -> Version:
    """The version that a pod runs."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    said = {one["name"]: one.get("image", "") for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))}
    pulled = {one["name"]: one.get("imageID", "") for one in status.get("containerStatuses") or ()}
    main = next((name for name in containers if name in pulled), containers[0])
    return images.read(said.get(main, ""), pulled.get(main, ""))


def beside(share: int, ready: int) -> int:
    """How many pods beside so many that are ready get nearest to a share in percent; as many as those at most."""
    return max(1, min(max(ready, 1), round(share * ready / (100 - share)))) if share < 100 else max(ready, 1)


def among(share: int, count: int) -> int:
    """How many of so many pods are nearest to a share in percent: one at least, and not all."""
    return max(1, min(count - 1, math.floor(share * count / 100 + 0.5))) if count > 1 else count
