"""What containers write is read as from a kubelet: its own code does it. The words are the tests'."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from bellboard.kube import Kube, KubeRefused, kinds
from bellboard.testing import eventually
from tests.cluster.cluster import ContainerLog, Kubernetes
from tests.cluster.samples import make


@pytest.fixture
async def log(own: Kubernetes, admin: Kube, namespace: str) -> ContainerLog:
    """Of a pod that runs."""
    pod = {"containers": [{"name": "web", "image": "shop:v1"}]}
    await make(admin, namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": pod})

    async def runs() -> bool:
        found = await admin.get(kinds.Pod, "shop", namespace=namespace)
        return found.status is not None and found.status.phase == "Running"

    await eventually(runs)
    return own.log(namespace, "shop", "web")


async def read(admin: Kube, namespace: str, *, previous: bool = False, last: int = 0) -> list[str]:
    """The messages of the pod's log."""
    lines = admin.log("shop", namespace=namespace, previous=previous, last=last)
    return [line.partition(" ")[2] async for line in lines]


async def test_the_log_of_a_pod_can_be_read(admin: Kube, namespace: str, log: ContainerLog) -> None:
    """All of it, or the end."""
    log.write("one", "two", "three")

    assert await read(admin, namespace) == ["one", "two", "three"]
    assert await read(admin, namespace, last=2) == ["two", "three"]


async def test_the_log_before_a_restart_is_another(admin: Kube, namespace: str, log: ContainerLog) -> None:
    """Of a container that crashes again and again, the one before says why."""
    log.write("out of cheese")
    with pytest.raises(KubeRefused) as refused:
        await read(admin, namespace, previous=True)
    assert "previous terminated container" in str(refused.value.hint)

    log.restarts()
    log.write("here we go")

    assert await read(admin, namespace, previous=True) == ["out of cheese"]
    assert await read(admin, namespace) == ["here we go"]


async def test_whoever_follows_a_log_hears_it_until_the_container_ends(admin: Kube, namespace: str, log: ContainerLog) -> None:
    """And may ask for what comes after the restart."""
    log.write("one")
    async with aclosing(admin.log("shop", namespace=namespace, follow=True)) as lines:
        assert (await anext(lines)).endswith(" one")
        log.write("two")
        assert (await anext(lines)).endswith(" two")
        log.restarts()
        assert [line async for line in lines] == []

    log.write("three")
    assert await read(admin, namespace) == ["three"]
