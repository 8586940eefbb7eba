"""Argo Rollouts and Argo CD: the API server is real, the controllers are doubles (see `argo`)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard import Failed, ProviderError, UserError
from bellboard.kube import Kube, kinds
from bellboard.testing import eventually
from bellboard_deploy.kubernetes import open_argocd, waiting
from bellboard_deploy.providers import Environment, Order, Outcome, Step, Taken, Trigger
from tests.cluster.argo import ArgoCD, RolloutsController, register, running
from tests.cluster.cluster import Kubernetes
from tests.cluster.samples import make
from tests.cluster.shops import Shop, a_list, fields
from tests.integration.deploy.provider_suite import Told

pytestmark = pytest.mark.timeout(120)

STEPS = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and has little patience."""
    monkeypatch.setattr(waiting, "LOOK", 0.05)
    monkeypatch.setattr(waiting, "PATIENCE", 0.5)


@pytest.fixture
async def rollout(admin: Kube, namespace: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that is an Argo Rollout of four pods, with two pauses on the way."""
    await register(admin)
    shop = Shop(admin, namespace, a_list(tmp_path), kind="rollout")
    await shop.open(replicas=4, strategy={"canary": {"steps": STEPS}})
    async with running(RolloutsController(admin, namespace)):
        await eventually(shop.settled, 30)
        yield shop


def act(shop: Shop, number: int) -> Shop:
    """The shop, for an act of one rollout."""
    return shop.under(Order("d1", "ann", 1000.0, number))


async def test_a_rollout_goes_argos_own_steps(rollout: Shop) -> None:
    """Until it has at least the share that is wanted; at the end past all that are left."""
    version = await rollout.deployer.pin("shop", "v2")
    await act(rollout, 1).deployer.start("shop", version, 0, "d1")
    for number, (share, seen) in enumerate(((10, 25), (50, 50), (100, 100)), 2):
        await act(rollout, number).deployer.shift("shop", {"v1": 100 - share, "v2": share})
        await eventually(lambda seen=seen: _has(rollout, "v2", seen))  # type: ignore[misc]
    await act(rollout, 5).deployer.retire("shop", "v2", Told())
    assert await rollout.shares() == {"v2": 100}
    assert (await rollout.raw())["status"]["phase"] == "Healthy"


async def _has(shop: Shop, version: str, share: int) -> bool:
    return (await shop.shares()).get(version, 0) == share


async def test_a_rollout_that_gets_stuck_goes_back_without_steps(rollout: Shop) -> None:
    """With the reason of its pods."""
    version = await rollout.deployer.pin("shop", "v4-crashing")
    await act(rollout, 1).deployer.start("shop", version, 0, "d1")
    with pytest.raises(Failed, match="crashed 3 times"):
        await act(rollout, 2).deployer.shift("shop", {"v4-crashing": 100})
    await act(rollout, 3).deployer.shift("shop", {"v1": 100})
    await act(rollout, 4).deployer.retire("shop", "v1", Told())
    assert await rollout.shares() == {"v1": 100}


async def test_an_argo_rollout_is_scaled(rollout: Shop) -> None:
    """By the same fence as any other workload."""
    await act(rollout, 0).deployer.scale("shop", 6, "c1", Told())
    assert len((await rollout.observed()).replicas) == 6
    await rollout.under(Order("other", "bob", 2000.0)).deployer.scale("shop", 2, "c2", Told())
    with pytest.raises(Taken):
        await act(rollout, 0).deployer.scale("shop", 6, "c1", Told())


def commit(version: str) -> str:
    """The commit of a version."""
    return hashlib.sha1(version.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
async def gitops(kubernetes: Kubernetes, admin: Kube, namespace: str, tmp_path: Path) -> AsyncIterator[Environment]:
    """An environment of one Application, without its controller."""
    await register(admin)
    meta = {"name": "shop-prod"}
    await make(admin, namespace, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": meta, "spec": {}})
    names = "".join(f"{name} {commit(name)} the version {name}\n" for name in ("v1", "v2", "v3"))
    (tmp_path / "tags").write_text(names)
    entry = {
        "kind": "argocd",
        "namespace": namespace,
        "kubeconfig": str(kubernetes.admin),
        "seconds": 20,
        "apps": {"shop": "shop-prod"},
        "versions": {"names": ["/usr/bin/cat", str(tmp_path / "tags")]},
    }
    async with open_argocd("gitops", entry, "payments") as environment:
        yield environment


def trigger(gitops: Environment, command: str = "c1") -> Trigger:
    """As who deploys for a command."""
    found = gitops.under(Order(command, "ann", 1000.0 if command == "c1" else 2000.0)).trigger
    assert found is not None
    return found


async def deployed(trigger: Trigger, version: str, key: str) -> list[Step]:
    """Deploy to the end."""
    return [step async for step in trigger.run("shop", await trigger.pin("shop", version), key)]


async def test_an_application_is_synced_to_the_commit_of_a_version(gitops: Environment, admin: Kube, namespace: str) -> None:
    """And found again by our id; whose it is stands in the operation."""
    argo = ArgoCD(admin, namespace, "shop-prod")
    async with running(argo):
        steps = await deployed(trigger(gitops), "v2", "d1")

    assert argo.synced == [commit("v2")]
    assert steps[0].text == f"shop-prod is to be synced to {commit('v2')[:12]}"
    assert await trigger(gitops).find("shop", "d1") == Outcome(True, "Argo CD ended it as Succeeded: synced")
    current = await trigger(gitops).current("shop")
    assert current is not None
    assert (current.name, current.digest) == ("v2", commit("v2"))
    raw = await fields(admin, kinds.Application, "shop-prod", namespace)
    assert raw["status"]["operationState"]["operation"]["initiatedBy"] == {"username": "bellboard: ann"}


async def test_a_sync_that_fails_and_one_that_leaves_it_degraded(gitops: Environment, admin: Kube, namespace: str) -> None:
    """The one is certain; of the other a person has to judge."""
    async with running(ArgoCD(admin, namespace, "shop-prod", failing=commit("v2"), degrading=commit("v3"))):
        with pytest.raises(Failed, match="ended it as Failed"):
            await deployed(trigger(gitops), "v2", "d1")
        with pytest.raises(ProviderError, match="is degraded"):
            await deployed(trigger(gitops, "c2"), "v3", "d2")
    assert await trigger(gitops).find("shop", "d1") is None  # another operation is shown by now


async def test_a_sync_that_was_asked_for_is_not_asked_for_again(gitops: Environment, admin: Kube, namespace: str) -> None:
    """By the fence on the Application, whatever became of it; nor while another one runs."""
    argo = ArgoCD(admin, namespace, "shop-prod")
    async with running(argo):
        await deployed(trigger(gitops), "v2", "d1")
        await deployed(trigger(gitops), "v2", "d1")
        assert argo.synced == [commit("v2")]
        await deployed(trigger(gitops, "c2"), "v3", "d2")
        with pytest.raises(Taken):
            await deployed(trigger(gitops), "v2", "d1")
    task = asyncio.create_task(deployed(trigger(gitops, "c3"), "v1", "d3"))
    await eventually(lambda: _asked(admin, namespace))
    with pytest.raises(Failed, match="syncing shop-prod already"):
        await deployed(trigger(gitops, "c4"), "v2", "d4")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert argo.synced == [commit("v2"), commit("v3")]


async def _asked(admin: Kube, namespace: str) -> bool:
    return bool((await fields(admin, kinds.Application, "shop-prod", namespace)).get("operation"))


async def test_what_is_no_version_is_refused(gitops: Environment) -> None:
    """With the nearest; a whole commit is one."""
    with pytest.raises(UserError) as refused:
        await trigger(gitops).pin("shop", "v22")
    assert "v2" in refused.value.hint
    assert (await trigger(gitops).pin("shop", commit("x"))).digest == commit("x")
    for name in ("shopp", "../shop"):
        with pytest.raises(UserError):
            await trigger(gitops).pin(name, "v2")
