"""The chart of a rollout: what stands in it, and how small it stays."""

from __future__ import annotations

import json
import math
from typing import Any

from bellboard.keep.memory import MemoryKeep
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.place import Place, Places
from bellboard_deploy.providers import Environment
from bellboard_deploy.trend import POINTS, Trend, chart
from bellboard_deploy.watch import Watch

BEGAN = 1_763_800_000.0


def place(previous: str = "v1", gates: tuple[str, ...] = ("errors<5%",)) -> Place:
    """A rollout that gave v2 a tenth of the traffic after 2 seconds, and took it back after 60."""
    story = ((BEGAN + 2, "10 % of the traffic to v2"), (BEGAN + 60, "100 % of the traffic to v1"))
    return Place(
        command="c", app="shop", env="prod", person="ann", version="v2", digest="d", commit="", previous=previous,
        previous_digest="e", count=2, stages=(10, 100), soak=30.0, gates=gates, began=BEGAN, story=story,
    )  # fmt: skip


def trend(seconds: int) -> Trend:
    """Both versions each second: v1 fails little, v2 fails a fifth for one second, and is not known at first."""
    kept = Trend()
    for i in range(seconds):
        kept.add("v1", BEGAN + i, 0.5)
        kept.add("v2", BEGAN + i, math.nan if i < 3 else 20.0 if i == 33 else 1.0)
    return kept


def spec_of(seconds: int, rollout: Place | None = None) -> dict[str, Any]:
    """The specification of a rollout's chart."""
    (block,) = chart(rollout or place(), trend(seconds))
    spec: dict[str, Any] = json.loads(block.chart.spec)
    return spec


def test_a_long_rollout_stays_small_and_whole() -> None:
    """It begins where the rollout began, ends where it ended, and keeps its worst moment in a few kilobytes."""
    kept = trend(3600)
    points = kept.of("v2")
    assert POINTS / 2 <= len(points) <= POINTS
    assert points[0][0] == BEGAN
    assert points[-1][0] > BEGAN + 3300
    assert max(kept.values("v2")) == 20.0
    assert kept.last == {"v1": 0.5, "v2": 1.0}
    assert len(chart(place(), kept)[0].chart.spec) < 8_000


def test_its_words_say_what_the_lines_do() -> None:
    """Where each version is, how bad it was, and the limit."""
    (block,) = chart(place(), trend(60))
    assert block.chart.alt == "Errors of shop in prod: v1 0.5 %, at most 0.5 %; v2 1 %, at most 20 %; limit 5 %."
    assert not block.chart.HasField("picture")


def test_the_limit_and_the_shares_are_marked() -> None:
    """The gate's limit with its number; each share when it began, and the way back."""
    data = spec_of(100)["datasets"]
    assert data["limit"] == [{"limit": 5.0, "name": "limit 5 %"}]
    assert [row["name"] for row in data["shares"]] == ["10 %", "back"]
    assert spec_of(100, place(gates=("p95<300ms",)))["datasets"]["limit"] == []


def test_what_is_not_known_is_a_gap() -> None:
    """Not a zero."""
    rows = [row for row in spec_of(10)["datasets"]["rows"] if row["n"] == "new"]
    assert [row["v"] for row in rows[:4]] == [None, None, None, 1.0]


def test_names_are_data_and_nothing_else() -> None:
    """Whatever a version is called."""
    spec = spec_of(10)
    del spec["datasets"]
    assert "v1" not in json.dumps(spec)
    assert not {"expr", "signal", "url"} & set(json.dumps(spec).split('"'))


def test_what_is_written_down_is_read_again() -> None:
    """Gaps, and how coarse it is by now, included."""
    kept = trend(300)
    kept.add("v2", BEGAN + 300, math.nan)
    again = Trend.load(kept.dump())
    for one in (kept, again):
        one.add("v2", BEGAN + 301, 2.0)
        one.add("v2", BEGAN + 340, 3.0)
    assert chart(place(), again) == chart(place(), kept)


async def test_whoever_takes_over_goes_on_with_the_chart(town: PaperTown) -> None:
    """What the worker before saw is on it, from the beginning."""
    places, rollout = Places(MemoryKeep()), place()
    env = Environment("prod", deployer=town, balancer=town, gauges=town)
    await Watch(env, places).look(rollout)
    after = Watch(env, places)
    await after.look(rollout)

    (block,) = after.chart(rollout)
    assert len([row for row in json.loads(block.chart.spec)["datasets"]["rows"] if row["n"] == "old"]) == 2


def test_without_a_value_there_is_no_chart() -> None:
    """An empty one would say that all is well; one version alone is drawn."""
    assert chart(place(), Trend()) == []
    assert chart(place(), trend(2))[0].chart.alt.startswith("Errors of shop in prod: v1 0.5 %")
    assert chart(place(previous=""), trend(2)) == []
