"""The chart in a cluster: put there by Helm, and provisioned by a process, since no container runs here."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bellboard.kube import EVERYWHERE, Kube, KubeRefused, connect, kinds
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us
from tests.chart.render import RELEASE
from tests.chart.tools import CHART, helm
from tests.cluster.cluster import Kubernetes

NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
GOES = 400.0
"""Seconds that a busy machine may take until all namespaces are gone."""

QPS = "200"
"""Requests that Helm may make a second. It waits by asking for one object after another: five a second, if it is not told."""

FLEETING = {"events", "leases", "componentstatuses"}
"""What comes and goes by itself."""

Thing = tuple[str, str, str]
"""An object: its kind, its namespace, its name."""


class Release:
    """A release called bellboard, in the namespace bellboard; an async context manager, which makes that and takes all away.

    Args:
        folder: for what its programs read.
    """

    def __init__(self, kubernetes: Kubernetes, folder: Path) -> None:
        self.kubernetes, self._folder = kubernetes, folder

    async def __aenter__(self) -> Self:
        async with connect(self.kubernetes.admin) as cluster:
            await cluster.own.create(kinds.Namespace(metadata=kinds.ObjectMeta(name=RELEASE)))
            await eventually(lambda: cluster.own.list(kinds.ServiceAccount, namespace=RELEASE))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.uninstall()
        async with connect(self.kubernetes.admin) as cluster:
            await cluster.own.delete(kinds.Namespace, RELEASE)

            async def gone() -> bool:
                there = {str(one.metadata and one.metadata.name) for one in await cluster.own.list(kinds.Namespace)}
                return not any(name.startswith(RELEASE) for name in there)

            await eventually(gone, GOES)

    async def install(self, values: Mapping[str, Any], *options: str) -> None:
        """Install it, and wait until its pods are ready."""
        await self._helm("install", RELEASE, str(CHART), *self._values(values), "--wait", *options)

    async def upgrade(self, values: Mapping[str, Any]) -> None:
        """Go on to other values, and wait until its pods are ready."""
        await self._helm("upgrade", RELEASE, str(CHART), *self._values(values), "--wait")

    async def rollback(self, revision: int) -> None:
        """Go back to an earlier revision, and wait until its pods are ready."""
        await self._helm("rollback", RELEASE, str(revision), "--wait")

    async def uninstall(self) -> None:
        """Take it away, unless it is gone already."""
        await self._helm("uninstall", RELEASE, "--ignore-not-found")

    async def provision(self) -> None:
        """Run the provisioner as its Job has it, with its ServiceAccount's token: keys, and what is derived from them."""
        async with connect(self.kubernetes.admin) as cluster:
            teams = await cluster.own.get(kinds.ConfigMap, f"{RELEASE}-teams", namespace=RELEASE)
            (job,) = await cluster.own.list(kinds.Job, namespace=RELEASE, labels={"app.kubernetes.io/component": "provisioner"})
        assert teams.data is not None
        assert job.spec is not None
        assert job.spec.template.spec is not None
        told = {one.name: one.value or "" for one in job.spec.template.spec.containers[0].env or ()}
        account = await self.kubernetes.account(RELEASE, str(job.spec.template.spec.serviceAccountName))
        file = self._folder / "teams.json"
        file.write_text(teams.data["teams.json"])
        await self._run(
            (sys.executable, "-m", "bellboard_provisioner", "keys"),
            **{**told, "BELLBOARD_TEAMS_FILE": str(file), "BELLBOARD_KUBECONFIG": str(account)},
        )

    def _values(self, values: Mapping[str, Any]) -> tuple[str, str]:
        file = self._folder / "values.json"
        file.write_text(json.dumps(values))
        return "--values", str(file)

    async def _helm(self, *arguments: str) -> None:
        cluster = ("--kubeconfig", str(self.kubernetes.admin), "--namespace", RELEASE, "--qps", QPS)
        await self._run((str(helm()), *cluster, *arguments))

    async def _run(self, command: tuple[str, ...], **more: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *ends_with_us(*command),
            env={**os.environ, "HOME": str(self._folder), **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()


async def everything(kube: Kube) -> set[Thing]:
    """All objects of a cluster, but for what comes and goes by itself."""
    found: set[Thing] = set()
    async for path, resource in _resources(kube):
        try:
            listed = await kube.ask(f"{path}/{resource}", what=resource, accept=NAMES)
        except KubeRefused:
            continue
        for item in listed["items"] or ():
            found.add((resource, item["metadata"].get("namespace", ""), item["metadata"]["name"]))
    return found


async def _resources(kube: Kube) -> AsyncIterator[tuple[str, str]]:
    """Every kind that can be listed: the path of its group, and its plural."""
    groups = await kube.ask("/apis", what="groups")
    for path in ("/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups["groups"])):
        for resource in (await kube.ask(path, what="kinds"))["resources"]:
            if "list" in resource["verbs"] and resource["name"] not in FLEETING:
                yield path, resource["name"]


async def keys(kube: Kube) -> dict[str, str]:
    """All keys that the provisioner has made, by namespace, Secret and name."""
    ours = {"app.kubernetes.io/managed-by": "bellboard-provisioner"}
    return {
        f"{one.metadata.namespace}/{one.metadata.name}/{name}": value
        for one in await kube.list(kinds.Secret, namespace=EVERYWHERE, labels=ours)
        if one.metadata
        for name, value in (one.data or {}).items()
    }
