"""A cluster in memory, of plain objects: as much as the k8s bot looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bellboard import UserError
from bellboard.kube import EVERYWHERE, KubeAbsent, KubeDenied
from bellboard_k8s.providers import Column, Fields, Kind, Listed, Look, Row


def kind(plural: str, name: str, *short: str, group: str = "", namespaced: bool = True) -> Kind:
    """A kind, called as in a cluster."""
    words = {plural, name.casefold(), *short}
    full = {f"{word}.{group}" for word in words} if group else set()
    return Kind(plural, group, "v1", name, namespaced, frozenset(words | full))


KINDS = (
    kind("pods", "Pod", "po"),
    kind("services", "Service", "svc"),
    kind("events", "Event", "ev"),
    kind("secrets", "Secret"),
    kind("nodes", "Node", "no", namespaced=False),
    kind("deployments", "Deployment", "deploy", group="apps"),
    kind("services", "Service", "ksvc", group="serving.knative.dev"),
)
MADE = "2026-11-29T19:00:00Z"


def thing(name: str, kind: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """An object."""
    meta = {"name": name, "namespace": namespace, "creationTimestamp": MADE, **more.pop("metadata", {})}
    return {"kind": kind, "metadata": meta, **more}


def event(kind: str, name: str, reason: str, last: str, *, bad: bool = False, namespace: str = "shop") -> Fields:
    """An event of the older form."""
    about = {"kind": kind, "name": name, "namespace": namespace}
    more = {"type": "Warning" if bad else "Normal", "reason": reason, "message": f"{reason} of {name}", "count": 2}
    return {"metadata": {"namespace": namespace}, "involvedObject": about, "lastTimestamp": last, **more}


@dataclass
class MemoryKubernetes:
    """A `Kubernetes`; and the `Look` of everybody, who are remembered in ``asked``.

    Attributes:
        objects: what there is.
        said: events.
        used: what metrics.k8s.io tells, by plural; without it, it is not there.
        denied: people who may see nothing.
        silent: events may not be seen.
    """

    namespace: str = "shop"
    objects: list[Fields] = field(default_factory=list)
    said: list[Fields] = field(default_factory=list)
    used: Mapping[str, Sequence[Fields]] | None = None
    denied: set[str] = field(default_factory=set)
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    columns: Sequence[Column] = (
        Column("Name", "string", True),
        Column("Ready", "string", True),
        Column("Restarts", "string", True),
        Column("Age", "string", True),
        Column("Node", "string", False),
    )

    def look(self, person: str) -> Look:
        if not person:
            raise UserError("no person asks for this")
        self.asked.append(person)
        return self

    def whose(self, person: str) -> str:
        return f"as bellboard:home:{person}"

    async def ping(self) -> None:
        """It is well."""

    async def kinds(self) -> Sequence[Kind]:
        return KINDS

    async def table(self, kind: Kind, namespace: str, *, name: str = "", labels: str = "") -> Listed:
        found = self._there(kind, namespace, name)
        if labels:
            key, _, value = labels.partition("=")
            found = [one for one in found if (one["metadata"].get("labels") or {}).get(key) == value]
        return Listed(self.columns, [Row(self._cells(one), one["metadata"]) for one in found])

    async def object(self, kind: Kind, namespace: str, name: str) -> Fields:
        return self._there(kind, namespace, name)[0]

    async def events(self, namespace: str) -> Sequence[Fields]:
        if self.silent:
            raise KubeDenied(f"bellboard:home:{self.asked[-1]} may not list events in {namespace}")
        return [one for one in self.said if namespace in (EVERYWHERE, one["metadata"]["namespace"])]

    async def nodes(self) -> Sequence[Fields]:
        return [one for one in self.objects if one["kind"] == "Node"]

    async def usage(self, plural: str, namespace: str) -> Sequence[Fields]:
        if self.used is None:
            raise KubeAbsent(f"this cluster has no {plural}.metrics.k8s.io")
        return self.used[plural]

    def _there(self, kind: Kind, namespace: str, name: str) -> list[Fields]:
        if self.asked[-1] in self.denied:
            raise KubeDenied(f"bellboard:home:{self.asked[-1]} may not list {kind.plural} in {namespace}")
        places = {namespace} if namespace != EVERYWHERE else {one["metadata"]["namespace"] for one in self.objects}
        found = [
            one
            for one in self.objects
            if one["kind"] == kind.name
            and (not kind.namespaced or one["metadata"]["namespace"] in places)
            and name in ("", one["metadata"]["name"])
        ]
        if name and not found:
            raise KubeAbsent(f"there is no {kind.name.lower()} {name} in {namespace}")
        return found

    def _cells(self, one: Fields) -> list[Any]:
        node = (one.get("spec") or {}).get("nodeName", "<none>")
        return [one["metadata"]["name"], "1/1", one.get("restarts", "0"), "an hour", node]
