"""The painter: pictures out of specifications, in a process that may die."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from PIL import Image

from bellboard import Failed
from bellboard_graphs import chart
from bellboard_graphs.painter import WarmPainter, painter
from bellboard_graphs.series import Series
from bellboard_graphs.story import Event

TIMES = tuple(float(1_795_000_000 + 5 * i) for i in range(60))
RISING = Series("", TIMES, tuple(float(i) for i in range(60)))


@pytest.fixture
async def brush() -> AsyncIterator[WarmPainter]:
    """A painter."""
    async with painter(20) as one:
        yield one


def spec(name: str = "v2") -> str:
    """A chart of one line and a mark."""
    return json.dumps(chart.lines("errors", "", [(name, "%", RISING)], [Event("D1", "deploy", TIMES[9], name)]))


async def test_a_chart_becomes_a_picture(brush: WarmPainter) -> None:
    """A PNG with the colours of the ground, the line and the mark."""
    png = await brush.draw(spec())

    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
        assert picture.width > 1000
    assert {(0xFC, 0xFC, 0xFA), (0x00, 0x72, 0xB2)} <= colours


@pytest.mark.parametrize("name", ['"}]', 'it\'s "a" \\ b', "datum.v", "{'signal': 'x'}", "<b>&amp;", "\u202e日本", "", "\x00"])
async def test_whatever_a_line_is_called_it_is_drawn(brush: WarmPainter, name: str) -> None:
    """Quotes, expressions, markup, other scripts."""
    assert (await brush.draw(spec(name))).startswith(b"\x89PNG")


async def test_bars_become_a_picture(brush: WarmPainter) -> None:
    """More of them than are shown."""
    bars = chart.bars("t", [(f"n{i}", float(i)) for i in range(100)], "")

    assert (await brush.draw(json.dumps(bars))).startswith(b"\x89PNG")


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"mark": "nothing"}', '{"mark": 1, "data": {"values": 5}}'])
async def test_what_can_not_be_drawn_is_told_and_the_next_is_drawn(brush: WarmPainter, broken: str) -> None:
    """A broken specification breaks nothing else."""
    with pytest.raises(Failed):
        await brush.draw(broken)

    assert (await brush.draw(spec())).startswith(b"\x89PNG")


async def test_a_process_that_died_is_replaced(brush: WarmPainter) -> None:
    """The picture that it took along is told of; the next one is drawn."""
    await brush.draw(spec())
    assert brush._process is not None
    brush._process.kill()
    with pytest.raises(Failed):
        await brush.draw(spec())

    assert (await brush.draw(spec())).startswith(b"\x89PNG")


async def test_a_person_who_does_not_wait_gets_nobody_elses_picture(brush: WarmPainter) -> None:
    """A drawing that is called off takes its process along."""
    await brush.draw(spec())
    called_off = asyncio.create_task(brush.draw(spec("first")))
    await asyncio.sleep(0)
    called_off.cancel()
    await asyncio.gather(called_off, return_exceptions=True)
    bars = json.dumps(chart.bars("t", [("a", 1.0)], ""))

    async with painter(20) as other:
        assert await brush.draw(bars) == await other.draw(bars)


async def test_nothing_is_fetched(brush: WarmPainter) -> None:
    """Not even where a specification asks for it."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response([{"a": 1}])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    data = {"data": {"url": f"{url}/a.json"}, "mark": "point", "encoding": {"x": {"field": "a"}}}
    image = {"data": {"values": [{"u": f"{url}/a.png"}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}
    try:
        for wish in (data, image):
            await asyncio.gather(brush.draw(json.dumps(wish)), return_exceptions=True)
    finally:
        await runner.cleanup()
    assert asked == []
