"""A rehearsal and a real deploy wait for different turns, and change the same town: one of them has it at a time."""

from __future__ import annotations

import asyncio

import pytest

from bellboard.testing import eventually
from bellboard.testing.talk import Talk, TalkTo, settings_for
from bellboard_deploy import holding
from bellboard_deploy.bot import bot
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.providers import Environment, Taken, register
from bellboard_deploy.settings import Settings

pytestmark = pytest.mark.usefixtures("hurry")


class OneHolder:
    """A lease in memory that never ends by itself."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.by = ""

    async def hold(self, app: str, key: str, who: str, seconds: float) -> None:
        if self.held.get(app, key) != key:
            if seconds:
                raise Taken(f"{app} is held by {self.by}")
            return
        self.held[app], self.by = key, who
        if not seconds:
            del self.held[app]


Two = tuple[Talk, Talk, PaperTown, OneHolder]


@pytest.fixture
def two(talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Two who know nothing of each other, before one town."""
    monkeypatch.setattr(holding, "AGAIN", 0.0)
    town, lease = PaperTown(), OneHolder()

    def meet() -> Talk:
        talk = talk_to(bot, register, settings_for(Settings))
        env = Environment("sandbox", deployer=town, balancer=town, gauges=town, lease=lease)
        talk.provide(Desk, Desk(Environments({"sandbox": env}), talk.keep, talk.marks))
        return talk

    return meet(), meet(), town, lease


async def other_ids(talk: Talk) -> None:
    """Say something, so that the ids of its commands are no longer those of one who is new."""
    await talk("deploy queue")


async def test_the_second_is_told_who_is_at_it(two: Two) -> None:
    """Whatever it wants to do: nothing of it is begun, and it goes once the first is done."""
    real, rehearsal, town, lease = two
    await other_ids(rehearsal)
    running = asyncio.create_task(real("deploy shop v2.1 to sandbox --canary 50,100 --soak 60s"))
    await eventually(lambda: town.replicas.get("shop-d1-1") and town.replicas["shop-d1-1"].weight)

    before = dict(town.replicas)
    for line in ("deploy shop v3 to sandbox --soak 0s", "scale shop 3 in sandbox", "restart shop in sandbox"):
        refused = await rehearsal(line)
        assert refused.failure.text == "shop is held by the deploy of v2.1 by ann"
    assert town.replicas == before
    assert await rehearsal.keep.list("rollout") == []

    await real("deploy abort")
    assert (await running).state == "FAILED"
    assert lease.held == {}
    assert (await rehearsal("deploy shop v3 to sandbox --soak 0s")).state == "SUCCEEDED"


async def test_one_that_lost_it_leaves_everything_as_it_is(two: Two) -> None:
    """It was away for too long, and to go back would be to change what another is at."""
    real, _, town, lease = two
    running = asyncio.create_task(real("deploy shop v2.1 to sandbox --canary 50,100 --soak 60s"))
    await eventually(lambda: town.replicas.get("shop-d1-1") and town.replicas["shop-d1-1"].weight)
    lease.held["shop"], lease.by = "another", "the deploy of v3 by bo"

    said = await running
    assert said.state == "FAILED"
    assert "held by the deploy of v3 by bo" in said.failure.text
    assert (await town.observe("shop")).shares() == {"v1": 50, "v2.1": 50}
    assert lease.held == {"shop": "another"}
    mark = await real.marks.find("D1")
    assert mark is not None
    assert mark.state == "failed"
