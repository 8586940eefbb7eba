"""Bots come and go; what can be typed follows."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import yaml

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.grammar import Nowhere
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.lines import Command, Misunderstood
from bellboard_practice.bot import bot as practice
from tests.integration.gateway.staff import Desk, opened, says, within, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs) -> AsyncIterator[Desk]:
    """A gateway, and no bot yet."""
    write_people(house)
    async with opened(house, await bus_as("gw-1")) as desk:
        yield desk


async def absent(desk: Desk) -> str:
    """Why the practice bot's line can't be run; empty if it can."""
    taken = await desk.take("practice look")
    if isinstance(taken, Command):
        return ""
    assert isinstance(taken, Misunderstood)
    assert taken.why.code == "no_bot"
    return str(taken.why.reason)


async def gone(desk: Desk) -> bool:
    return await absent(desk) == "no practice bot is running"


def offers(desk: Desk, typed: str = "prac") -> set[str]:
    """What completion offers."""
    return {offer.text for offer in desk.gateway.registry.complete(typed, len(typed), Nowhere())}


async def test_a_bot_comes_and_leaves(desk: Desk, mesh: Mesh) -> None:
    """Known from its enrolment before; its commands appear within 2 s of its start, and go within 2 s when it stops."""
    assert await gone(desk)
    bot = await mesh.practice()
    async with within(2):
        await desk.listed()
    assert await absent(desk) == ""
    assert offers(desk) >= {"practice look", "practice fire"}
    bot.terminate()
    async with within(2):
        await eventually(lambda: gone(desk))
    assert "practice" not in says(await desk.run("help"))
    assert offers(desk) == set()
    assert offers(desk, "can") == {"cancel", "can I"}


async def test_a_killed_bot_is_missed(desk: Desk, mesh: Mesh) -> None:
    """By its silence; nothing is published for it then."""
    bot = await mesh.practice()
    await desk.listed()
    bot.kill()
    async with within(5):
        await eventually(lambda: not desk.gateway.registry.available("practice"))
    end = await desk.gateway.bus.end("LED")
    assert await gone(desk)
    assert await desk.gateway.bus.end("LED") == end


async def test_the_contract_of_an_absent_bot_is_remembered(desk: Desk, house: House, mesh: Mesh, bus_as: BusAs) -> None:
    """A gateway that starts later reads it from the bus."""
    bot = await mesh.practice()
    await desk.listed()
    bot.kill()
    async with opened(house, await bus_as("gw-2"), name="gw-2") as later:
        await eventually(lambda: gone(later))
        assert later.gateway.registry.contract("practice")


async def announce(desk: Desk, bus_as: BusAs) -> registry.Announcement:
    """Announce the practice contract and beat once, without a bot."""
    announcement = practice.contract.announcement()
    bus = await bus_as("practice")
    await bus.publish(f"reg.practice.{announcement.digest}", announcement.SerializeToString())
    beat = registry.Heartbeat(bot="practice", replica="p-1", digest=announcement.digest, sequence=1)
    beat.at.GetCurrentTime()
    await bus.send("hb.practice.p-1", beat.SerializeToString())
    return announcement


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phrases": ["drill"]}, "was not enrolled for 'practice'"),
        ({"effects": ["EFFECT_READ"]}, "an effect that the bot was not enrolled for"),
        ({"package": "elsewhere.v1"}, "was enrolled for the package elsewhere.v1"),
    ],
)
async def test_a_contract_claims_no_more_than_was_enrolled(
    desk: Desk, house: House, bus_as: BusAs, change: dict[str, object], reason: str
) -> None:
    """It is refused, the status says why; and admitted once the enrolment says so."""
    before = house.enrolled.read_text()
    enrolled = yaml.safe_load(before)
    next(bot for bot in enrolled["bots"] if bot["bot"] == "practice").update(change)
    house.enrolled.write_text(yaml.safe_dump(enrolled))
    await eventually(lambda: next(iter(change)) and desk.gateway.registry._enrolments.version == 2)
    await announce(desk, bus_as)
    await eventually(lambda: any(reason in problem for problem in desk.gateway.registry.problems))
    assert desk.gateway.registry.contract("practice") is None
    house.enrolled.write_text(before)
    await eventually(lambda: desk.gateway.registry.contract("practice"))
    assert desk.gateway.registry.problems == []


async def test_a_contract_that_breaks_a_rule_is_refused(desk: Desk, house: House, bus_as: BusAs) -> None:
    """A rule on an argument that the contract does not have would never forbid anything."""
    scope = 'principal, action == Action::"practice.Fire", resource'
    rule = f'@id("no-north") forbid ({scope}) when {{ context.args.where == "north" }};'
    (house.policy / "rules.cedar").write_text(rule)
    await eventually(lambda: desk.gateway.hall.policy.digest and desk.gateway.hall.policy._file.version == 2)
    await announce(desk, bus_as)
    await eventually(lambda: any("no-north" in problem for problem in desk.gateway.registry.problems))
    assert await gone(desk)
    (house.policy / "rules.cedar").write_text(rule.replace("where", "label"))
    await eventually(lambda: desk.gateway.registry.contract("practice"))


async def test_a_gateway_that_stood_still_does_not_call_everyone_gone(desk: Desk, mesh: Mesh) -> None:
    """After a gap of its own it measures anew."""
    await mesh.practice()
    await desk.listed()
    time.sleep(4.5)  # the gateway's own process stands still
    assert await absent(desk) == ""
