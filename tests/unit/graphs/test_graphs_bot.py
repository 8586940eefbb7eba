"""The graphs bot, talked to, on an embedded store in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bellboard import Failed, table
from bellboard.marks import Draft
from bellboard.testing.talk import Talk, TalkTo, settings_for
from bellboard_graphs.bot import bot
from bellboard_graphs.embedded import EmbeddedSource
from bellboard_graphs.providers import Graphite, MetricSource, Painter, Prometheus, register
from bellboard_graphs.settings import Settings
from bellboard_graphs.store import Sample, Store

NOW = 1_795_000_000.0
PNG = b"\x89PNG of a chart"


class Still:
    """A painter that always gives the same picture, or none."""

    def __init__(self, *, broken: bool = False) -> None:
        self._broken = broken

    async def draw(self, spec: str) -> bytes:
        if self._broken:
            raise Failed("the chart could not be drawn")
        return PNG


def shop(store: Store, *, source: str = "sandbox", bad: float = NOW - 300) -> None:
    """Half an hour of a shop: v1 does well, v2 fails a quarter of its requests from a moment on for two minutes."""
    at, done, failed = NOW - 1800, 0.0, 0.0
    while at <= NOW:
        done += 20
        failed += 5 if bad <= at < bad + 120 else 0
        counts = {("v1", "200"): done, ("v2", "200"): done, ("v2", "500"): failed}
        samples = [
            Sample("http_requests_total", (("app", "shop"), ("version", version), ("code", code)), value, True)
            for (version, code), value in counts.items()
        ]
        store.add(source, at, samples)
        at += 2


@pytest.fixture
def talk(talk_to: TalkTo) -> Talk:
    """Says lines to a bot whose store knows the shop; its twin knows nothing."""
    talk = talk_to(bot, register, settings_for(Settings))
    store = Store(Path(":memory:"))
    shop(store)
    talk.provide(
        MetricSource,
        EmbeddedSource(store, {"sandbox": 2}),
        twin=EmbeddedSource(Store(Path(":memory:")), {"sandbox": 2}),
    )
    talk.provide(Painter, Still(), twin=Still())
    return talk


async def test_a_graph_says_what_it_shows_and_how_it_was_understood(talk: Talk) -> None:
    """An id, the range, the picture, the words, the figures."""
    said = await talk("graph errors shop --by version", at=NOW)

    assert said.state == "SUCCEEDED", said.blocks
    heading, chart, figures = said.blocks
    assert heading.text.text.startswith("G1: errors of shop, ")
    assert "UTC (15 min)" in heading.text.text
    assert await talk.blobs.get(chart.chart.picture) == PNG
    assert "Errors of v2 rose from 0 % to 20 %" in chart.chart.alt
    assert json.loads(chart.chart.spec)["title"]["text"] == ["errors of shop"]
    assert [row.cells[0].text for row in figures.table.rows] == ["errors of v1", "errors of v2"]
    assert said.result.id == "G1"


async def test_deploys_are_drawn_and_told(talk: Talk) -> None:
    """Those of the app, by their id."""
    draft = Draft(title="shop v2 to prod", at=NOW - 305, app="shop")
    await talk.marks.by("deploy").begin("D", draft, key="a")
    await talk.marks.by("deploy").begin("D", Draft(title="web v9", at=NOW - 300, app="web"), key="b")
    (chart,) = (block.chart for block in (await talk("graph errors shop", at=NOW)).blocks if block.HasField("chart"))

    assert "after D1, back to 0 %" in chart.alt
    assert [row["name"] for row in json.loads(chart.spec)["datasets"]["events"]] == ["D1 shop v2 to prod"]


async def test_a_graph_around_a_deploy_begins_before_it(talk: Talk) -> None:
    """A quarter of an hour, by its id."""
    draft = Draft(title="shop v2 to prod", at=NOW - 305, until=NOW - 305, app="shop")
    await talk.marks.by("deploy").begin("D", draft, key="a")
    said = await talk("graph errors shop --around d1", at=NOW)

    assert "around D1, " in said.text
    assert "D1 (shop v2 to prod)" in said.blocks[1].chart.alt


async def test_the_same_command_is_the_same_graph(talk: Talk) -> None:
    """Run again after a crash, it has the id that it had."""
    first = await talk("graph errors shop", at=NOW, id="one")
    again = await talk("graph errors shop", at=NOW, id="one", attempt=2)
    other = await talk("graph errors shop", at=NOW, id="two")

    assert [first.result.id, again.result.id, other.result.id] == ["G1", "G1", "G2"]


async def test_several_measures_are_drawn_together(talk: Talk) -> None:
    """A panel for each unit."""
    said = await talk("graph errors,rps shop", at=NOW)

    assert len(json.loads(said.blocks[1].chart.spec)["vconcat"]) == 2
    assert "Rps stayed about" in said.blocks[1].chart.alt


async def test_what_was_before_is_drawn_beside_it(talk: Talk) -> None:
    """Moved to the same times."""
    said = await talk("graph rps shop 10m --vs 15m", at=NOW)

    assert [row.cells[0].text for row in said.blocks[2].table.rows] == ["rps", "rps, before"]
    data = json.loads(said.blocks[1].chart.spec)["datasets"]
    assert [row["t"] for row in data["line0"]] == [row["t"] for row in data["line1"]]


async def test_without_a_picture_there_are_words(talk_to: TalkTo) -> None:
    """A painter that fails costs the picture, not the answer."""
    talk = talk_to(bot, register, settings_for(Settings))
    store = Store(Path(":memory:"))
    shop(store)
    talk.provide(MetricSource, EmbeddedSource(store, {"sandbox": 2}))
    talk.provide(Painter, Still(broken=True))
    said = await talk("graph errors shop", at=NOW)

    assert said.state == "SUCCEEDED"
    assert "rose from 0 % to" in said.text


async def test_a_rehearsal_sees_none_of_it(talk: Talk) -> None:
    """Its twin's store is another."""
    said = await talk("graph errors shop --sandbox", at=NOW)

    assert said.state == "SUCCEEDED", said.blocks
    assert "nothing is known of errors of shop" in said.text


