"""Charts as Vega-Lite specifications, built by hand: what people typed is only ever data in them, never an expression.

One look for dark and light rooms: a chart has its own pale ground, since a picture can't know what it will lie on. Lines are
told apart by colour, by dashes, and by their names beside them. The colours are those of Okabe and Ito that are dark enough
for a line on that ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .figures import scale_of
from .series import Series
from .story import Event

WIDTH, HEIGHT = 800, 320
GROUND, INK, QUIET, GRID = "#fcfcfa", "#1f2328", "#57606a", "#e4e4e0"
COLOURS = ("#0072b2", "#d55e00", "#00805c", "#b04c88", "#000000")
DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 4))
EVENT_COLOURS = {"deploy": "#1f2328", "lock": "#8a5a00", "incident": "#b3261e"}
MOST_LINES, MOST_EVENTS, MOST_BARS = 8, 12, 30
FEW = 12
"""Up to so many points each is drawn."""
LONGEST = 40
"""Characters of a name that are shown."""

Spec = dict[str, Any]
Line = tuple[str, str, Series]
"""What a line is called, its unit, and its values."""


def lines(title: str, subtitle: str, drawn: Sequence[Line], events: Sequence[Event]) -> Spec:
    """A chart of values over time.

    Args:
        drawn: what each line is called, its unit, and its values, at most `MOST_LINES` of them; one panel for each unit.
        events: drawn as labelled vertical lines, at most `MOST_EVENTS` of them.
    """
    units = list(dict.fromkeys(unit for _, unit, _ in drawn))
    times = [at for _, _, line in drawn for at in line.times]
    domain = [min(times, default=0) * 1000, max(times, default=1) * 1000]
    shown = [event for event in events if domain[0] <= event.at * 1000 <= domain[1]][:MOST_EVENTS]
    height = HEIGHT if len(units) == 1 else HEIGHT // 2 + 20
    numbered = list(enumerate(drawn))
    panels = [_panel([one for one in numbered if one[1][1] == unit], unit, shown, domain, height) for unit in units]
    data = {name: rows for _, found in panels for name, rows in found.items()}
    return _whole(title, subtitle, [panel for panel, _ in panels], data)


def bars(title: str, rows: Sequence[tuple[str, float]], unit: str) -> Spec:
    """A chart of names and a number for each, in the order given; at most `MOST_BARS`."""
    size, shown = scale_of(unit, max((abs(value) for _, value in rows), default=0.0))
    data = [{"n": i, "name": _cut(name), "v": value / size} for i, (name, value) in enumerate(rows[:MOST_BARS])]
    y: Spec = {"field": "n", "type": "ordinal", "axis": None}
    tooltip = [{"field": "name", "type": "nominal"}, {"field": "v", "type": "quantitative", "title": shown or "value"}]
    layers = [
        {
            "mark": {"type": "bar", "color": COLOURS[0], "cornerRadiusEnd": 2},
            "encoding": {"x": _bar_axis(), "tooltip": tooltip},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 6, "color": INK},
            "encoding": {"x": _bar_axis(), "text": {"field": "v", "type": "quantitative", "format": ",.4~g"}},
        },
        {
            "mark": {"type": "text", "align": "right", "dx": -8, "x": 0, "color": INK, "limit": 260},
            "encoding": {"text": {"field": "name"}},
        },
    ]
    panel: Spec = {"width": WIDTH - 200, "height": {"step": 26}, "data": {"name": "p0"}, "encoding": {"y": y}, "layer": layers}
    return _whole(title, shown, [panel], {"p0": data})


def _bar_axis() -> Spec:
    return {"field": "v", "type": "quantitative", "axis": {"title": None, "tickCount": 5}, "scale": {"zero": True}}


def _panel(
    drawn: Sequence[tuple[int, Line]], unit: str, events: Sequence[Event], domain: Sequence[float], height: int
) -> tuple[Spec, dict[str, list[Spec]]]:
    """A panel of lines with one unit, each with its number among all; and its data by name."""
    values = [value for _, (_, _, line) in drawn for _, value in line.known]
    size, shown = scale_of(unit, max((abs(value) for value in values), default=0.0))
    low, high = min([0.0, *values]) / size, (max([0.0, *values]) / size) or 1.0
    whole = unit == "%" and high <= 100
    high += (high - low) * (0.2 if events else 0.05)
    high = min(high, 100.0) if whole else high  # there is no 120 % of all requests
    ends = [_end(i, name, line, size) for i, (name, _, line) in drawn if line.known]
    data = {f"line{i}": _points(line, size) for i, (_, _, line) in drawn}
    data |= {f"ends{drawn[0][0]}": _apart(ends, low, high, height), "events": _event_rows(events)}
    axis = {"title": shown or None, "tickCount": 5, "titleAngle": 0, "titleAlign": "left", "titleY": -8, "titleX": 2}
    y = {"type": "quantitative", "scale": {"domain": [low, high], "nice": False}, "axis": axis}
    names: Spec = {
        "data": {"name": f"ends{drawn[0][0]}"},
        "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "fontWeight": 600, "limit": 180},
        "encoding": {"x": {"value": "width"}, "y": {**y, "field": "at"}, "text": {"field": "name"}, "color": _AS_GIVEN},
    }
    time = {"labelOverlap": True, "tickCount": 8, "title": None, "grid": False, "format": _CLOCK}
    x = {"field": "t", "type": "temporal", "scale": {"type": "utc", "domain": list(domain)}, "axis": time}
    layers = [*_EVENT_LAYERS, *(_line(i, len(line.known), y) for i, (_, _, line) in drawn), names]
    return {"width": WIDTH, "height": height, "encoding": {"x": x}, "layer": layers}, data


def _line(number: int, points: int, y: Spec) -> Spec:
    dash = DASHES[(number + number // len(COLOURS)) % len(DASHES)]
    look: Spec = {"strokeWidth": 2, "color": COLOURS[number % len(COLOURS)], "strokeDash": list(dash)}
    mark: Spec = {"type": "line", "invalid": "break-paths-show-domains", "clip": True, **look}
    if points <= FEW:  # a line of one point is none
        mark["point"] = {"size": 20, "color": look["color"]}
    return {"data": {"name": f"line{number}"}, "mark": mark, "encoding": {"y": {**y, "field": "v"}}}


def _points(line: Series, size: float) -> list[Spec]:
    both = zip(line.times, line.values, strict=True)
    return [{"t": round(at * 1000), "v": None if value is None else value / size} for at, value in both]


def _end(number: int, name: str, line: Series, size: float) -> Spec:
    return {"v": line.known[-1][1] / size, "name": _cut(name), "c": COLOURS[number % len(COLOURS)]}


_CLOCK = {"hours": "%H:%M", "minutes": "%H:%M", "seconds": "%H:%M:%S"}
"""Of 24 hours; what is longer stays as it is usual."""

_AS_GIVEN: Spec = {"field": "c", "type": "nominal", "scale": None, "legend": None}
_EVENT_LAYERS: tuple[Spec, ...] = (
    {
        "data": {"name": "events"},
        "mark": {"type": "rule", "strokeDash": [3, 3], "strokeWidth": 1.2},
        "encoding": {"color": _AS_GIVEN},
    },
    {
        "data": {"name": "events"},
        "mark": {"type": "text", "align": "left", "baseline": "top", "dx": 4, "fontSize": 11, "limit": 150},
        "encoding": {
            "color": _AS_GIVEN,
            "text": {"field": "name"},
            "y": {"field": "row", "type": "quantitative", "scale": None, "axis": None},
        },
    },
)


def _event_rows(events: Sequence[Event]) -> list[Spec]:
    """Labels in three rows by turns, so that neighbours don't lie upon each other."""
    return [
        {
            "t": round(event.at * 1000),
            "c": EVENT_COLOURS.get(event.kind, INK),
            "name": _cut(f"{event.id} {event.title}"),
            "row": 2 + i % 3 * 14,
        }
        for i, event in enumerate(events)
    ]


