"""The chart's life in a cluster: it comes, changes, is taken back and goes, and loses no key and leaves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bellboard.kube import EVERYWHERE, Kube, kinds
from bellboard.testing import eventually
from tests.chart.render import RELEASE
from tests.cluster.cluster import Kubernetes
from tests.cluster.release import Release, Thing, everything, keys

ANN = {"people": {"ann": {"groups": ["owners"]}}}
TWO: dict[str, Any] = {
    "domain": "bells.example.com",
    "nats": {"storage": {"keep": False}},
    "teams": {"payments": ANN, "search": ANN},
}
THREE: dict[str, Any] = {
    **TWO,
    "teams": {"payments": {**ANN, "bots": {"memes": {"replicas": 3}, "oncall": {"enabled": False}}}, "search": ANN, "ml": ANN},
}


@pytest.fixture
async def release(kubernetes: Kubernetes, tmp_path: Path) -> AsyncIterator[Release]:
    """To be installed by the test, which may uninstall it."""
    async with Release(kubernetes, tmp_path) as release:
        yield release


async def lacking(kube: Kube) -> set[Thing]:
    """Secrets and ConfigMaps that pods of the release mount, and which are not there: such a pod would never start."""
    wanted: set[Thing] = set()
    for pod in await kube.list(kinds.Pod, namespace=EVERYWHERE, labels={"app.kubernetes.io/instance": RELEASE}):
        assert pod.metadata is not None
        assert pod.spec is not None
        namespace = str(pod.metadata.namespace)
        for volume in pod.spec.volumes or ():
            if volume.secret and not volume.secret.optional:
                wanted.add(("secrets", namespace, str(volume.secret.secretName)))
            if volume.configMap and not volume.configMap.optional:
                wanted.add(("configmaps", namespace, str(volume.configMap.name)))
    assert wanted
    return wanted - await everything(kube)


async def ready(kube: Kube, kind: type[Any], name: str, namespace: str) -> int:
    """How many pods of a workload are ready."""
    status = (await kube.get(kind, name, namespace=namespace)).status
    return (status and status.readyReplicas) or 0


async def test_it_comes_changes_is_taken_back_and_leaves_nothing(release: Release, admin: Kube) -> None:
    """With what the provisioner made: that belongs to objects of the chart's, and goes with them."""
    before = await everything(admin)
    await release.install(TWO)
    assert ("secrets", "bellboard-payments", "bellboard-keys-memes") in await lacking(admin)
    await release.provision()
    assert await lacking(admin) == set()
    assert await ready(admin, kinds.StatefulSet, "bellboard-nats", RELEASE) == 3
    assert await ready(admin, kinds.StatefulSet, "gateway", "bellboard-payments") == 2
    first = await keys(admin)

    await release.upgrade(THREE)
    await release.provision()
    assert first.items() < (await keys(admin)).items()
    assert await lacking(admin) == set()
    assert await ready(admin, kinds.StatefulSet, "gateway", "bellboard-ml") == 2
    assert await ready(admin, kinds.Deployment, "memes", "bellboard-payments") == 3

    await release.rollback(1)
    await release.provision()
    assert first.items() <= (await keys(admin)).items()
    assert await lacking(admin) == set()
    assert await ready(admin, kinds.Deployment, "oncall", "bellboard-payments") == 2

    await release.uninstall()

    async def left() -> bool:
        assert await everything(admin) - before == set()
        return True

    await eventually(left, 90)
