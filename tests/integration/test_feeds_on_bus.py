"""Feeds on a real bus: as a bot puts them, and as the gateway finds them."""

from __future__ import annotations

import pytest

from bellboard.feeds import LARGEST, Feed, hashed, new_name
from bellboard.feeds.bus import BusFeeds, served
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration


async def test_the_gateway_serves_what_a_bot_put_last(bus_as: BusAs, nats: NatsServer) -> None:
    """Also after the bus was killed; and nothing once it is forgotten."""
    gateway, feeds, name = await bus_as("gw-1"), BusFeeds(await bus_as("practice"), "practice"), new_name()
    assert await served(gateway, "practice", name) is None
    await feeds.put(name, b"one", media_type="text/calendar")
    await feeds.put(name, bytes(LARGEST), media_type="text/calendar")
    assert await served(gateway, "practice", name) == Feed(bytes(LARGEST), "text/calendar")
    assert await served(gateway, "memes", name) is None
    await nats.restart()
    await eventually(lambda: gateway.connected)
    await feeds.put(name, b"", media_type="text/calendar")
    assert await served(gateway, "practice", name) == Feed(b"", "text/calendar")
    await feeds.forget(name)
    assert await served(gateway, "practice", name) is None


async def test_a_bot_can_not_write_the_feeds_of_another(bus_as: BusAs) -> None:
    """The bus refuses it, and nothing is stored."""
    gateway, name = await bus_as("gw-1"), new_name()
    bot = await bus_as("practice")
    await bot.send(f"feed.memes.{hashed(name)}", b"+forged")
    await bot.flush()
    assert await served(gateway, "memes", name) is None
    assert bot.denied


async def test_the_name_itself_is_nowhere_on_the_bus(bus_as: BusAs) -> None:
    """Who reads the disk has the feed, but no address to read it at later."""
    gateway, feeds, name = await bus_as("gw-1"), BusFeeds(await bus_as("practice"), "practice"), new_name()
    await feeds.put(name, b"one", media_type="text/calendar")
    (kept,) = await gateway.scan("FEED", "feed.>")
    assert name not in kept.subject + repr(kept.headers) + kept.payload.decode()
