"""Versions that take each other's place, as in a cluster: what is said of it, and what is heard while it takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bellboard.testing import eventually
from bellboard.testing.talk import Talk
from bellboard_deploy.model import Observed
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.providers import Environment, Order, Version

from .conftest import Meet
from .test_deploy_bot import shares, story


class InPlaceTown(PaperTown):
    """A town whose traffic goes over slowly; it can stand still on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.still, self.orders = asyncio.Event(), False, list[Order]()
        self.begun: list[tuple[int, Mapping[str, int]]] = []

    def environment(self, *, whole: bool = False) -> Environment:
        """As it is made for an order."""

        def ordered(order: Order) -> Environment:
            self.orders.append(order)
            return made

        names = frozenset({"shop"} if whole else ())
        made = Environment("prod", deployer=self, balancer=self, in_place=True, whole=names, ordered=ordered)
        return made

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        assert count == 0
        await super().start(app, version, 2, key)

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        self.begun.append((self.orders[-1].act, shares))
        if "v2.1" in shares:
            await self.go.wait()
        await super().shift(app, shares)

    async def observe(self, app: str) -> Observed:
        seen = await super().observe(app)
        return Observed(seen.replicas, "" if self.go.is_set() else "the quota compute is used up")

    async def pause(self, app: str, still: bool) -> None:
        self.still = still


@pytest.fixture
def slow() -> InPlaceTown:
    """The environment prod."""
    return InPlaceTown()


@pytest.fixture
def talk_of(meet: Meet, slow: InPlaceTown) -> Talk:
    """Talk to the bot about it."""
    return meet(PaperTown(), prod=slow.environment())


DEPLOY = "deploy shop v2.1 to prod --canary 50,100 --soak 10ms"


async def test_the_plan_says_that_they_take_each_others_place(talk_of: Talk) -> None:
    """And that shares are as near as whole replicas allow."""
    plan = str((await talk_of(f"{DEPLOY} ?")).blocks)
    assert "prod has new ones take the place of those that run" in plan
    assert "as near as whole replicas allow" in plan


async def test_each_act_has_an_order_of_its_own(talk_of: Talk, slow: InPlaceTown) -> None:
    """The same command and person, and an act that grows: by that a target refuses whoever is late."""
    slow.go.set()
    said = await talk_of(DEPLOY)

    assert said.state == "SUCCEEDED"
    assert {(order.command, order.person) for order in slow.orders} == {(slow.orders[0].command, "ann")}
    acts = [order.act for order in slow.orders]
    assert acts == sorted(acts)
    assert len({act for act, _ in slow.begun}) == 2
    assert "50 % of the traffic to v2.1, in whole replicas" in story(said)


async def test_the_card_says_what_keeps_it(talk_of: Talk, slow: InPlaceTown) -> None:
    """While it waits, since there is still something to be done about it."""
    task = asyncio.create_task(talk_of(DEPLOY))
    await eventually(lambda: len(slow.begun) > 0)
    await asyncio.wait({task}, timeout=1.5)
    slow.go.set()
    said = await task
    assert any("the quota compute is used up" in str(blocks) for blocks in said.progress)


async def test_an_abort_is_heard_while_the_traffic_goes_over(talk_of: Talk, slow: InPlaceTown) -> None:
    """It may take minutes until a stage is reached, or never get there."""
    task = asyncio.create_task(talk_of(DEPLOY))
    await eventually(lambda: len(slow.begun) > 0)
    await talk_of("deploy abort")
    said = await task

    assert said.state == "FAILED"
    assert "aborted by ann" in said.failure.text
    assert await shares(slow) == {"v1": 100}


async def test_it_stands_still_in_the_middle_and_goes_on(talk_of: Talk, slow: InPlaceTown) -> None:
    """Each is an act of its own, so that what was begun before is begun anew under it."""
    task = asyncio.create_task(talk_of(DEPLOY))
    await eventually(lambda: len(slow.begun) == 1)
    await talk_of("deploy pause")
    await eventually(lambda: slow.still)
    await talk_of("deploy promote")
    await eventually(lambda: len(slow.begun) == 3 and not slow.still)
    slow.go.set()
    said = await task

    assert said.state == "SUCCEEDED"
    acts = [act for act, _ in slow.begun[:3]]
    assert acts == sorted(set(acts))
    assert [line for line in story(said) if "by ann" in line] == ["paused by ann", "sent on by ann"]


async def test_what_goes_over_as_a_whole_has_one_stage(meet: Meet, slow: InPlaceTown) -> None:
    """Whatever the canary is said to be."""
    slow.go.set()
    said = await meet(PaperTown(), prod=slow.environment(whole=True))(DEPLOY)
    assert said.state == "SUCCEEDED"
    assert [share for _, share in slow.begun] == [{"v2.1": 100}]
