"""What a person types, and what becomes of a shop in a real cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bellboard.kube import Kube, kinds
from bellboard.testing import eventually
from bellboard.testing.talk import Said, Talk, TalkTo, settings_for
from bellboard_deploy import rollout
from bellboard_deploy.bot import bot
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.kubernetes import waiting
from bellboard_deploy.kubernetes.seen import Kind
from bellboard_deploy.prometheus import PrometheusEntry, open_prometheus
from bellboard_deploy.providers import register
from bellboard_deploy.settings import Settings
from tests.cluster.cluster import Kubernetes
from tests.cluster.conftest import Client
from tests.cluster.samples import Fields, grant, make
from tests.cluster.shops import Shop, a_list, image
from tests.integration.graphs import servers

pytestmark = pytest.mark.timeout(120)

Meet = Callable[[Shop], Talk]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and has little patience."""
    monkeypatch.setattr(waiting, "LOOK", 0.05)
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)
    monkeypatch.setattr(rollout, "TICK", 0.05)


@pytest.fixture
def shop(admin: Kube, namespace: str, tmp_path: Path) -> Shop:
    """A shop that is to be opened yet."""
    return Shop(admin, namespace, a_list(tmp_path))


@pytest.fixture
def meet(talk_to: TalkTo) -> Meet:
    """Talk to the bot about a shop, which is prod."""

    def make(shop: Shop) -> Talk:
        talk = talk_to(bot, register, settings_for(Settings))
        talk.provide(Desk, Desk(Environments({"prod": shop.environment()}), talk.keep, talk.marks))
        return talk

    return make


@pytest.fixture
async def meet_measured(talk_to: TalkTo, tmp_path: Path) -> AsyncIterator[Meet]:
    """The same, with a Prometheus in which v2 fails a quarter of its requests."""
    now = int(time.time()) // servers.EVERY * servers.EVERY
    counted = 'sum(increase(http_requests_total{app="$app",version="$version"%s}[${window}s]))'
    async with servers.prometheus(tmp_path, now - 900, now + 120) as url:
        queries = {"requests": counted % "", "failed": counted % ',code=~"5.."'}
        entry = PrometheusEntry.model_validate({"url": url, "every": servers.EVERY, **queries})
        async with open_prometheus("prod", entry) as gauges:

            def make(shop: Shop) -> Talk:
                talk = talk_to(bot, register, settings_for(Settings))
                prod = replace(shop.environment(), gauges=gauges)
                talk.provide(Desk, Desk(Environments({"prod": prod}), talk.keep, talk.marks))
                return talk

            yield make


def story(said: Said) -> list[str]:
    """The lines of the story on a card."""
    tables = [block.table for block in said.blocks if block.HasField("table")]
    return [row.cells[1].text for row in tables[-1].rows]


STAGES = "--canary 10,50,100 --soak 100ms"


async def test_a_version_takes_over_stage_by_stage(shop: Shop, meet: Meet) -> None:
    """Its canary grows beside the Deployment, which then takes it over; nothing is left but the Deployment with its image."""
    await shop.open(replicas=4)
    talk = meet(shop)
    said = await talk(f"deploy shop v2 to prod {STAGES}")

    assert said.state == "SUCCEEDED", said
    assert await shop.shares() == {"v2": 100}
    assert await shop.deployments() == ["shop"]
    raw = await shop.raw()
    assert raw["spec"]["template"]["spec"]["containers"][0]["image"] == image("v2")
    assert raw["spec"]["replicas"] == 4
    assert [line for line in story(said) if "of the traffic" in line] == [
        "10 % of the traffic to v2, in whole replicas",
        "50 % of the traffic to v2, in whole replicas",
        "100 % of the traffic to v2",
    ]
    managers = {one["manager"] for one in raw["metadata"]["managedFields"] if "containers" in str(one["fieldsV1"])}
    assert "bellboard" in managers


