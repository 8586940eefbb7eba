"""Shops in a cluster, and environments that deploy to them. Versions are read from a file; their names say how they fare."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from bellboard.kube import Kube, kinds
from bellboard.testing import eventually
from bellboard_deploy.argv.program import Program
from bellboard_deploy.kubernetes import versions
from bellboard_deploy.kubernetes.app import App
from bellboard_deploy.kubernetes.balancer import KubernetesBalancer
from bellboard_deploy.kubernetes.deployer import KubernetesDeployer
from bellboard_deploy.kubernetes.images import Images
from bellboard_deploy.kubernetes.seen import SERVING, Kind
from bellboard_deploy.kubernetes.store import KINDS, Store
from bellboard_deploy.kubernetes.versions import Catalogue
from bellboard_deploy.providers import Balancer, Deployer, Environment, Observed, Order
from tests.cluster.samples import Fields, make, workload

NAMES = ("v1", "v2", "v2.1", "v3", "v4-missing", "v4-crashing", "v4-hungry", "v4-unready")
IMAGES = Images("shop:{version}")

APIS: dict[Kind, str] = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "rollout": "Rollout",
}


def digest(version: str) -> str:
    """What a version is."""
    return f"sha256:{hashlib.sha256(version.encode()).hexdigest()}"


def image(version: str) -> str:
    """The image of a version, pinned."""
    return f"shop:{version}@{digest(version)}"


def a_list(folder: Path) -> Program:
    """A program that lists the versions."""
    file = folder / "versions"
    file.write_text("".join(f"{name} {digest(name)} the version {name}\n" for name in NAMES))
    return Program(["/usr/bin/cat", str(file)], known=versions.WORDS, cwd=folder, seconds=20.0)


async def fields(kube: Kube, kind: Any, name: str, namespace: str) -> Fields:
    """An object, as the API gives it."""
    return cast(Fields, (await kube.get(kind, name, namespace=namespace)).to_dict())


@dataclass
class Shop:
    """A shop in a namespace, of one of the kinds.

    Attributes:
        reads, writes: as whom it is looked at and changed.
        seconds: how long it may take until one more pod is ready.
    """

    reads: Kube
    namespace: str
    names: Program
    kind: Kind = "deployment"
    seconds: float = 30.0
    writes: Kube | None = None
    order: Order | None = field(default=None)

    async def open(self, *, replicas: int = 2, version: str = "v1", ready_after: str = "0s", **spec: Any) -> Shop:
        """Make it, run by nobody's help, with a Service before it. Its pods are ready after a while."""
        said = workload(APIS[self.kind], image(version), **({} if self.kind == "daemonset" else {"replicas": replicas}), **spec)
        said["spec"]["template"]["metadata"]["labels"][SERVING] = "yes"
        said["spec"]["template"]["metadata"]["annotations"] = {"bellboard.test/ready-after": ready_after}
        if self.kind == "statefulset":
            said["spec"]["serviceName"] = "shop"
        if self.kind == "rollout":
            said["apiVersion"] = "argoproj.io/v1alpha1"
        await make(self.reads, self.namespace, said)
        await make(self.reads, self.namespace, SERVICE)
        if self.kind != "rollout":
            await eventually(self.settled, 30, because="the shop did not open")
        return self

    async def settled(self) -> bool:
        """Whether all of it is ready."""
        seen = await self.observed()
        return bool(seen.replicas) and not seen.why and all(one.weight for one in seen.replicas)

    async def observed(self) -> Observed:
        """What runs."""
        return await self.deployer.observe("shop")

    async def shares(self) -> dict[str, int]:
        """Percent of the pods that take requests, by version."""
        return (await self.observed()).shares()

    async def raw(self, name: str = "shop") -> Fields:
        """The workload, as the API gives it."""
        return await fields(self.reads, KINDS[self.kind], name, self.namespace)

    async def deployments(self) -> list[str]:
        """The names of the Deployments, canaries among them."""
        found = await self.reads.list(kinds.Deployment, namespace=self.namespace)
        return sorted(str(one.metadata.name) for one in found if one.metadata)

    def under(self, order: Order) -> Shop:
        """The same shop, for an order."""
        return replace(self, order=order)

    @property
    def _store(self) -> Store:
        return Store(self.reads, self.writes or self.reads, self.namespace, self.order)

    @property
    def _apps(self) -> list[App]:
        return [App("shop", self.kind, "shop", IMAGES, service="shop")]

    @property
    def deployer(self) -> KubernetesDeployer:
        """As who deploys to it."""
        return KubernetesDeployer(self._store, self._apps, Catalogue(None, self.names, "prod"), self.seconds)

    @property
    def balancer(self) -> KubernetesBalancer:
        """As who balances it."""
        return KubernetesBalancer(self._store, self._apps)

    def environment(self) -> Environment:
        """As an environment, called prod."""
        whole = frozenset({"shop"} if self.kind == "daemonset" else ())
        return Environment(
            "prod",
            deployer=self.deployer,
            balancer=self.balancer,
            in_place=True,
            whole=whole,
            ordered=lambda order: self.under(order).environment(),
        )


SERVICE: Fields = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {"selector": {"app": "shop", SERVING: "yes"}, "ports": [{"port": 80}]},
}


class Acting:
    """A shop each of whose changes is an act of its own: of one rollout, or of the command that a key names."""

    def __init__(self, shop: Shop, of: str) -> None:
        self._shop, self._of, self._act = shop, of, 0

    def __getattr__(self, name: str) -> Any:
        async def method(*args: Any, **named: Any) -> Any:
            self._act += 1
            keyed = {"scale": 2, "restart": 1}.get(name)
            command = args[keyed] if keyed is not None else "the rollout" if self._of == "deployer" else f"c{self._act}"
            shop = self._shop.under(Order(command, "ann", 1_000.0 + self._act, self._act))
            return await getattr(getattr(shop, self._of), name)(*args, **named)

        return method


def deployer_of(shop: Shop) -> Deployer:
    """Who deploys to it, for the suite of all deployers."""
    return cast(Deployer, Acting(shop, "deployer"))


def balancer_of(shop: Shop) -> Balancer:
    """Who balances it, for the suite of all balancers."""
    return cast(Balancer, Acting(shop, "balancer"))