@pytest.mark.parametrize("line", ["graph promql 'up' --sandbox", "graph target 'a.b' --sandbox"])
async def test_what_has_no_twin_can_not_be_rehearsed(talk: Talk, line: str) -> None:
    """The real servers can't be reached from a rehearsal."""
    said = await talk(line, at=NOW)

    assert said.state == "FAILED"
    assert "can't be rehearsed" in said.failure.text


@pytest.mark.parametrize(("line", "kind"), [("graph promql 'up'", Prometheus), ("graph target 'a'", Graphite)])
async def test_without_a_server_it_says_which_setting_names_one(talk: Talk, line: str, kind: type) -> None:
    """And asks nobody."""
    said = await talk(line, at=NOW)
    assert said.state == "FAILED"
    assert said.failure.text == f"no {kind.__name__} is set up here"
    assert f"BELLBOARD_{kind.__name__.upper()}_URL" in said.failure.hint


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("graph erors shop", "errors"),
        ("graph errors shop --by verson", "there are code, version"),
        ("graph errors", "such as graph errors shop"),
        ("graph errors \"a{b='c'}\"", "letters, digits, dots and dashes"),
        ("graph errors shop --by 'x) or vector(1'", "such as version"),
        ("graph errors shop 4000d", "at most 90 days"),
        ("graph a,b,c,d,e,f,g shop", "see `graph list`"),
    ],
)
async def test_what_can_not_be_drawn_is_told_with_a_way_out(talk: Talk, line: str, hint: str) -> None:
    """The hint is the nearest right form."""
    said = await talk(line, at=NOW)

    assert said.state == "FAILED", said.blocks
    assert hint in said.failure.hint


async def test_a_piped_table_of_counts_becomes_bars(talk: Talk) -> None:
    """With its words."""
    listed = (await talk("graph list")).blocks[0].table
    counted = (await talk("count by unit", table=listed)).blocks[0].table
    said = await talk("graph", table=counted)

    assert said.state == "SUCCEEDED", said.blocks
    assert "Bars of count: /s 3" in said.blocks[1].chart.alt


async def test_a_piped_table_with_times_becomes_lines(talk: Talk) -> None:
    """Each column of numbers is one."""
    rows = [(datetime.fromtimestamp(NOW + i * 60, UTC), i * 10, 5) for i in range(10)]
    said = await talk("graph", table=table(["at", "requests", "errors"], rows).table)

    assert "Requests rose from 0 to 90" in said.blocks[1].chart.alt
    assert "Errors stayed about 5" in said.blocks[1].chart.alt


@pytest.mark.parametrize("line", ["count by version", "top version", "filter a=b", "sort a", "table a"])
async def test_a_table_verb_wants_a_table(talk: Talk, line: str) -> None:
    """It stands behind a pipe."""
    assert (await talk(line)).state in ("NOT_UNDERSTOOD", "FAILED")