async def test_a_rollback_brings_back_what_ran(shop: Shop, meet: Meet) -> None:
    """By the image that it had then."""
    await shop.open()
    talk = meet(shop)
    assert (await talk("deploy shop v2 to prod --canary 100 --soak 0s")).state == "SUCCEEDED"
    said = await talk("rollback shop in prod")

    assert said.state == "SUCCEEDED", said
    assert await shop.shares() == {"v1": 100}
    assert (await shop.raw())["spec"]["template"]["spec"]["containers"][0]["image"] == image("v1")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("v4-missing", "can't be pulled: Back-off pulling image"),
        ("v4-crashing", "crashed 3 times, last with exit code 1"),
        ("v4-hungry", "last with exit code 137: it took more memory than it may"),
    ],
)
@pytest.mark.parametrize("canary", ["50,100", "100"])
async def test_one_that_gets_stuck_goes_back_and_says_why(shop: Shop, meet: Meet, version: str, why: str, canary: str) -> None:
    """Beside the Deployment or in it: what ran before runs as before."""
    await shop.open(replicas=3)
    said = await meet(shop)(f"deploy shop {version} to prod --canary {canary} --soak 100ms")

    assert said.state == "FAILED"
    assert "rolled back" in said.failure.text
    assert why in said.failure.text
    assert await shop.shares() == {"v1": 100}
    assert await shop.deployments() == ["shop"]
    await eventually(shop.settled)


async def test_a_probe_that_fails_is_said(shop: Shop, meet: Meet) -> None:
    """It is shown while it is waited for, and when the time is over it is why."""
    shop.seconds = 3.0
    await shop.open()
    said = await meet(shop)("deploy shop v4-unready to prod --canary 50,100 --soak 0s")

    assert said.state == "FAILED"
    assert "Readiness probe failed: HTTP probe failed with statuscode: 503" in said.failure.text
    assert await shop.shares() == {"v1": 100}


async def test_a_gate_that_breaks_brings_back_what_ran(shop: Shop, meet_measured: Meet) -> None:
    """By what a real Prometheus says of the version; the card says what was asked, and how far it got."""
    await shop.open()
    talk = meet_measured(shop)
    said = await talk("deploy shop v2 to prod --canary 50,100 --soak 200ms")

    assert said.state == "FAILED"
    assert "gate errors<5%: 25" in said.failure.text
    assert 'version="v2",code=~"5.."' in said.failure.text
    assert [line for line in story(said) if "of the traffic" in line] == [
        "50 % of the traffic to v2, in whole replicas",
        "100 % of the traffic to v1",
    ]
    assert await shop.shares() == {"v1": 100}
    assert await shop.deployments() == ["shop"]


QUOTA: Fields = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "small"},
    "spec": {"hard": {"pods": "2"}},
}


async def test_a_quota_that_is_used_up_is_said(shop: Shop, meet: Meet, admin: Kube) -> None:
    """With what is wanted, and what there is."""
    shop.seconds = 3.0
    await shop.open()
    await make(admin, shop.namespace, QUOTA)

    async def counted() -> bool:
        quota = await admin.ask(f"/api/v1/namespaces/{shop.namespace}/resourcequotas/small", what="resourcequotas")
        return bool(quota.get("status", {}).get("used", {}).get("pods") == "2")

    await eventually(counted)
    said = await meet(shop)("deploy shop v2 to prod --canary 50,100 --soak 0s")

    assert said.state == "FAILED"
    assert "the quota small is used up: pods=1 is wanted, pods=2 of pods=2 are in use" in said.failure.text
    assert await shop.shares() == {"v1": 100}


async def test_pod_security_that_lets_no_pod_in_is_said(shop: Shop, meet: Meet, admin: Kube) -> None:
    """Once, by the level and what it wants."""
    await shop.open()
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    await admin.patch(kinds.Namespace, shop.namespace, {"metadata": {"labels": labels}})
    said = await meet(shop)("deploy shop v2 to prod --canary 50,100 --soak 0s")

    assert said.state == "FAILED"
    assert "the namespace's Pod Security (restricted) does not let its pods in" in said.failure.text


