"""Ticks: what the gateway runs by itself, once in each slot of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.contract import Contract
from bellboard.ledger.ops import World, seconds
from bellboard.presence import Presence
from bellboard.provision import House, enrol
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.unit.contract.making import announce, arg, command

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

EVERY = 24 * 3600
"""The longest there is: a slot that ends while a test runs has a command of its own."""


@pytest.fixture
def house(house: House) -> House:
    """With the bot toy, one of whose commands is to be run each day."""
    house.enrol(
        enrol.enrolment("toy", module="toy", package="toy.v1", phrases=["toy"], effects=[options.EFFECT_READ], open=True)
    )
    return house


def toy() -> Contract:
    """What the bot says of itself."""
    ticking = command("toy tick", arg("word", position=1, default="x"), every={"seconds": EVERY}, internal=True)
    return Contract.from_announcement(announce(ticking))


@asynccontextmanager
async def there(bus: Bus) -> AsyncIterator[None]:
    """The bot is there, and does nothing."""
    presence = Presence(bus, toy(), "toy-1", list)
    running = asyncio.create_task(presence.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def ticks(bus: Bus) -> list[pb.Envelope]:
    """The commands that were brought, in order."""
    found = await bus.lasts("LED", "led.*.toy.*.run")
    return [pb.Envelope.FromString(pb.Record.FromString(message.payload).command.envelope) for message in found]


def put_forward(desks: list[Desk], seconds: float) -> None:
    """The clocks of the gateways."""
    for desk in desks:
        desk.gateway.dispatch.world = World(now=lambda: time.time() + seconds)


async def test_each_slot_has_one_command_over_two_replicas(house: House, bus_as: BusAs) -> None:
    """In no room, under the bot's name; slots that nobody was there for are left out."""
    write_people(house)
    async with AsyncExitStack() as stack:
        bus = await bus_as("gw-1")
        await stack.enter_async_context(there(await bus_as("toy")))
        desks = [
            await stack.enter_async_context(opened(house, bus, name="gw-1")),
            await stack.enter_async_context(opened(house, await bus_as("gw-2"), name="gw-2")),
        ]

        async def ticked(count: int) -> bool:
            return len(await ticks(bus)) == count

        await eventually(lambda: ticked(1), 30)
        for desk in desks:
            await eventually(lambda: desk.gateway.ticks._ran, 30)  # noqa: B023  # it is looked at before the next one
        for count, slots in ((2, 1), (3, 40)):
            put_forward(desks, slots * EVERY)
            await eventually(lambda: ticked(count), 30)  # noqa: B023
        for desk in desks:
            newest = int((time.time() + 40 * EVERY) // EVERY)
            await eventually(lambda: set(desk.gateway.ticks._ran.values()) == {newest}, 30)  # noqa: B023
        found = await ticks(bus)
        assert len(found) == 3
        assert {(one.principal.bot, one.cause, one.origin.room, one.line) for one in found} == {
            ("toy", pb.CAUSE_TIMER, "", "toy tick")
        }
        assert [list(one.rules) for one in found] == [["open-read", "own"]] * 3
        assert seconds(found[0].not_after) - seconds(found[0].received_at) == pytest.approx(60)


async def test_a_clock_that_was_far_ahead_and_is_put_right_stops_nothing(house: House, bus_as: BusAs) -> None:
    """What ran ahead of time does not keep what is due from running, and no slot has two commands."""
    write_people(house)
    bus = await bus_as("gw-1")
    async with opened(house, bus) as desk, there(await bus_as("toy")):

        async def ticked(count: int) -> bool:
            return len(await ticks(bus)) == count

        for count, slots in ((1, 0), (2, 1000), (3, 1), (4, 2)):
            put_forward([desk], slots * EVERY)
            await eventually(lambda: ticked(count), 30)  # noqa: B023


async def test_nothing_is_run_of_a_bot_that_is_away(house: House, bus_as: BusAs) -> None:
    """When it is back it begins with the slot of now."""
    write_people(house)
    bus, toys = await bus_as("gw-1"), await bus_as("toy")
    async with opened(house, bus) as desk:
        async with there(toys):
            await eventually(lambda: desk.gateway.ticks._ran, 30)
        await eventually(lambda: not desk.gateway.registry.available("toy"), 30)
        put_forward([desk], 5 * EVERY)
        began = time.time()
        await eventually(lambda: time.time() > began + 2, 5)  # two looks at the clock
        assert len(await ticks(bus)) == 1
        async with there(toys):

            async def ticked() -> bool:
                return len(await ticks(bus)) == 2

            await eventually(ticked, 30)
