"""Charts as specifications: what stands in them, and what can't get into them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bellboard_graphs import chart
from bellboard_graphs.series import Series, step_for
from bellboard_graphs.story import Event

TIMES = tuple(float(1_795_000_000 + 5 * i) for i in range(20))
RISING = Series("", TIMES, tuple(float(i) for i in range(20)))
NASTY = (
    '"}],"signals":[{"name":"a","update":"1"}]',
    "datum.v > 0 ? alert(1) : 0",
    "{'signal': 'width'}",
    "it's \"quoted\" \\ and \\' again",
    "a[b].c\n\\u0000\x00",
    "https://example.org/x.json",
    "<script>alert(1)</script>",
    "\u202eabc\u2066",
)


def drawn(name: str, title: str = "errors of shop", event: str = "shop v2") -> chart.Spec:
    """A chart with two lines and a mark."""
    lines = [(name, "%", RISING), ("other", "%", RISING)]
    return chart.lines(title, "10:00-10:15 UTC", lines, [Event("D142", "deploy", TIMES[5], event)])


def without_data(spec: chart.Spec) -> Any:
    """A specification without its data and title: all that Vega interprets."""
    return {**spec, "datasets": sorted(spec["datasets"]), "title": None}


def strings(value: Any) -> list[str]:
    """Every text in a value, keys too."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in (key, *strings(inner))]
    if isinstance(value, list | tuple):
        return [found for inner in value for found in strings(inner)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(st.one_of(st.text(max_size=60), st.sampled_from(NASTY)))
def test_what_people_typed_is_data_and_nothing_else(words: str) -> None:
    """Whatever the words are, everything that is interpreted is the same as for harmless ones."""
    spec = drawn(words, title=words, event=words)

    assert without_data(spec) == without_data(drawn("v2"))
    assert json.loads(json.dumps(spec)) == spec
    assert without_data(chart.bars(words, [(words, 1.0)], "")) == without_data(chart.bars("x", [("y", 1.0)], ""))


def test_no_specification_holds_an_expression_or_an_address_to_fetch() -> None:
    """No signal, no expression, no filter, no transform, no url."""
    for spec in (drawn("v2"), chart.bars("x", [("y", 1.0)], "s")):
        keys = {key.lower() for key in strings(without_data(spec))}
        assert keys.isdisjoint({"expr", "signal", "transform", "url", "href", "calculate", "test", "labelexpr", "params"})


def test_a_title_is_one_short_line() -> None:
    """Control characters and line ends become spaces."""
    spec = drawn("v2", title="a\n\x00b" + "c" * 100)

    assert spec["title"]["text"] == ["a b" + "c" * 36 + "…"]


def luminance(colour: str) -> float:
    """How bright a colour is, by the rule of WCAG."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str) -> float:
    """How far a colour stands out from the ground."""
    return (luminance(chart.GROUND) + 0.05) / (luminance(colour) + 0.05)


@pytest.mark.parametrize("colour", chart.COLOURS)
def test_lines_stand_out_from_the_ground(colour: str) -> None:
    """3 to 1, as WCAG asks of graphics."""
    assert contrast(colour) >= 3


@pytest.mark.parametrize("colour", [chart.INK, chart.QUIET, *chart.EVENT_COLOURS.values()])
def test_words_stand_out_from_the_ground(colour: str) -> None:
    """4.5 to 1, as WCAG asks of text; the ground is the chart's own, so that holds in dark rooms too."""
    assert contrast(colour) >= 4.5


def test_lines_are_told_apart_without_colours() -> None:
    """No two of them have the same colour and dashes, and neighbours differ in dashes."""
    spec = chart.lines("t", "", [(f"v{i}", "%", RISING) for i in range(chart.MOST_LINES)], ())
    marks = [layer["mark"] for layer in spec["vconcat"][0]["layer"] if layer["mark"]["type"] == "line"]
    looks = [(mark["color"], tuple(mark["strokeDash"])) for mark in marks]

    assert len(set(looks)) == chart.MOST_LINES
    assert all(a[1] != b[1] for a, b in pairwise(looks))


def test_names_stand_beside_their_lines_and_apart() -> None:
    """Two lines that end at the same value have two names, one above the other."""
    ends = drawn("v2")["datasets"]["ends0"]

    assert {row["name"] for row in ends} == {"v2", "other"}
    assert abs(ends[0]["at"] - ends[1]["at"]) > 0.5


def test_each_unit_has_a_panel() -> None:
    """Percent and seconds share no axis; seconds below one are milliseconds."""
    quick = Series("", TIMES, tuple(0.05 for _ in TIMES))
    spec = chart.lines("t", "", [("errors", "%", RISING), ("latency", "s", quick)], ())

    assert len(spec["vconcat"]) == 2
    assert spec["datasets"]["line1"][0]["v"] == pytest.approx(50)


@pytest.mark.parametrize(("values", "top"), [((0.0, 100.0), 100), ((0.0, 98.0), 100), ((0.0, 50.0), 60), ((0.0, 150.0), 180)])
def test_percents_end_at_100_unless_there_are_more(values: tuple[float, float], top: float) -> None:
    """The room that is left for the names of marks would end at 120."""
    marks = [Event("D1", "deploy", 1.0, "shop v2")]
    (panel,) = chart.lines("", "", [("errors", "%", Series("", (0.0, 60.0), values))], marks)["vconcat"]
    (line,) = (layer for layer in panel["layer"] if layer["data"]["name"] == "line0")
    assert line["encoding"]["y"]["scale"]["domain"] == pytest.approx([0, top])


def test_clocks_have_24_hours() -> None:
    """Ten in the evening is 22:00, as in the words above the chart."""
    formats = drawn("a")["vconcat"][0]["encoding"]["x"]["axis"]["format"]

    assert formats["hours"] == formats["minutes"] == "%H:%M"


def test_marks_are_drawn_where_they_were() -> None:
    """Each with its id; those outside of the chart are not."""
    outside = Event("D1", "deploy", TIMES[0] - 100, "before")
    spec = chart.lines("t", "", [("a", "%", RISING)], [outside, Event("K9", "lock", TIMES[5], "prod locked")])

    (row,) = spec["datasets"]["events"]
    assert (row["t"], row["name"], row["c"]) == (TIMES[5] * 1000, "K9 prod locked", chart.EVENT_COLOURS["lock"])


@pytest.mark.parametrize(("span", "step"), [(60, 1), (900, 5), (7200, 30), (86400, 600), (7 * 86400, 3600)])
def test_steps_are_round(span: float, step: float) -> None:
    """And no line has more than a few hundred points."""
    assert step_for(span) == step
