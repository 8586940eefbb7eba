"""The workloads of a release: whether their pods are ready, and if not, why, in words for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bellboard.kube import Kube, kinds, reasons

from ..findings import Finding
from .release import Release

Workload = kinds.Deployment | kinds.StatefulSet
OURS = "bellboard-"
"""With what the names of our images begin."""


async def unready(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """Each workload of whose pods, or of whose new ones, fewer are ready than it is to have; the bus first."""
    for namespace in release.namespaces:
        for workload in await of(kube, release, namespace):
            if (finding := await _look(kube, release, namespace, workload)) is not None:
                yield finding


async def of(kube: Kube, release: Release, namespace: str) -> list[Workload]:
    """The workloads of a release in one of its namespaces."""
    found: list[Workload] = list(await kube.list(kinds.StatefulSet, namespace=namespace, labels=release.labels))
    return [*found, *await kube.list(kinds.Deployment, namespace=namespace, labels=release.labels)]


async def _look(kube: Kube, release: Release, namespace: str, workload: Workload) -> Finding | None:
    raw: dict[str, Any] = workload.to_dict()
    name, wanted = raw["metadata"]["name"], raw["spec"].get("replicas", 1)
    status = raw.get("status") or {}
    ready, new = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready >= wanted and new >= wanted and not status.get("unavailableReplicas"):
        return None
    why = await _why(kube, namespace, raw)
    remedy = f"kubectl -n {namespace} describe pods -l app.kubernetes.io/component={_component(raw)}"
    if namespace == release.namespace and _component(raw) == "nats":
        return Finding(f"{_bus(ready, wanted)}: {why}", remedy)
    if ready >= wanted:
        return Finding(f"the old pods of {name} in {namespace} serve, and the new ones do not yet: {why}", remedy)
    return Finding(f"{ready} of {wanted} pods of {name} in {namespace} are ready: {why}", remedy)


def _bus(ready: int, wanted: int) -> str:
    """What becomes of the bus, of whose servers so many are ready."""
    if ready > wanted // 2:
        return f"{ready} of {wanted} servers of the bus are ready; it works, and must not lose another"
    return f"{ready} of {wanted} servers of the bus are ready, too few to agree, so nothing is accepted"


def _component(raw: dict[str, Any]) -> str:
    return str(raw["metadata"].get("labels", {}).get("app.kubernetes.io/component", ""))


async def _why(kube: Kube, namespace: str, raw: dict[str, Any]) -> str:
    labels = raw["spec"]["selector"]["matchLabels"]
    pods = [pod.to_dict() for pod in await kube.list(kinds.Pod, namespace=namespace, labels=labels)]
    trouble = reasons.of_pods(pods) or reasons.of_conditions((raw.get("status") or {}).get("conditions") or ())
    if trouble is None:
        events = [event.to_dict() for event in await kube.list(kinds.Event, namespace=namespace)]
        trouble = reasons.of_events(events, raw["metadata"]["name"], "")
    if trouble is not None:
        return trouble.text
    return "they are starting" if pods else "there are no pods yet"


async def versions(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """Whether everything of ours is of one version. During an upgrade it is not."""
    tags: dict[str, list[str]] = {}
    for namespace in release.namespaces:
        for workload in await of(kube, release, namespace):
            for image in _images(workload.to_dict()):
                repository, _, tag = image.partition("@")[0].rpartition(":")
                if repository.rpartition("/")[2].startswith(OURS):
                    tags.setdefault(tag, []).append(repository.rpartition("/")[2])
    if len(tags) > 1:
        most = max(tags, key=lambda tag: len(tags[tag]))
        others = "; ".join(f"{_some(names)} {tag}" for tag, names in sorted(tags.items()) if tag != most)
        yield Finding(f"versions differ: {others}; everything else {most}", "wait for the upgrade to end, or set image.tag")


def _images(raw: dict[str, Any]) -> list[str]:
    return [container["image"] for container in raw["spec"]["template"]["spec"]["containers"]]


def _some(names: Sequence[str]) -> str:
    shown = sorted(set(names))
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
