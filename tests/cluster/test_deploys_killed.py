"""A worker that dies at any write of a rollout: the next one goes on there, and a late one is refused by the cluster itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bellboard import BellboardError
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.call import Call, CallServices
from bellboard.keep.memory import MemoryKeep
from bellboard.kube import Kube, kinds
from bellboard.marks.memory import MemoryMarks
from bellboard.testing.talk import MemoryBlobs
from bellboard_deploy import ask, rollout
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.kubernetes import waiting
from bellboard_deploy.kubernetes.fence import Fence
from bellboard_deploy.kubernetes.seen import Kind
from bellboard_deploy.providers import Order, Taken
from tests.cluster.shops import Shop, a_list, image
from tests.unit.deploy.mortal import STEPS, Death, Killed, Mortal

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and has little patience."""
    monkeypatch.setattr(waiting, "LOOK", 0.05)
    monkeypatch.setattr(waiting, "PATIENCE", 0.5)
    monkeypatch.setattr(rollout, "TICK", 0.02)


@pytest.fixture
def shop(admin: Kube, namespace: str, tmp_path: Path) -> Shop:
    """A shop that is to be opened yet."""
    return Shop(admin, namespace, a_list(tmp_path))


@dataclass
class Story:
    """One deploy to a cluster, and the workers that had it. Each may die before or after a write to the cluster."""

    shop: Shop
    version: str
    id: str
    at: float
    keep: MemoryKeep = field(default_factory=MemoryKeep)
    marks: MemoryMarks = field(default_factory=lambda: MemoryMarks("deploy"))
    done: list[str] = field(default_factory=list)
    begun: str = ""
    state: str = "RUNNING"
    error: str = ""
    attempts: int = 0

    async def attempt(self, death: Death) -> None:
        """One worker: it ends the deploy, or dies."""
        self.attempts += 1
        writes: Any = Mortal(self.shop.reads, death)
        environments = Environments({"prod": replace(self.shop, writes=writes).environment()})
        want = ask.Wanted(app="shop", version=self.version, env="prod", reason="", stages=(50, 100), soak=0.01)
        try:
            async for _ in ask.carry_out(self.call(), want, Desk(environments, self.keep, self.marks)):
                pass
        except Killed:
            pass
        except BellboardError as error:
            self.state, self.error = "FAILED", error.text
        else:
            self.state = "SUCCEEDED"

    def call(self) -> Call:
        async def asks(request: ledger_pb2.CommandRequest) -> None:
            pass

        async def steps() -> AsyncIterator[str]:
            for name in [name for name in STEPS if name not in self.done]:
                if self.begun:
                    self.done.append(self.begun)
                self.begun = name
                yield name

        self.begun = ""
        services = CallServices(MemoryBlobs("deploy"), asks, lambda blocks: None)
        envelope = ledger_pb2.Envelope(id=self.id, principal=ledger_pb2.Principal(person="ann"))
        envelope.received_at.FromMilliseconds(int(self.at * 1000))
        return Call(envelope, self.attempts, services, steps)


async def as_it_should_be(shop: Shop, version: str) -> None:
    """Only this version runs, and nothing is left of what was on the way."""
    assert await shop.shares() == {version: 100}
    assert {one.version for one in (await shop.observed()).replicas} == {version}
    assert (await shop.raw())["spec"]["template"]["spec"]["containers"][0]["image"] == image(version)
    if shop.kind == "deployment":
        assert await shop.deployments() == ["shop"]
    if shop.kind == "statefulset":
        assert not (await shop.raw())["spec"]["updateStrategy"]["rollingUpdate"].get("partition")


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
async def test_it_dies_at_every_write_once(shop: Shop, kind: Kind, good: bool) -> None:
    """Each deploy ends as if nobody had died: a good version runs, and what a bad one was to replace runs as before."""
    shop.kind = kind
    await shop.open(replicas=2)
    runs, at, fell = "v1", 0, True
    while fell:
        at += 1
        version = {"v1": "v2", "v2": "v1"}[runs] if good else "v4-missing"
        story, death = Story(shop, version, f"c{at}", 1000.0 + at), Death(at)
        await story.attempt(death)
        fell = death.dead
        if fell:
            await story.attempt(Death(-1))
        assert story.state == ("SUCCEEDED" if good else "FAILED"), (at, story.error)
        runs = version if good else runs
        await as_it_should_be(shop, runs)
    assert at > 6, "there are more writes than that"


