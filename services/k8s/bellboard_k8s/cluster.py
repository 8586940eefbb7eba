"""The cluster itself, by `bellboard.kube`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from bellboard import UserError
from bellboard.kube import EVERYWHERE, Cluster, Kube, KubeError, Person, connect, in_pod

from .discovery import ACCEPTED, kinds_of
from .providers import Column, Fields, Kind, Kubernetes, Listed, Look, Row
from .settings import Settings

MOST = 500
"""Objects that are asked for."""

MOST_EVENTS = 2_000
KNOWN_SECONDS = 600.0
"""How long the kinds that a cluster has are known, before it is asked again."""

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METRICS = "/apis/metrics.k8s.io/v1beta1"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Kubernetes]:
    """The cluster that the settings name, or that this is a pod in. Without one there is nothing to see, and it is told.

    Raises:
        SettingsError: a kubeconfig is named, and can't be used.
    """
    if settings.kubeconfig is None and not in_pod():
        yield Nowhere()
        return
    async with connect(settings.kubeconfig, settings.kube_context) as cluster:
        yield Connected(cluster, settings)


class Nowhere:
    """No cluster; a `Kubernetes`."""

    namespace = "default"

    def look(self, person: str) -> Look:
        raise UserError("no Kubernetes cluster is set up", hint="name a kubeconfig with BELLBOARD_KUBECONFIG")

    def whose(self, person: str) -> str:
        return "with no rights"

    async def ping(self) -> None:
        """It is as well as it can be."""


class Connected:
    """A `Kubernetes` that is there."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self.namespace = cluster.namespace
        self._cluster, self._team, self._as_people = cluster, settings.team, settings.kube_impersonate
        self._kinds: tuple[float, Sequence[Kind]] = (0.0, ())

    def look(self, person: str) -> Look:
        if not self._as_people:
            return Asked(self._cluster.own, self)
        if not person:
            raise UserError("no person asks for this", hint="it is looked at with a person's own rights")
        return Asked(self._cluster.person(Person(self._team, person)), self)

    def whose(self, person: str) -> str:
        return f"as {Person(self._team, person).user}" if self._as_people else "with this bot's own rights"

    async def ping(self) -> None:
        await self._cluster.own.ask("/version", what="the version")

    async def kinds(self, kube: Kube) -> Sequence[Kind]:
        """Every kind, asked for again from time to time: kinds come with whatever is installed."""
        until, kinds = self._kinds
        if time.monotonic() >= until:
            answers = [await kube.ask(path, what="kinds", accept=ACCEPTED) for path in ("/api", "/apis")]
            kinds = [kind for answer in answers for kind in kinds_of(answer)]
            self._kinds = (time.monotonic() + KNOWN_SECONDS, kinds)
        return kinds


class Asked:
    """A `Look` by asking the cluster."""

    def __init__(self, kube: Kube, cluster: Connected) -> None:
        self._kube, self._cluster = kube, cluster

    async def kinds(self) -> Sequence[Kind]:
        return await self._cluster.kinds(self._kube)

    async def table(self, kind: Kind, namespace: str, *, name: str = "", labels: str = "") -> Listed:
        query: dict[str, str | int] = {} if name else {"limit": MOST}
        if labels and not name:
            query["labelSelector"] = labels
        answer = await self._ask(kind, namespace, name, query, TABLE)
        if answer.get("kind") != "Table":
            raise KubeError(f"Kubernetes does not show {kind.plural} as a table")
        columns = [Column(one["name"], one["type"], not one["priority"]) for one in answer["columnDefinitions"]]
        rows = [Row(row["cells"], row["object"]["metadata"]) for row in answer.get("rows") or ()]
        return Listed(columns, rows, more=bool(answer["metadata"].get("continue")))

    async def object(self, kind: Kind, namespace: str, name: str) -> Fields:
        found: Fields = await self._ask(kind, namespace, name, {}, "application/json")
        return found

    async def events(self, namespace: str) -> Sequence[Fields]:
        path = f"/api/v1{_within(namespace)}/events"
        return await self._items(path, "events", namespace, {"limit": MOST_EVENTS})

    async def nodes(self) -> Sequence[Fields]:
        return await self._items("/api/v1/nodes", "nodes", "", {})

    async def usage(self, plural: str, namespace: str) -> Sequence[Fields]:
        return await self._items(f"{METRICS}{_within(namespace)}/{plural}", f"{plural}.metrics.k8s.io", namespace, {})

    async def _items(self, path: str, what: str, namespace: str, query: dict[str, str | int]) -> Sequence[Fields]:
        answer = await self._kube.ask(path, what=what, verb="list", namespace=namespace, query=query)
        items: Sequence[Fields] = answer.get("items") or ()
        return items

    async def _ask(self, kind: Kind, namespace: str, name: str, query: dict[str, str | int], accept: str) -> Any:
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        path = f"{base}{_within(namespace)}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")
        what, verb = (kind.name.lower(), "get") if name else (kind.plural, "list")
        return await self._kube.ask(path, what=what, verb=verb, name=name, namespace=namespace, query=query, accept=accept)


def _within(namespace: str) -> str:
    """The part of a path that names a namespace."""
    return "" if namespace in ("", EVERYWHERE) else f"/namespaces/{quote(namespace, safe='')}"