async def test_pods_that_fit_nowhere_are_said(shop: Shop, meet: Meet, admin: Kube) -> None:
    """In the scheduler's words; what runs on a node stays there when the node is no longer chosen."""
    shop.seconds = 3.0
    await shop.open()
    node = (await admin.list(kinds.Node))[0].metadata
    assert node is not None
    await admin.patch(kinds.Node, str(node.name), {"metadata": {"labels": {shop.namespace: "open"}}})
    await choose_nodes(shop, admin)

    async def moved() -> bool:
        pods = await admin.list(kinds.Pod, namespace=shop.namespace)
        return len(pods) == 2 and all(pod.spec and pod.spec.nodeSelector for pod in pods) and await shop.settled()

    await eventually(moved, 30)
    await admin.patch(kinds.Node, str(node.name), {"metadata": {"labels": {shop.namespace: None}}})
    said = await meet(shop)("deploy shop v2 to prod --canary 50,100 --soak 0s")

    assert said.state == "FAILED"
    assert "has no node" in said.failure.text
    assert "node affinity" in said.failure.text or "node selector" in said.failure.text.lower()
    assert await shop.shares() == {"v1": 100}
    assert await shop.deployments() == ["shop"]


async def test_a_way_back_that_is_stuck_as_well_is_unknown(shop: Shop, meet: Meet, admin: Kube) -> None:
    """And says what it waited for; nothing of the new version is left."""
    shop.seconds = 3.0
    await shop.open()
    await choose_nodes(shop, admin)
    said = await meet(shop)("deploy shop v2 to prod --canary 50,100 --soak 0s")

    assert said.state == "UNKNOWN"
    assert "going back to v1: shop: 2 of 2 are ready after 3 s" in said.failure.text
    assert "has no node" in said.failure.text
    assert await shop.deployments() == ["shop"]


async def choose_nodes(shop: Shop, admin: Kube) -> None:
    """Have the shop's new pods run only on nodes that are marked with the name of its namespace."""
    chosen = {"nodeSelector": {shop.namespace: "open"}}
    await admin.patch(kinds.Deployment, "shop", {"spec": {"template": {"spec": chosen}}}, namespace=shop.namespace)


async def test_what_the_api_server_would_refuse_is_refused_before_anything_is_done(
    shop: Shop, meet: Meet, kubernetes: Kubernetes, client: Client
) -> None:
    """It is asked first."""
    await shop.open()
    await grant(shop.reads, shop.namespace, "reader")
    reader = client(await kubernetes.account(shop.namespace, "reader"))
    said = await meet(replace(shop, writes=reader))("deploy shop v2 to prod --soak 0s")

    assert said.state == "FAILED"
    assert "may not patch deployment shop" in said.failure.text
    assert "bellboard/fence" not in str((await shop.raw())["metadata"])


async def test_scale_and_restart(shop: Shop, meet: Meet) -> None:
    """More pods, and then each of them another one; told on the way."""
    await shop.open()
    talk = meet(shop)

    assert (await talk("scale shop 4 in prod")).state == "SUCCEEDED"
    before = {one.name for one in (await shop.observed()).replicas}
    assert len(before) == 4

    said = await talk("restart shop in prod")
    assert said.state == "SUCCEEDED"
    after = {one.name for one in (await shop.observed()).replicas}
    assert len(after) == 4
    assert not before & after
    assert any("are ready" in str(blocks) for blocks in said.progress)


async def test_a_scale_that_does_not_fit_says_why(shop: Shop, meet: Meet, admin: Kube) -> None:
    """And how far it got."""
    shop.seconds = 2.0
    await shop.open()
    await make(admin, shop.namespace, {**QUOTA, "spec": {"hard": {"pods": "3"}}})
    said = await meet(shop)("scale shop 9 in prod")

    assert said.state == "FAILED"
    assert "of 9 are ready" in said.failure.text
    assert "the quota small is used up" in said.failure.text


