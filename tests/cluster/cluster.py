"""A cluster for tests: one of their own, which is made for them, or the one that KUBECONFIG names."""

from __future__ import annotations

import json
import ssl
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from lightkube import codecs
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.resources.core_v1 import ServiceAccountToken

from bellboard.kube import KubeAbsent, connect, kinds
from bellboard.testing import eventually
from tests.cluster import nodes
from tests.cluster.servers import Servers, write_kubeconfig

Fields = dict[str, Any]
START = 150.0
"""Seconds that each half of a cluster's start may take on a busy machine."""


@dataclass(frozen=True)
class Kubernetes:
    """A cluster, and how one gets in.

    Attributes:
        admin: a kubeconfig with all rights.
        folder: where more kubeconfigs are kept.
        servers: of the tests' own cluster; None with somebody else's.
    """

    admin: Path
    folder: Path
    servers: Servers | None = None

    async def account(self, namespace: str, name: str) -> Path:
        """A kubeconfig of a ServiceAccount, with a token for an hour."""
        asked = ServiceAccountToken(
            metadata=kinds.ObjectMeta(namespace=namespace), spec=TokenRequestSpec(audiences=[], expirationSeconds=3600)
        )
        async with connect(self.admin) as cluster:
            given = await cluster.own.create(asked, name)
        assert given.status is not None
        return write_kubeconfig(self.folder / f"{namespace}-{name}.yaml", self._where(), {"token": given.status.token})

    def user(self, name: str, *groups: str) -> Path:
        """A kubeconfig of a person with a certificate. Only in a cluster of the tests' own."""
        assert self.servers is not None
        return self.servers.kubeconfig(name, *groups)

    def log(self, namespace: str, pod: str, container: str) -> ContainerLog:
        """What a container writes. Only in a cluster of the tests' own, where none runs."""
        assert self.servers is not None
        return ContainerLog(self.servers.logs / namespace / pod / container)

    def audit(self) -> list[Fields]:
        """All that was asked of the API server so far, but by the cluster itself. Only in a cluster of the tests' own."""
        assert self.servers is not None
        return [json.loads(line) for line in self.servers.audit.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def _where(self) -> Fields:
        """How the API server is reached, as the admin's kubeconfig says it."""
        config = yaml.safe_load(self.admin.read_text())
        used = next(one["context"] for one in config["contexts"] if one["name"] == config["current-context"])
        where: Fields = next(one["cluster"] for one in config["clusters"] if one["name"] == used["cluster"])
        if authority := where.get("certificate-authority"):
            where["certificate-authority"] = str(self.admin.parent / authority)
        return where


class ContainerLog:
    """What a container has written so far, and since its last restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder, self._number = folder, 0
        self._file.touch()

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._number}.log"

    def write(self, *lines: str, at: datetime | None = None) -> None:
        """Write lines, now or at another time."""
        when = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        with self._file.open("a") as file:
            file.writelines(f"{when} stdout F {line}\n" for line in lines)

    def restarts(self) -> None:
        """The container ends, and starts again: whoever follows its log comes to the end of it, and may ask for the next."""
        self._number += 1
        self._file.touch()

    def ends(self) -> None:
        """The container ends for good."""
        self._file.with_suffix(".ended").touch()


async def start(program: Path, folder: Path) -> Kubernetes:
    """A cluster of three nodes in a folder of its own; to be stopped by its `servers`."""
    servers = Servers(program, folder)
    kubernetes = Kubernetes(servers.kubeconfig("admin", "system:masters"), folder, servers)
    try:
        servers.start_api()
        await eventually(lambda: _ready(servers), START, because="the API server did not become ready")
        servers.start_rest()
        await _furnish(kubernetes)
    except BaseException:
        servers.stop()
        raise
    return kubernetes


def _ready(servers: Servers) -> bool:
    servers.must_run()
    context = ssl.create_default_context(cafile=servers.authority.certificate)
    try:
        with urllib.request.urlopen(f"{servers.url}/readyz", context=context, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def _furnish(kubernetes: Kubernetes) -> None:
    """Make the nodes, and wait until pods could run on them."""
    servers = kubernetes.servers
    assert servers is not None
    async with connect(kubernetes.admin) as cluster:
        for object in nodes.objects():
            await cluster.own.apply(codecs.from_dict(object))

        async def settled() -> bool:
            servers.must_run()
            try:
                await cluster.own.get(kinds.ServiceAccount, "default", namespace="default")
            except KubeAbsent:
                return False
            return all(_is_ready(node) for node in await cluster.own.list(kinds.Node))

        await eventually(settled, START, because="the nodes did not become ready")


def _is_ready(node: kinds.Node) -> bool:
    conditions = (node.status and node.status.conditions) or []
    tainted = bool(node.spec and node.spec.taints)
    return not tainted and any(one.type == "Ready" and one.status == "True" for one in conditions)