def _apart(ends: list[Spec], low: float, high: float, height: int) -> list[Spec]:
    """Where the names stand: beside the ends of their lines, and at least 14 pixels from each other."""
    gap = (high - low) * 14 / height
    placed: list[Spec] = []
    for end in sorted(ends, key=lambda row: float(row["v"])):
        at = max(end["v"], placed[-1]["at"] + gap) if placed else end["v"]
        placed.append({**end, "at": at})
    over = max(0.0, placed[-1]["at"] - high) if placed else 0.0
    return [{**row, "at": row["at"] - over} for row in placed]


def _cut(name: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _whole(title: str, subtitle: str, panels: Sequence[Spec], data: dict[str, list[Spec]]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": [_cut(title)], "subtitle": [subtitle], "anchor": "start", "offset": 16},
        "background": GROUND,
        "padding": 14,
        "spacing": 26,
        "datasets": data,
        "vconcat": list(panels),
        "config": {
            "font": "DejaVu Sans, Liberation Sans, sans-serif",
            "axis": {"labelColor": QUIET, "titleColor": QUIET, "gridColor": GRID, "domainColor": QUIET, "tickColor": QUIET},
            "title": {"color": INK, "subtitleColor": QUIET, "fontSize": 15},
            "view": {"stroke": None},
            "text": {"fontSize": 12},
        },
    }
