"""The cluster that all other tests here rely on does what a cluster does."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from bellboard.kube import Kube, KubeAbsent, KubeConflict, kinds
from bellboard.testing import eventually
from tests.cluster.samples import begun, make, workload


async def test_a_deployment_rolls_out(admin: Kube, namespace: str) -> None:
    """Pods get nodes, run, and are counted."""
    await make(admin, namespace, workload("Deployment", "shop:v1", replicas=3))

    async def rolled_out() -> bool:
        status = (await admin.get(kinds.Deployment, "shop", namespace=namespace)).status
        return status is not None and status.readyReplicas == 3

    await eventually(rolled_out)


@pytest.mark.parametrize(
    ("image", "reason"),
    [("shop:missing", "ImagePullBackOff"), ("shop:crashing", "CrashLoopBackOff"), ("shop:hungry", "CrashLoopBackOff")],
)
async def test_a_stuck_pod_says_why(admin: Kube, namespace: str, image: str, reason: str) -> None:
    """As a kubelet says it; which fate it has is in the name of its image."""
    await make(admin, namespace, workload("Deployment", image, replicas=1))
    (pod,) = await eventually(lambda: begun(admin, namespace))

    assert pod.status is not None
    (container,) = pod.status.containerStatuses or []
    assert container.state is not None
    assert container.state.waiting is not None
    assert container.state.waiting.reason == reason
    assert not container.ready


async def test_an_event_says_that_a_probe_fails(admin: Kube, namespace: str) -> None:
    """Nothing else does: the pod's status only says that it is not ready."""
    await make(admin, namespace, workload("Deployment", "shop:unready", replicas=1))

    async def unhealthy() -> bool:
        events = await admin.list(kinds.Event, namespace=namespace)
        return any(event.reason == "Unhealthy" and "Readiness probe failed" in (event.message or "") for event in events)

    await eventually(unhealthy)


async def test_a_pod_that_fits_on_no_node_is_said_to(admin: Kube, namespace: str) -> None:
    """A real scheduler counts."""
    large = workload("Deployment", "shop:v1", replicas=1)
    large["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
    await make(admin, namespace, large)

    async def insufficient() -> bool:
        events = await admin.list(kinds.Event, namespace=namespace, fields={"reason": "FailedScheduling"})
        return any("Insufficient cpu" in (event.message or "") for event in events)

    await eventually(insufficient)


@pytest.mark.parametrize(("image", "outcome"), [("shop:v1", "Complete"), ("shop:failing", "Failed")])
async def test_a_job_ends(admin: Kube, namespace: str, image: str, outcome: str) -> None:
    """Well, or not."""
    await make(admin, namespace, workload("Job", image, backoffLimit=0))

    async def ended() -> bool:
        status = (await admin.get(kinds.Job, "shop", namespace=namespace)).status
        return any(one.type == outcome and one.status == "True" for one in (status and status.conditions) or [])

    await eventually(ended)


async def test_a_stateful_set_gets_its_volume(admin: Kube, namespace: str) -> None:
    """What a service keeps has a place; a pod without one gets no node."""
    stateful = workload("StatefulSet", "shop:v1", replicas=1, serviceName="shop")
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    stateful["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
    await make(admin, namespace, stateful)

    (pod,) = await eventually(lambda: begun(admin, namespace))

    assert pod.status is not None
    assert pod.status.phase == "Running"


async def test_a_shut_readiness_gate_makes_a_pod_unready(admin: Kube, namespace: str) -> None:
    """So is a pod taken out of the traffic, and put back."""
    gated = workload("Deployment", "shop:v1", replicas=1)
    gated["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": "bellboard.dev/in-traffic"}]
    await make(admin, namespace, gated)
    (pod,) = await eventually(lambda: begun(admin, namespace))
    assert pod.metadata is not None
    name = str(pod.metadata.name)

    async def ready_once_it_is(gate: str) -> str:
        change = {"status": {"conditions": [{"type": "bellboard.dev/in-traffic", "status": gate}]}}
        await admin.patch(kinds.Pod.Status, name, change, namespace=namespace)

        async def told() -> bool:
            found = (await admin.get(kinds.Pod, name, namespace=namespace)).status
            return any(one.type == "Ready" and one.status == gate for one in (found and found.conditions) or [])

        await eventually(told)
        return gate

    for gate in ("True", "False", "True"):
        assert await ready_once_it_is(gate) == gate


async def test_a_watch_streams(admin: Kube, namespace: str) -> None:
    """What happens is told when it happens."""
    async with aclosing(admin.watch(kinds.ConfigMap, namespace=namespace, labels={"app": "shop"})) as changes:
        heard = []
        meta = kinds.ObjectMeta(name="shop", namespace=namespace, labels={"app": "shop"})
        await admin.create(kinds.ConfigMap(metadata=meta, data={"colour": "red"}))
        heard.append((await anext(changes)).event)
        await admin.patch(kinds.ConfigMap, "shop", {"data": {"colour": "blue"}}, namespace=namespace)
        heard.append((await anext(changes)).event)
        await admin.delete(kinds.ConfigMap, "shop", namespace=namespace)
        heard.append((await anext(changes)).event)

    assert heard == ["ADDED", "MODIFIED", "DELETED"]


async def test_another_one_of_the_same_name_is_not_deleted(admin: Kube, namespace: str) -> None:
    """Where the one that was meant is told by its uid."""

    async def made(colour: str) -> str:
        meta = kinds.ObjectMeta(name="shop", namespace=namespace)
        found = (await admin.create(kinds.ConfigMap(metadata=meta, data={"colour": colour}))).metadata
        return str(found and found.uid)

    first = await made("red")
    await admin.delete(kinds.ConfigMap, "shop", namespace=namespace)
    second = await made("blue")
    with pytest.raises(KubeConflict):
        await admin.delete(kinds.ConfigMap, "shop", namespace=namespace, uid=first)
    await admin.delete(kinds.ConfigMap, "shop", namespace=namespace, uid=second)
    with pytest.raises(KubeAbsent):
        await admin.delete(kinds.ConfigMap, "shop", namespace=namespace, uid=second)
