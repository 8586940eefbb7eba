"""The k8s bot in a real cluster: with whose rights it looks, and that it can show whatever there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from lightkube import codecs
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition

from bellboard.kube import Kube, KubeAbsent, kinds
from bellboard.testing import eventually
from bellboard.testing.talk import Talk, TalkTo, settings_for
from bellboard_k8s.bot import bot
from bellboard_k8s.providers import register
from bellboard_k8s.settings import WORKLOADS, Settings
from tests.cluster.cluster import Kubernetes
from tests.cluster.samples import RBAC, Fields, begun, grant, make, workload

create_namespaced_resource("metrics.k8s.io", "v1beta1", "PodMetrics", "pods")
create_global_resource("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes")
ANN, TEAM = "bellboard:home:ann", "bellboard:home"
Make = Callable[..., Talk]


@pytest.fixture
def talk(talk_to: TalkTo, namespace: str) -> Make:
    """Makes a talk with a kubeconfig and other settings."""

    def made(kubeconfig: Path, **settings: Any) -> Talk:
        return talk_to(bot, register, settings_for(Settings, kubeconfig=kubeconfig, **{"namespaces": (namespace,), **settings}))

    return made


@pytest.fixture
async def shop(admin: Kube, namespace: str) -> list[str]:
    """The names of the pods of a Deployment called shop."""
    await make(admin, namespace, workload("Deployment", "registry.test/shop:v1", replicas=2))

    async def there() -> list[kinds.Pod]:
        found = await begun(admin, namespace)
        return found if len(found) == 2 else []

    return [pod.metadata.name or "" for pod in await eventually(there) if pod.metadata]


async def allow(admin: Kube, namespace: str, user: str, *resources: str, group: str = "") -> None:
    """Let a person get and list these in a namespace."""
    rule = {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list"]}
    meta = {"name": user.replace(":", "-")}
    await make(admin, namespace, {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": [rule]})
    subject = {"kind": "User", "name": user, "apiGroup": RBAC}
    role = {"kind": "Role", "name": meta["name"], "apiGroup": RBAC}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": meta, "subjects": [subject], "roleRef": role}
    await make(admin, namespace, binding)


async def test_each_person_sees_what_the_cluster_lets_them(
    kubernetes: Kubernetes, admin: Kube, namespace: str, shop: list[str], talk: Make
) -> None:
    """The bot has no right but to act as two of its people; a third it may not even ask for."""
    users = {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": [ANN, f"{TEAM}:bob"]}
    team = {"apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"], "resourceNames": [TEAM]}
    await grant(admin, namespace, "k8s", users, team, everywhere=True)
    await allow(admin, namespace, ANN, "pods")
    talked = talk(await kubernetes.account(namespace, "k8s"))

    said = await talked(f"k8s get pods in {namespace}")
    assert said.text == f"2 pods in {namespace}, as {ANN}"
    assert [row.cells[0].text for row in said.blocks[1].table.rows] == sorted(shop)

    talked.person = "bob"
    assert (await talked("k8s get pods")).failure.text == f"{TEAM}:bob may not list pods in {namespace}"
    talked.person = "eve"
    assert (await talked("k8s get pods")).failure.text == f"this bot may not act as {TEAM}:eve"


async def test_without_impersonation_it_looks_with_its_own_rights(
    kubernetes: Kubernetes, admin: Kube, namespace: str, shop: list[str], talk: Make
) -> None:
    """And says so; what it has no right to is told as the bot's."""
    await grant(admin, namespace, "k8s", {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]})
    talked = talk(await kubernetes.account(namespace, "k8s"), kube_impersonate=False)

    assert (await talked("k8s get pods")).text == f"2 pods in {namespace}, with this bot's own rights"
    assert (await talked("k8s get services")).failure.text == f"this bot may not list services in {namespace}"


@pytest.fixture
def everything(kubernetes: Kubernetes, talk: Make) -> Make:
    """Makes a talk in which everything may be seen."""
    return lambda **settings: talk(kubernetes.admin, kube_impersonate=False, **settings)


@pytest.mark.parametrize("kind", WORKLOADS)
async def test_each_kind_can_be_listed(everything: Make, namespace: str, shop: list[str], kind: str) -> None:
    """All that may be looked at when nothing is said."""
    said = await everything()(f"k8s get {kind} in {namespace} --wide")

    assert said.state == "SUCCEEDED", said.blocks


