"""The logs bot's source of pods, in a real cluster: with the rights that its README names, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bellboard.kube import Kube, KubeDenied, Patch, kinds
from bellboard.testing import eventually
from bellboard_logs.choice import Choice, Kubernetes
from bellboard_logs.providers import LogSource
from bellboard_logs.query import Query
from tests.cluster import cluster
from tests.cluster.samples import begun, grant, make, workload

RIGHTS = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)


@asynccontextmanager
async def source(kubernetes: cluster.Kubernetes, namespace: str) -> AsyncIterator[LogSource]:
    """With the rights of the ServiceAccount logs."""
    settings = Kubernetes(namespace=namespace, kubeconfig=await kubernetes.account(namespace, "logs"))
    async with Choice(kubernetes=settings).open(None) as made:  # type: ignore[arg-type]  # the embedded one is not asked
        yield made


async def pods(admin: Kube, namespace: str, count: int) -> list[str]:
    """The names of so many pods of shop."""

    async def there() -> list[kinds.Pod]:
        found = await begun(admin, namespace)
        return found if len(found) == count else []

    return sorted(name(pod) for pod in await eventually(there))


def name(pod: kinds.Pod) -> str:
    assert pod.metadata is not None
    assert pod.metadata.name is not None
    return pod.metadata.name


async def restarted(admin: Kube, namespace: str, pod: str) -> None:
    """Say of a pod's container that it was started again."""
    (now,) = [one for one in await begun(admin, namespace) if name(one) == pod]
    assert now.status is not None
    assert now.status.containerStatuses is not None
    (container,) = now.status.containerStatuses
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}}
    again = {**container.to_dict(), "restartCount": 1, "lastState": ended}
    change = {"status": {"containerStatuses": [again]}}
    await admin.patch(kinds.Pod.Status, pod, change, namespace=namespace, form=Patch.STRATEGIC)


def asked(app: str, minutes: float = 10) -> Query:
    now = datetime.now(UTC).timestamp()
    return Query(app, now - minutes * 60, now + 60)


async def test_a_deployments_lines_are_found_over_all_its_pods(own: cluster.Kubernetes, admin: Kube, namespace: str) -> None:
    """In order of time, with pod, container and version; what was said before a restart too."""
    await grant(admin, namespace, "logs", *RIGHTS)
    await make(admin, namespace, workload("Deployment", "registry.test/shop:v1", replicas=2))
    first, second = await pods(admin, namespace, 2)
    one, other = own.log(namespace, first, "web"), own.log(namespace, second, "web")
    ago = [datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (5, 4, 3, 2)]
    one.write('{"level": "error", "msg": "out of cheese"}', at=ago[0])
    other.write("two", at=ago[1])
    one.restarts()
    one.write("four", at=ago[3])
    other.write("three", at=ago[2])
    await restarted(admin, namespace, first)

    async with source(own, namespace) as made:
        await made.ping()
        found = await made.search(asked("shop"), limit=100)
        late = await made.search(asked("shop", 3.5), limit=100)

    assert [entry.message for entry in found.entries] == ["out of cheese", "two", "three", "four"]
    assert [entry.replica for entry in found.entries] == [first, second, second, first]
    assert {(entry.service, entry.version) for entry in found.entries} == {("web", "v1")}
    assert [entry.message for entry in late.entries] == ["three", "four"]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "Job"])
async def test_other_workloads_are_apps_as_well(own: cluster.Kubernetes, admin: Kube, namespace: str, kind: str) -> None:
    """By their names."""
    await grant(admin, namespace, "logs", *RIGHTS)
    spec = {"serviceName": "shop"} if kind == "StatefulSet" else {}
    await make(admin, namespace, workload(kind, "shop:v1", **spec))
    found = await eventually(lambda: begun(admin, namespace))
    own.log(namespace, name(found[0]), "web").write("here")

    async with source(own, namespace) as made:
        assert [entry.message for entry in (await made.search(asked("shop"), limit=10)).entries] == ["here"]


async def test_a_container_that_crashes_again_and_again_has_said_why(
    own: cluster.Kubernetes, admin: Kube, namespace: str
) -> None:
    """Though it does not run just now."""
    await grant(admin, namespace, "logs", *RIGHTS)
    await make(admin, namespace, workload("Deployment", "shop:crashing", replicas=1))
    (pod,) = await pods(admin, namespace, 1)
    own.log(namespace, pod, "web").write("no such table: orders")

    async with source(own, namespace) as made:
        found = await made.search(asked("shop"), limit=10)

    assert [entry.message for entry in found.entries] == ["no such table: orders"]


async def test_a_tail_follows_over_restarts_and_new_pods(own: cluster.Kubernetes, admin: Kube, namespace: str) -> None:
    """Every line once."""
    await grant(admin, namespace, "logs", *RIGHTS)
    await make(admin, namespace, workload("Deployment", "shop:v1", replicas=1))
    (pod,) = await pods(admin, namespace, 1)
    log = own.log(namespace, pod, "web")
    log.write("before", at=datetime.now(UTC) - timedelta(minutes=1))
    began, heard = datetime.now(UTC), list[str]()

    def later(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    async def said(*lines: str) -> None:
        await eventually(lambda: heard == list(lines), because=f"heard {heard}")

    async def listen(made: LogSource) -> None:
        async with aclosing(made.tail(asked("shop"))) as batches:  # type: ignore[type-var]  # an async generator
            async for batch in batches:
                heard.extend(entry.message for entry in batch)

    async with source(own, namespace) as made:
        listening = asyncio.create_task(listen(made))
        try:
            log.write("one", at=later(5))
            await said("one")
            log.restarts()
            await restarted(admin, namespace, pod)
            log.write("two", at=later(6))
            await said("one", "two")

            await admin.patch(kinds.Deployment.Scale, "shop", {"spec": {"replicas": 2}}, namespace=namespace, form=Patch.MERGE)
            (new,) = set(await pods(admin, namespace, 2)) - {pod}
            own.log(namespace, new, "web").write("three", at=later(7))
            await said("one", "two", "three")
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def test_without_the_right_it_says_which_is_missing(own: cluster.Kubernetes, admin: Kube, namespace: str) -> None:
    """To list pods, and to read their logs."""
    await grant(admin, namespace, "logs")
    await make(admin, namespace, workload("Deployment", "shop:v1", replicas=1))
    (pod,) = await pods(admin, namespace, 1)

    async with source(own, namespace) as made:
        with pytest.raises(KubeDenied, match="may not list pods"):
            await made.search(asked("shop"), limit=10)
        await grant(admin, namespace, "lister", RIGHTS[0])

    settings = Kubernetes(namespace=namespace, kubeconfig=await own.account(namespace, "lister"))
    async with Choice(kubernetes=settings).open(None) as made:  # type: ignore[arg-type]
        with pytest.raises(KubeDenied, match=f"may not get log of pod {pod}"):
            await made.search(asked("shop"), limit=10)
