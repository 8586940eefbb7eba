"""What a team's account is said to hold."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from bellboard.bus import Bus
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_reaper.measures import show

pytestmark = pytest.mark.integration


@pytest.fixture
async def reaper(bus_as: BusAs) -> Bus:
    """Whoever measures."""
    return await bus_as("reaper")


async def test_what_is_stored_is_seen_in_its_stream_and_in_the_account(reaper: Bus, bus_as: BusAs) -> None:
    """By the one server that there is; the account of one machine has no limit."""
    before = {one.name: one for one in await reaper.holdings()}
    gateway = await bus_as("gw-1")
    for n in range(20):
        await gateway.publish(f"led.ops-work.memes.c{n}.gw", b"x" * 1000)
    after = {one.name: one for one in await reaper.holdings()}

    assert {"LED", "ROOM", "KEEP_memes"} <= after.keys()
    assert after["LED"].messages - before["LED"].messages == 20
    assert after["LED"].bytes - before["LED"].bytes > 20_000
    assert (after["LED"].wanted, after["LED"].copies) == (1, 1)
    used = await eventually(reaper.usage)
    assert used.used > 20_000
    assert used.limit == 0
    assert reaper.denied == ()


async def test_every_stream_is_listed_however_many_there_are(reaper: Bus) -> None:
    """The server tells of them page by page."""
    names = [one.name for one in await reaper.holdings()]

    assert len(names) == len(set(names)) >= 12


async def test_it_is_shown_to_whoever_scrapes(reaper: Bus) -> None:
    """By stream, and of the whole account."""
    show(await reaper.usage(), await reaper.holdings())

    assert REGISTRY.get_sample_value("bellboard_stream_copies", {"stream": "LED"}) == 1
    assert REGISTRY.get_sample_value("bellboard_stream_copies_wanted", {"stream": "LED"}) == 1
    assert REGISTRY.get_sample_value("bellboard_store_limit_bytes") == 0