async def test_the_columns_are_typed(everything: Make, shop: list[str]) -> None:
    """Ages are lengths, restarts and counts numbers."""
    talked = everything()
    pods, deployments = await talked("k8s get pods"), await talked("k8s get deploy shop --wide")

    (first, *_), head = pods.blocks[1].table.rows, [column.name for column in pods.blocks[1].table.columns]
    assert first.cells[head.index("restarts")].WhichOneof("value") == "number"
    assert first.cells[head.index("age")].WhichOneof("value") == "duration"
    (row,), head = deployments.blocks[1].table.rows, [column.name for column in deployments.blocks[1].table.columns]
    assert row.cells[head.index("available")].number == 2
    assert row.cells[head.index("images")].text == "registry.test/shop:v1"


async def test_names_that_are_not_there_are_corrected(everything: Make, shop: list[str], namespace: str) -> None:
    """By those that are."""
    talked = everything()

    assert (await talked("k8s get deploy shpo")).failure.hint == "did you mean shop?"
    assert (await talked("k8s get pod shop")).failure.hint.startswith("did you mean shop-")
    assert (await talked("k8s get deploys")).failure.hint == "did you mean deploy?"


async def test_a_stuck_pod_is_described_with_the_reason(everything: Make, admin: Kube, namespace: str) -> None:
    """In its state, and in what was said of it; a workload's events come with those of its pods."""
    await make(admin, namespace, workload("Deployment", "registry.test/missing:v2", replicas=1))
    (pod,) = await eventually(lambda: begun(admin, namespace))
    assert pod.metadata is not None
    talked = everything()

    assert "waiting: ImagePullBackOff" in f"{(await talked(f'k8s describe pod {pod.metadata.name}')).blocks}"

    async def told() -> bool:
        said = await talked("k8s events deployment shop")
        return "Failed to pull image" in f"{said.blocks}" and "ScalingReplicaSet" in f"{said.blocks}"

    await eventually(told)


async def test_secrets_keep_their_values(everything: Make, admin: Kube, namespace: str) -> None:
    """Though the bot may read them, and secrets may be looked at."""
    secret = kinds.Secret(metadata=kinds.ObjectMeta(name="db", namespace=namespace), stringData={"password": "hunter2"})
    await admin.apply(secret)
    talked = everything(kinds=("secrets", "events"))

    shown = [await talked(line) for line in ("k8s get secrets --wide", "k8s describe secret db")]

    assert all(said.state == "SUCCEEDED" for said in shown)
    assert "hunter2" not in f"{shown}"
    assert "aHVudGVyMg" not in f"{shown}"


async def test_usage_that_is_not_measured_is_told(everything: Make) -> None:
    """There is no metrics-server."""
    assert "metrics-server" in (await everything()("k8s top")).failure.hint


@pytest.fixture
async def measured(own: Kubernetes, admin: Kube) -> AsyncIterator[None]:
    """A cluster that holds measures of pods and nodes: as objects of kinds called as the measured ones are."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    made = []
    for plural, kind, scope in (("pods", "PodMetrics", "Namespaced"), ("nodes", "NodeMetrics", "Cluster")):
        names = {"plural": plural, "kind": kind, "singular": kind.lower()}
        version = {"name": "v1beta1", "served": True, "storage": True, "schema": schema}
        meta = {"name": f"{plural}.metrics.k8s.io", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}}
        spec = {"group": "metrics.k8s.io", "names": names, "scope": scope, "versions": [version]}
        definition: Fields = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": meta,
            "spec": spec,
        }
        await admin.create(codecs.from_dict(definition))
        made.append(meta["name"])
    yield
    for name in made:
        await admin.delete(CustomResourceDefinition, str(name))


async def test_usage_is_shown_in_numbers(everything: Make, admin: Kube, namespace: str, measured: None) -> None:
    """Of pods, and of nodes with their share."""
    api = {"apiVersion": "metrics.k8s.io/v1beta1"}
    pod = {"metadata": {"name": "shop-1"}, "containers": [{"name": "web", "usage": {"cpu": "250m", "memory": "64Mi"}}]}
    node = {"metadata": {"name": "node-a"}, "usage": {"cpu": "16", "memory": "64Gi"}}

    async def stored() -> bool:
        try:
            await make(admin, namespace, {**api, "kind": "PodMetrics", **pod})
            await make(admin, "", {**api, "kind": "NodeMetrics", **node})
        except KubeAbsent:
            return False
        return True

    await eventually(stored)
    talked = everything(kinds=("pods", "nodes"))

    pods, nodes = await talked("k8s top pods"), await talked("k8s top nodes")

    assert [cell.number or cell.text for cell in pods.blocks[1].table.rows[0].cells] == ["shop-1", 0.25, 64]
    assert [cell.number or cell.text for cell in nodes.blocks[1].table.rows[0].cells] == ["node-a", 16, 50, 65536, 50]
