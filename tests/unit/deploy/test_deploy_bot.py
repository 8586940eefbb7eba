"""What a person types, and what becomes of the traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from bellboard import Block, UserError
from bellboard.errors import BusUnavailable
from bellboard.testing import eventually
from bellboard.testing.talk import Said, Talk
from bellboard_deploy import watch
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.place import Places
from bellboard_deploy.providers import Environment, Measure, Observed, Reading, Tell, Version

from .conftest import Meet

QUICK = "--canary 10,50,100 --soak 50ms"


async def shares(town: PaperTown) -> dict[str, int]:
    return (await town.observe("shop")).shares()


def offers(blocks: Iterable[Block]) -> list[str]:
    """The lines that a card's buttons run."""
    return [choice.line for block in blocks for choice in block.question.choices]


def story(said: Said) -> list[str]:
    """The lines of the story on a card."""
    tables = [block.table for block in said.blocks if block.HasField("table")]
    return [row.cells[1].text for row in tables[-1].rows]


async def test_a_good_version_takes_over_stage_by_stage(talk: Talk, town: PaperTown) -> None:
    """The card shows the way, and tells it in order at the end."""
    said = await talk(f"deploy shop v2.1 to sandbox {QUICK}")

    assert said.state == "SUCCEEDED"
    assert said.steps == ("pin", "start", "launch", "shift", "retire", "record")
    assert said.result.id == "D1"
    assert await shares(town) == {"v2.1": 100}
    assert set(town.replicas) == {"shop-d1-1", "shop-d1-2"}
    assert [line for line in story(said) if "of the traffic" in line] == [
        f"{share} % of the traffic to v2.1" for share in (10, 50, 100)
    ]
    assert any("stage 2 of 3, 50 %" in blocks[0].progress.text for blocks in said.progress)


async def test_a_broken_gate_brings_everything_back(talk: Talk, town: PaperTown) -> None:
    """It says what was measured, the limit, and what it cost; then the graph and the logs are asked for."""
    said = await talk(f"deploy shop v2 to sandbox {QUICK}")

    assert said.state == "FAILED"
    assert await shares(town) == {"v1": 100}
    assert set(town.replicas) == {"shop-v1-1", "shop-v1-2"}
    assert "gate errors<5%: 25.0 % of 100 requests. errors of v2 on paper; 25 requests failed in v2" in said.failure.text
    assert said.asked == ("graph errors shop --by version --around D1", "logs new shop --since D1")
    mark = await talk.marks.find("D1")
    assert mark is not None
    assert (mark.state, mark.detail["lost"]) == ("rolled-back", "25")


async def test_no_data_is_not_fine(meet: Meet, town: PaperTown) -> None:
    """The rollout pauses until a person decides."""
    talk = meet(_Silent())
    running = asyncio.create_task(talk(f"deploy shop v2.1 to sandbox {QUICK}"))
    await eventually(lambda: _phase(talk, "paused"))

    await talk("deploy abort D1")

    said = await running
    assert said.state == "FAILED"
    assert "paused for want of data (errors<5%: no data); promote or abort D1" in story(said)
    assert "aborted by ann" in said.failure.text


