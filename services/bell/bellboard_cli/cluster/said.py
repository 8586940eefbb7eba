"""What the services of a release wrote lately: errors, and that history was lost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import orjson

from bellboard.kube import Kube, KubeError, KubeRefused, kinds, reasons

from ..findings import Finding
from .release import Release

LATELY = 15 * 60.0
LINES = 200
QUIET = frozenset({"nats", "provisioner"})
"""Components whose lines are not ours, or are told of elsewhere."""


async def errors(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """One finding for each pod that logged errors lately; a lost history is said in full."""
    for namespace in release.namespaces:
        for pod in await kube.list(kinds.Pod, namespace=namespace, labels=release.labels):
            raw = pod.to_dict()
            component = raw["metadata"]["labels"].get("app.kubernetes.io/component", "")
            if component in QUIET or not reasons.is_ready(raw):
                continue
            finding = _told(
                raw["metadata"]["name"], namespace, await _lines(kube, namespace, raw["metadata"]["name"], component)
            )
            if finding is not None:
                yield finding


async def _lines(kube: Kube, namespace: str, pod: str, container: str) -> list[dict[str, object]]:
    """What a pod wrote lately, as far as it is ours and can be read."""
    found = []
    try:
        async for line in kube.log(pod, namespace=namespace, container=container, since=time.time() - LATELY, last=LINES):
            _, _, text = line.partition(" ")
            if text.startswith("{"):
                found.append(orjson.loads(text))
    except (KubeRefused, KubeError, ValueError):
        return found
    return found


def _told(pod: str, namespace: str, lines: list[dict[str, object]]) -> Finding | None:
    lost = ""
    for line in lines:
        if line.get("event") == "history.lost":
            lost = str(line.get("lost"))
        elif line.get("event") == "history.accepted":
            lost = ""
    if lost:
        return Finding(f"{pod} in {namespace} is in safe mode: the bus lost history ({lost})", "docs/operate/losing-history.md")
    wrong = [line for line in lines if line.get("level") in ("error", "critical") and line.get("event") != "history.lost"]
    if not wrong:
        return None
    last = f"{wrong[-1].get('event')}: {wrong[-1].get('error', '')}".rstrip(": ")
    return Finding(
        f"{pod} in {namespace} logged {len(wrong)} errors lately, the last one: {reasons.short(last)}",
        f"kubectl -n {namespace} logs {pod}; docs/signals.md explains each",
    )