async def test_a_deploy_stands_still_in_the_middle_and_goes_on(shop: Shop, meet: Meet) -> None:
    """By the Deployment's own pause: no pod more is replaced, and what is paused does not count as stuck."""
    shop.seconds = 3.0
    await shop.open(replicas=4, ready_after="2s")
    talk = meet(shop)
    task = asyncio.create_task(talk("deploy shop v2 to prod --canary 100 --soak 0s"))
    await eventually(lambda: _runs_some(shop, "v2"), 20)
    await talk("deploy pause")

    async def paused() -> bool:
        return bool((await shop.raw())["spec"].get("paused"))

    await eventually(paused, 20)
    await asyncio.wait({task}, timeout=4.0)  # longer than it might take without a pause
    assert not task.done()
    await talk("deploy promote")
    said = await task

    assert said.state == "SUCCEEDED", said
    assert await shop.shares() == {"v2": 100}
    assert not await paused()


async def _runs_some(shop: Shop, version: str) -> bool:
    return any(one.version == version for one in (await shop.observed()).replicas)


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
async def test_other_workloads_go_over_too(shop: Shop, meet: Meet, kind: Kind) -> None:
    """A StatefulSet from its last pod on, a DaemonSet as a whole; both come back, and restart."""
    shop.kind = kind
    await shop.open(replicas=3)
    talk = meet(shop)

    said = await talk("deploy shop v2 to prod --canary 34,67,100 --soak 100ms")
    assert said.state == "SUCCEEDED", said
    assert await shop.shares() == {"v2": 100}
    stages = [line for line in story(said) if "of the traffic" in line]
    assert len(stages) == (3 if kind == "statefulset" else 1)

    assert (await talk("rollback shop in prod")).state == "SUCCEEDED"
    assert await shop.shares() == {"v1": 100}
    assert (await talk("restart shop in prod")).state == "SUCCEEDED"
    scaled = await talk("scale shop 4 in prod")
    assert scaled.state == ("SUCCEEDED" if kind == "statefulset" else "FAILED")


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
async def test_other_workloads_go_back_too(shop: Shop, meet: Meet, kind: Kind) -> None:
    """A StatefulSet would wait for its broken pod for good: it is removed."""
    shop.kind = kind
    await shop.open(replicas=3)
    said = await meet(shop)("deploy shop v4-crashing to prod --canary 34,100 --soak 0s")

    assert said.state == "FAILED"
    assert "crashed 3 times" in said.failure.text
    assert await shop.shares() == {"v1": 100}
    await eventually(shop.settled)


async def test_a_drained_pod_is_no_endpoint_and_is_not_replaced(shop: Shop, meet: Meet, admin: Kube) -> None:
    """Kubernetes' own controller takes it out of the Service, and puts it back."""
    await shop.open()
    talk = meet(shop)
    (first, second) = sorted(one.name for one in (await shop.observed()).replicas)

    async def endpoints() -> set[str]:
        slices = await admin.list(kinds.EndpointSlice, namespace=shop.namespace)
        found = [one for slice in slices for one in slice.endpoints or []]
        return {str(one.targetRef.name) for one in found if one.targetRef and one.conditions and one.conditions.ready}

    await eventually(lambda: _same(endpoints, {first, second}))
    assert (await talk(f"lb drain {first} in prod")).state == "SUCCEEDED"
    await eventually(lambda: _same(endpoints, {second}))
    assert await shop.shares() == {"v1": 100}
    assert len((await shop.observed()).replicas) == 2
    assert "last one" in (await talk(f"lb drain {second} in prod")).failure.text
    assert (await talk(f"lb enable {first} in prod")).state == "SUCCEEDED"
    await eventually(lambda: _same(endpoints, {first, second}))


async def _same(ask: Callable[[], Any], wanted: set[str]) -> bool:
    return bool(await ask() == wanted)


async def test_a_service_that_heeds_no_label_is_said_before_anything_is_done(shop: Shop, meet: Meet, admin: Kube) -> None:
    """With what has to be written where."""
    await shop.open()
    await admin.patch(kinds.Service, "shop", {"spec": {"selector": {"bellboard/serving": None}}}, namespace=shop.namespace)
    first = (await shop.observed()).replicas[0].name
    said = await meet(shop)(f"lb drain {first} in prod")

    assert "does not ask for bellboard/serving" in said.failure.text
    assert "yes" in said.failure.hint