async def test_few_requests_are_enough_in_time(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a window holds too few, the whole stage counts, and it need not pause."""
    monkeypatch.setattr(watch, "window", lambda soak: 0.01)
    said = await meet(_Quiet())("deploy shop v2.1 to sandbox --canary 100 --soak 50ms")

    assert said.state == "SUCCEEDED"
    assert "held at 100 %: errors<5%: 0.0 %" in story(said)


async def test_a_pause_holds_and_promote_sends_on(talk: Talk, town: PaperTown) -> None:
    """Each within a look, and in the story."""
    running = asyncio.create_task(talk("deploy shop v2.1 to sandbox --canary 10,100 --soak 60s"))
    await eventually(lambda: _phase(talk, "soaking"))

    await talk("deploy pause")
    await eventually(lambda: _phase(talk, "paused"))
    assert await shares(town) == {"v1": 90, "v2.1": 10}
    await talk("deploy promote D1")
    await eventually(lambda: _stage(talk, 1))
    await eventually(lambda: _phase(talk, "soaking"))
    await talk("deploy promote")

    said = await running
    assert said.state == "SUCCEEDED"
    assert [line for line in story(said) if "by ann" in line] == ["paused by ann", "sent on by ann", "sent on by ann"]


async def test_the_card_offers_what_can_be_said_to_it(talk: Talk) -> None:
    """As long as it is heard: neither while replicas start, nor when it is over."""
    running = asyncio.create_task(talk("deploy shop v2.1 to sandbox --canary 10,100 --soak 60s"))
    await eventually(lambda: _phase(talk, "soaking"))
    await talk("deploy pause")
    await eventually(lambda: _phase(talk, "paused"))
    await talk("deploy abort D1")

    said = await running
    offered = [offers(blocks) for blocks in said.progress]
    assert ["deploy pause D1", "deploy promote D1", "deploy abort D1"] in offered
    assert not offers(said.progress[0])
    assert not offers(said.blocks)


async def test_what_the_card_of_a_rehearsal_offers_is_rehearsed(talk: Talk) -> None:
    """While it runs too: a button there must not reach the real deploy of that id."""
    said = await talk(f"deploy shop v2.1 to sandbox {QUICK} --sandbox")

    offered = {line for blocks in said.progress for line in offers(blocks)}
    assert offered == {"deploy pause D1 --sandbox", "deploy promote D1 --sandbox", "deploy abort D1 --sandbox"}


async def test_a_preview_does_nothing(talk: Talk, town: PaperTown) -> None:
    """It shows the plan, and what is in the way."""
    before = dict(town.replicas)
    await _lock_as(talk, "bob")

    said = await talk("deploy shop v2 to sandbox ?")

    plan = {row.cells[0].text: row.cells[1].text for row in said.blocks[0].table.rows}
    assert plan["traffic"] == "10 % → 50 % → 100 %"
    assert plan["gates"] == "errors<5%"
    assert "locked by bob" in plan["lock"]
    assert town.replicas == before
    assert await talk.marks.find("D1") is None


async def test_the_plan_tells_of_a_lock_of_ones_own(talk: Talk) -> None:
    """It is in nobody's way but the others', and is easily forgotten."""
    await talk('lock sandbox "moving the database"')

    said = await talk("deploy shop v2 to sandbox ?")

    plan = {row.cells[0].text: row.cells[1].text for row in said.blocks[0].table.rows}
    assert plan["lock"].startswith("yours; others are kept away: sandbox is locked by ann: “moving the database”")
    assert "refused" not in said.text


async def test_a_lock_keeps_others_away_and_force_goes_past(talk: Talk, town: PaperTown) -> None:
    """Which needs a reason, and is in the story."""
    await _lock_as(talk, "bob")

    refused = await talk(f"deploy shop v2.1 to sandbox {QUICK}")
    assert refused.state == "FAILED"
    assert "“moving the database”" in refused.failure.text
    assert (await talk(f"deploy! shop v2.1 to sandbox {QUICK}")).state == "NOT_UNDERSTOOD"
    forced = await talk(f'deploy! shop v2.1 to sandbox {QUICK} --reason "customers wait"')

    assert forced.state == "SUCCEEDED"
    assert any("forced by ann: “customers wait”" in line for line in story(forced))
    mark = await talk.marks.find(forced.result.id)
    assert mark is not None
    assert "locked by bob" in mark.detail["forced"]


async def test_what_is_in_the_way_says_how_it_is_lifted(talk: Talk) -> None:
    """A freeze by its id, since unlocking alone is for locks; and where it stands, which may be everywhere."""
    await talk('freeze all 2h "the demo"')

    refused = (await talk(f"deploy shop v2.1 to sandbox {QUICK}")).failure

    assert refused.hint == "deploy! … --reason WHY goes past it, or unlock all --id K1"
    assert (await talk("unlock all --id K1")).state == "SUCCEEDED"


async def test_rollback_brings_back_what_ran_before(talk: Talk, town: PaperTown) -> None:
    """At once, and past a freeze."""
    await talk("deploy shop v2.1 to sandbox --soak 0s")
    await talk('freeze sandbox 2h "the demo"')

    said = await talk("rollback shop in sandbox")

    assert said.state == "SUCCEEDED"
    assert await shares(town) == {"v1": 100}
    assert (await talk("rollback shop in sandbox")).failure.text == "nothing is known to have run before v1"


async def test_a_version_that_became_another_is_not_shifted_to(meet: Meet) -> None:
    """Its name was pinned to a digest; the digest is looked at again before each stage."""
    town = _Repointed()
    talk = meet(town)

    said = await talk(f"deploy shop v2.1 to sandbox {QUICK}")

    assert said.state == "FAILED"
    assert "and now is" in said.failure.text
    assert await shares(town) == {"v1": 100}


async def test_what_runs_already_is_left_alone(talk: Talk, town: PaperTown) -> None:
    """No id is spent on it."""
    said = await talk("deploy shop v1 to sandbox")

    assert said.text == "shop in sandbox runs v1 already"
    assert await talk.marks.find("D1") is None


async def test_history_where_and_show_tell_of_it(talk: Talk) -> None:
    """By the id that the deploy was given."""
    await talk("deploy shop v2.1 to sandbox --soak 0s")
    await talk("deploy shop v2 to sandbox --soak 50ms")

    history = await talk("deploy history shop")
    states = [(row.cells[0].text, row.cells[5].text) for row in history.blocks[0].table.rows]
    assert states == [("D2", "rolled-back"), ("D1", "succeeded")]
    assert "rolled back" in (await talk("deploy show d2")).text
    assert (await talk("deploy where")).blocks[0].table.rows[0].cells[2].text == "yes"
    assert (await talk("deploy abort D1")).failure.text.endswith("is over: succeeded")


async def test_a_backend_is_drained_by_hand_and_back(talk: Talk, town: PaperTown) -> None:
    """The last one that takes requests can't be."""
    assert (await talk("lb drain shop-v1-1")).state == "SUCCEEDED"
    assert town.replicas["shop-v1-1"].weight == 0
    assert (await talk("lb drain shop-v1-2")).failure.text == "shop-v1-2 is the last one that takes requests"
    await talk("lb enable shop-v1-1")
    assert town.replicas["shop-v1-1"].weight == 50


async def test_the_backends_of_every_environment_are_shown(meet: Meet, town: PaperTown) -> None:
    """Each in a table of its own, where none is named; and of one, where it is."""
    other = PaperTown()
    talk = meet(town, prod=Environment("prod", deployer=other, balancer=other, gauges=other), bare=Environment("bare"))

    said = await talk("lb status")
    assert [block.table.title.partition(",")[0] for block in said.blocks] == ["sandbox", "prod"]
    assert len((await talk("lb status shop in prod")).blocks) == 1
    assert (await talk("lb status shop in bare")).failure.text == "nothing is balanced for shop"


async def test_an_unknown_name_is_answered_with_the_nearest(talk: Talk) -> None:
    """Apps, versions, environments, backends and ids."""
    assert (await talk("deploy shpo v2 to sandbox")).failure.hint == "did you mean shop?"
    assert (await talk("deploy shop v2.2 to sandbox")).failure.hint == "did you mean v2.1?"
    assert (await talk("deploy shop v2 to sandbx")).failure.hint == "did you mean sandbox?"
    assert (await talk("lb status shpo")).failure.hint == "did you mean shop?"
    assert (await talk("lb drain shop-v1-9")).failure.hint.startswith("did you mean shop-v1")
    assert (await talk("deploy pause D9")).failure.text == "there is no deploy D9"


async def test_a_rehearsal_leaves_the_real_environment_alone(talk: Talk, town: PaperTown) -> None:
    """It is given a town of its own, places of its own, and a marked mark."""
    before = dict(town.replicas)

    said = await talk("deploy shop v2.1 to sandbox --soak 0s --sandbox")

    assert said.state == "SUCCEEDED"
    assert town.replicas == before
    mark = await talk.marks.find(said.result.id)
    assert mark is not None
    assert mark.rehearsal
    assert (await talk("deploy show")).text == "nothing has been deployed yet"


async def _lock_as(talk: Talk, person: str) -> None:
    talk.person, before = person, talk.person
    assert (await talk('lock sandbox "moving the database" --for 2h')).state == "SUCCEEDED"
    talk.person = before


async def _phase(talk: Talk, phase: str) -> bool:
    return any(f'"phase":"{phase}"'.encode() in kept.value for kept in await talk.keep.list("rollout"))


async def _stage(talk: Talk, stage: int) -> bool:
    return any(f'"stage":{stage}'.encode() in kept.value for kept in await talk.keep.list("rollout"))


class _Quiet(PaperTown):
    """A town where ten requests take forty milliseconds."""

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        return Reading(0.0, "few", round(window * 250))


class _Silent(PaperTown):
    """A town that measures nothing."""

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        return Reading(None, "nobody answers")


class _Repointed(PaperTown):
    """A town where a version's name comes to mean something else once its replicas run."""

    async def pin(self, app: str, version_: str) -> Version:
        pinned = await super().pin(app, version_)
        return replace(pinned, digest="0" * 64) if "shop-d1-1" in self.replicas else pinned


def test_a_town_on_paper_is_an_environment() -> None:
    """It is what people get without a sandbox."""
    town = PaperTown()

    assert Environment("paper", deployer=town, balancer=town, gauges=town).replicas == 2


async def test_a_look_that_is_refused_for_a_while_turns_nothing_back(meet: Meet) -> None:
    """It is only for the card. A cluster that has just started refuses what it does not know yet to be permitted."""
    town = _Blinded()

    said = await meet(town)("deploy shop v2.1 to sandbox --canary 10,100 --soak 20ms")

    assert said.state == "SUCCEEDED"
    assert town.refused > 2
    assert await shares(town) == {"v2.1": 100}


async def test_a_way_back_that_is_refused_is_unknown(meet: Meet) -> None:
    """It is not FAILED: some of the traffic has gone over."""
    town = _OneWay()
    talk = meet(town)

    said = await talk("deploy shop v2 to sandbox --canary 50,100 --soak 20ms")

    assert said.state == "UNKNOWN"
    assert "going back to v1: ann may not patch shop" in said.failure.text
    assert await shares(town) == {"v1": 50, "v2": 50}


async def test_what_can_not_be_tidied_up_is_no_failure(talk: Talk, town: PaperTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version runs by then."""

    async def away(self: Places) -> None:
        raise BusUnavailable("the bus can't be reached")

    monkeypatch.setattr(Places, "prune", away)

    assert (await talk(f"deploy shop v2.1 to sandbox {QUICK}")).state == "SUCCEEDED"


class _Blinded(PaperTown):
    """It refuses to be looked at while it is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.refused, self.changes = 0, False

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        self.changes = True
        await super().start(app, version, count, key)

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        await super().retire(app, keep, tell)
        self.changes = False

    async def observe(self, app: str) -> Observed:
        if self.changes:
            self.refused += 1
            raise UserError("ann may not list pods")
        return await super().observe(app)


class _OneWay(PaperTown):
    """It refuses to go back."""

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        if shares == {"v1": 100}:
            raise UserError("ann may not patch shop")
        await super().shift(app, shares)


async def test_a_slip_in_an_app_is_put_right_where_nothing_is_deployed_either(talk: Talk) -> None:
    """As everywhere else."""
    failed = (await talk("deploy status shp")).failure
    assert (failed.text, failed.hint) == ("there is no app “shp”", "did you mean shop?")