async def test_a_worker_that_wakes_up_is_refused_by_the_cluster(shop: Shop) -> None:
    """The one that went on had a later act: whatever the slow one still does changes nothing, in main and canary."""
    await shop.open()
    early, late = Order("d1", "ann", 1000.0, act=3), Order("d1", "ann", 1000.0, act=9)
    version = await shop.deployer.pin("shop", "v2")
    await shop.under(replace(early, act=1)).deployer.start("shop", version, 0, "d1")
    await shop.under(early).deployer.shift("shop", {"v1": 50, "v2": 50})
    await shop.under(late).deployer.shift("shop", {"v2": 100})
    before = await shop.raw()

    for again in ({"v1": 50, "v2": 50}, {"v1": 100}):
        with pytest.raises(Taken, match="a later act of this command"):
            await shop.under(early).deployer.shift("shop", again)
    assert (await shop.raw())["spec"] == before["spec"]
    assert await shop.shares() == {"v2": 100}


async def test_a_command_that_the_bus_forgot_is_recognised(shop: Shop) -> None:
    """A bus that was set back to last week runs it once more, as new: it was done, and another came after it."""
    await shop.open()
    first = Story(shop, "v2", "first", 1000.0)
    await first.attempt(Death(-1))
    assert first.state == "SUCCEEDED", first.error
    again = Story(shop, "v2", "first", 1000.0)
    await again.attempt(Death(-1))
    assert again.state == "SUCCEEDED"  # it runs already, so nothing was to be done

    second = Story(shop, "v3", "second", 2000.0)
    await second.attempt(Death(-1))
    late = Story(shop, "v2", "first", 1000.0)
    await late.attempt(Death(-1))
    assert late.state == "FAILED"
    assert "another command came after this one" in late.error
    await as_it_should_be(shop, "v3")


@pytest.mark.parametrize("version", ["v2", "v4-missing"])
async def test_a_command_that_is_over_is_not_done_again(shop: Shop, version: str) -> None:
    """Nor one that went back, though what it wanted does not run: it is over, and said to be."""
    await shop.open()
    await Story(shop, version, "first", 1000.0).attempt(Death(-1))
    again = shop.under(Order("first", "ann", 1000.0, act=99)).deployer
    before, pinned = await shop.raw(), await shop.deployer.pin("shop", version)
    with pytest.raises(Taken, match="carried out here already"):
        await again.start("shop", pinned, 0, "d1")
    after = await shop.raw()
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])


async def test_a_scale_is_done_once(shop: Shop) -> None:
    """Said again it changes nothing, though somebody changed the number since; after another one it is refused."""
    await shop.open()
    scale, other = Order("scale", "ann", 1000.0), Order("other", "bob", 2000.0)

    def told(text: str, done: float | None) -> None:
        pass

    await shop.under(scale).deployer.scale("shop", 3, "c1", told)
    await shop.reads.patch(kinds.Deployment, "shop", {"spec": {"replicas": 1}}, namespace=shop.namespace)
    await shop.under(scale).deployer.scale("shop", 3, "c1", told)
    assert (await shop.raw())["spec"]["replicas"] == 1

    await shop.under(other).deployer.scale("shop", 2, "c2", told)
    with pytest.raises(Taken, match="another command"):
        await shop.under(scale).deployer.scale("shop", 3, "c1", told)
    assert (await shop.raw())["spec"]["replicas"] == 2
    fence = Fence.of((await shop.raw())["metadata"]["annotations"])
    assert (fence.command, fence.past) == ("other", (("scale", 1000.0),))


async def test_what_a_dead_command_left_is_swept_by_the_next(shop: Shop) -> None:
    """Its canary would take requests for good."""
    await shop.open()
    version = await shop.deployer.pin("shop", "v2")
    for act in (1, 2):
        dead = shop.under(Order("dead", "ann", 1000.0, act)).deployer
        await (dead.start("shop", version, 0, "d1") if act == 1 else dead.shift("shop", {"v1": 50, "v2": 50}))
    assert len(await shop.deployments()) == 2

    await shop.under(Order("next", "bob", 2000.0)).deployer.restart("shop", "c2", lambda text, done: None)

    assert await shop.deployments() == ["shop"]
    assert await shop.shares() == {"v1": 100}
