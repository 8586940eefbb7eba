"""What is written to a workload for each thing that is wanted of it. No I/O."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bellboard.kube.reasons import Raw

from ..model import Order
from .seen import Kind, Seen

TRACK = "bellboard/track"
"""The label that tells the pods of a canary from those beside it."""

CANARY_OF = "bellboard/canary-of"
"""The label of a canary, which says what it is one of."""

Change = dict[str, Any]


def images(kind: Kind, raw: Raw, containers: Sequence[str], image: str) -> Change:
    """Have containers run an image. Kubernetes merges lists of its own kinds by name; Argo's are given whole."""
    pod = raw["spec"]["template"]["spec"]
    changed: Change = {}
    for where in ("initContainers", "containers"):
        said = pod.get(where) or []
        if kind == "rollout" and any(one["name"] in containers for one in said):
            changed[where] = [{**one, "image": image} if one["name"] in containers else dict(one) for one in said]
        elif mine := [{"name": one["name"], "image": image} for one in said if one["name"] in containers]:
            changed[where] = mine
    return {"spec": {"template": {"spec": changed}}}


def partition(change: Change, kept: int) -> Change:
    """A change of a StatefulSet that leaves so many of its pods, the first ones, as they were."""
    return {"spec": {**change["spec"], "updateStrategy": {"rollingUpdate": {"partition": kept}}}}


def count(replicas: int) -> Change:
    """Have so many pods."""
    return {"spec": {"replicas": replicas}}


def still(paused: bool) -> Change:
    """Have a rollout stand still, or go on."""
    return {"spec": {"paused": paused}}


def restart(kind: Kind, order: Order) -> Change:
    """Have every pod replaced, as ``kubectl rollout restart`` does: by a moment in the template. A repeat says the same one."""
    moment = datetime.fromtimestamp(order.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "rollout":
        return {"spec": {"restartAt": moment}}
    return {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": moment}}}}}


def fenced(change: Mapping[str, Any], seen_revision: str, annotations: Mapping[str, str]) -> Change:
    """A change that is only made to the state of an object that was seen, and leaves word of it there."""
    meta = dict(change.get("metadata") or {})
    meta["annotations"] = {**(meta.get("annotations") or {}), **annotations}
    return {**change, "metadata": {**meta, "resourceVersion": seen_revision}}


def canary_name(seen: Seen, command: str) -> str:
    """What the canary of a command is called. No two commands share one, so that a late one can only touch its own."""
    return f"{seen.name[:40]}-canary-{zlib.crc32(command.encode()):08x}"


def canary(raw: Raw, seen: Seen, name: str, containers: Sequence[str], image: str) -> Change:
    """A Deployment without pods yet beside another, whose pods the same Services find. It goes when the other goes."""
    spec = copy.deepcopy(dict(raw["spec"]))
    own = {TRACK: name}
    spec["replicas"], spec["paused"] = 0, False
    selects = spec["selector"]
    spec["selector"] = {**selects, "matchLabels": {**(selects.get("matchLabels") or {}), **own}}
    meta = spec["template"].setdefault("metadata", {})
    spec["template"]["metadata"] = {**meta, "labels": {**(meta.get("labels") or {}), **own}}
    for where in ("initContainers", "containers"):
        for one in spec["template"]["spec"].get(where) or ():
            if one["name"] in containers:
                one["image"] = image
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": seen.name, "uid": seen.uid}
    return {
        "metadata": {
            "name": name,
            "namespace": raw["metadata"]["namespace"],
            "labels": {CANARY_OF: seen.name, "app.kubernetes.io/managed-by": "bellboard"},
            "ownerReferences": [owner],
        },
        "spec": spec,
    }
