"""What is answered to a line that can't do what it says: the truth, and the right line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from bellboard.testing import eventually
from bellboard.testing.talk import Talk
from bellboard_deploy.paper import PaperTown, version
from bellboard_deploy.place import Places
from bellboard_deploy.providers import Commit, Environment, Outcome, Step, Tell, Version

from .conftest import Meet


@pytest.mark.parametrize("gate", ["errors<5%", "bogus"])
async def test_a_gate_that_nobody_would_look_at_is_refused(talk: Talk, town: PaperTown, gate: str) -> None:
    """Whoever types one counts on it."""
    said = await talk(f"deploy shop v2.1 to sandbox --gate {gate} --soak 0s")

    assert said.state == "FAILED"
    assert {one.version for one in town.replicas.values()} == {"v1"}
    assert (await talk("deploy shop v2.1 to sandbox --gate none --soak 0s")).state == "SUCCEEDED"


@pytest.mark.parametrize("line", ["lb weight shop-v1-2 0", "lb drain shop-v1-2", "lb weight shop-v1-2 0 --dry-run"])
async def test_the_last_backend_keeps_its_traffic(talk: Talk, town: PaperTown, line: str) -> None:
    """By whichever word it would be taken away."""
    await talk("lb weight shop-v1-1 0")

    assert (await talk(line)).failure.text == "shop-v1-2 is the last one that takes requests"
    assert town.replicas["shop-v1-2"].weight == 50


async def test_what_has_no_lock_of_its_own_may_be_kept_away_from(talk: Talk) -> None:
    """By a lock of all, or by a freeze: unlocking says which, and how that is lifted."""
    await talk('lock all "the audit"')
    assert (await talk("unlock sandbox")).text.endswith("until it is unlocked (K1); say unlock all")
    talk.person = "bob"
    assert (await talk("scale shop 3 in sandbox")).failure.hint == "unlock all"
    assert (await talk("rollback shop in sandbox to v3")).failure.hint.startswith("rollback! … --reason WHY")
    await talk("unlock all")

    await talk('freeze sandbox 2h "the demo"')
    assert (await talk("unlock sandbox")).text.endswith("say unlock sandbox --id K2")
    await talk("unlock sandbox --id K2")
    assert (await talk("unlock sandbox")).text == "sandbox is not locked"


async def test_a_lock_for_no_time_is_refused(talk: Talk) -> None:
    """It would have held until it is unlocked."""
    assert (await talk('lock sandbox "a test" --for 0s')).state == "FAILED"
    assert "until it is unlocked" in (await talk('lock sandbox "a test"')).text


async def test_where_an_unknown_app_can_go_is_nowhere(meet: Meet, town: PaperTown) -> None:
    """And an environment without it is none of those where it can."""
    talk = meet(town, bare=Environment("bare"))

    assert (await talk("deploy where shpo")).failure.hint == "did you mean shop?"
    assert [row.cells[0].text for row in (await talk("deploy where shop")).blocks[0].table.rows] == ["sandbox"]
    assert len((await talk("deploy where")).blocks[0].table.rows) == 2


async def test_what_is_past_hearing_says_so(meet: Meet) -> None:
    """Once the old replicas are being stopped there is no way back but a rollback."""
    town = _Slow()
    talk = meet(town)
    running = asyncio.create_task(talk("deploy shop v2.1 to sandbox --soak 0s"))
    await eventually(town.retiring.is_set)

    refused = (await talk("deploy abort D1")).failure

    town.go_on.set()
    assert refused.text == "D1: shop v1 → v2.1 in sandbox has all of the traffic by now"
    assert (await running).state == "SUCCEEDED"


async def test_what_another_system_carries_out_can_not_be_held(meet: Meet, town: PaperTown) -> None:
    """Nobody would hear it."""
    elsewhere = _Elsewhere()
    talk = meet(town, hosts=Environment("hosts", trigger=elsewhere))
    running = asyncio.create_task(talk("deploy shop v2.1 to hosts"))
    await eventually(elsewhere.running.is_set)

    refused = (await talk("deploy abort D1")).failure

    elsewhere.go_on.set()
    assert "is carried out elsewhere" in refused.text
    assert (await running).state == "SUCCEEDED"
    assert [place.wishes for place in await Places(talk.keep).all()] == [0]


class _Slow(PaperTown):
    """A town that stops nothing before it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.retiring, self.go_on = asyncio.Event(), asyncio.Event()

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        self.retiring.set()
        await self.go_on.wait()
        await super().retire(app, keep, tell)


class _Elsewhere:
    """Another system that deploys when it is told to go on."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.running, self.go_on = asyncio.Event(), asyncio.Event()

    async def apps(self) -> Sequence[str]:
        return ("shop",)

    async def pin(self, app: str, name: str) -> Version:
        return version(name)

    async def run(self, app: str, version: Version, key: str) -> AsyncGenerator[Step, None]:
        yield Step("it runs")
        self.running.set()
        await self.go_on.wait()

    async def find(self, app: str, key: str) -> Outcome | None:
        return None

    async def current(self, app: str) -> Version | None:
        return None

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        return ()
