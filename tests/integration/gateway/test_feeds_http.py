"""Feeds as programs outside fetch them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bellboard.feeds import new_name
from bellboard.feeds.bus import BusFeeds
from bellboard.testing.servers import NatsServer
from bellboard_gateway.adapters.web_feeds import WebFeeds
from tests.integration.gateway.stage import Stage

pytestmark = pytest.mark.integration

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.fixture
async def outside(stage: Stage) -> AsyncIterator[aiohttp.ClientSession]:
    """A program that has no session, and calls the house by another name."""
    web = stage.new_web(more=WebFeeds(stage.bus).routes())
    port = await web.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Host": "calendar.example.com"}) as http:
        yield http
    await web.stop()


@pytest.fixture
def feeds(stage: Stage) -> BusFeeds:
    """The feeds of the practice bot."""
    return BusFeeds(stage.bot_bus, "practice")


async def test_who_knows_the_name_may_read(outside: aiohttp.ClientSession, feeds: BusFeeds) -> None:
    """As what its bot says it is; no proxy keeps it, no page learns where it is from, and nothing in it can run."""
    name = new_name()
    await feeds.put(name, CALENDAR, media_type="text/calendar")
    for get in (outside.get, outside.head):
        async with get(f"/feeds/practice/{name}") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
            assert answer.headers["Content-Length"] == str(len(CALENDAR))
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert await answer.read() == (CALENDAR if get == outside.get else b"")


async def test_what_has_not_changed_is_not_sent_again(outside: aiohttp.ClientSession, feeds: BusFeeds) -> None:
    """Until it changes; then it is another."""
    name = new_name()
    await feeds.put(name, CALENDAR, media_type="text/calendar")
    async with outside.get(f"/feeds/practice/{name}") as answer:
        tag = answer.headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        async with outside.get(f"/feeds/practice/{name}", headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
    await feeds.put(name, CALENDAR + b"\r\n", media_type="text/calendar")
    async with outside.get(f"/feeds/practice/{name}", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != tag


async def test_whatever_names_no_feed_gets_one_answer(outside: aiohttp.ClientSession, feeds: BusFeeds) -> None:
    """No name, another's, one that is forgotten, or none that could be one."""
    name, forgotten = new_name(), new_name()
    await feeds.put(name, CALENDAR, media_type="text/calendar")
    await feeds.put(forgotten, CALENDAR, media_type="text/calendar")
    await feeds.forget(forgotten)
    told = set()
    for path in (new_name(), forgotten, "short", name[:-1], f"{name}x", ">", "*", "%00", f"{name}.x"):
        async with outside.get(f"/feeds/practice/{path}") as answer:
            told.add((answer.status, await answer.text(), answer.headers["Cache-Control"]))
    for bot in ("memes", "nobody"):
        async with outside.get(f"/feeds/{bot}/{name}") as answer:
            told.add((answer.status, await answer.text(), answer.headers["Cache-Control"]))
    assert told == {(404, "There is no such feed.\n", "private, no-cache")}
    async with outside.post(f"/feeds/practice/{name}") as answer:
        assert answer.status >= 400


async def test_a_page_is_no_feed(outside: aiohttp.ClientSession, feeds: BusFeeds) -> None:
    """It is a file to be saved: it must not run under the name of this house."""
    for kind in ("text/html", "image/svg+xml", "application/javascript"):
        name = new_name()
        await feeds.put(name, b"<script>alert(1)</script>", media_type=kind)
        async with outside.get(f"/feeds/practice/{name}") as answer:
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Disposition"] == "attachment"


async def test_guessing_is_slow(outside: aiohttp.ClientSession) -> None:
    """And would be hopeless if it were not."""
    for _ in range(300):
        async with outside.get(f"/feeds/practice/{new_name()}") as answer:
            status = answer.status
        if status != 404:
            break
    assert status == 429


async def test_without_the_bus_nothing_is_known(outside: aiohttp.ClientSession, nats: NatsServer) -> None:
    """Which is not the same as nothing being there: a calendar must not be emptied."""
    await nats.kill()
    async with outside.get(f"/feeds/practice/{new_name()}") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
