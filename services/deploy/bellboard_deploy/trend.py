"""The share of failed requests of each version over a whole rollout, in few points; and its chart."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from bellboard import Block
from bellboard.api.chat.v1 import chat_pb2 as chat

from .gates import read_gates
from .place import Place

POINTS = 40
"""As many of each version at most."""

MOST_SHARES = 12
_WIDTH, _HEIGHT = 640, 150
_SHARE = re.compile(r"(\d+) % of the traffic to (.+)")

Spec = dict[str, Any]


class Trend:
    """What each version failed, in percent, from the beginning on. Where there are too many points, each two become one.

    Attributes:
        last: the newest value of each version, as it was given.
    """

    def __init__(self) -> None:
        self._points: dict[str, list[tuple[float, float]]] = {}
        self._step: dict[str, float] = {}
        self.last: dict[str, float] = {}

    def add(self, version: str, at: float, errors: float) -> None:
        """A value at a moment (seconds since 1970); NaN: it is not known. The worse of two close ones is kept."""
        self.last[version] = errors
        points = self._points.setdefault(version, [])
        if points and at - points[-1][0] < self._step.get(version, 0.0):
            points[-1] = (points[-1][0], _worse(points[-1][1], errors))
            return
        points.append((at, errors))
        if len(points) > POINTS:
            pairs = [points[i : i + 2] for i in range(0, len(points), 2)]
            points[:] = [(pair[0][0], _worse(*(value for _, value in pair))) for pair in pairs]
            self._step[version] = (points[-1][0] - points[0][0]) / len(points)

    def dump(self) -> bytes:
        """All of it, for `load`."""
        return orjson.dumps({"points": self._points, "step": self._step})  # NaN is written as null

    @classmethod
    def load(cls, value: bytes) -> Trend:
        """What `dump` gave."""
        said, trend = orjson.loads(value), cls()
        trend._step = said["step"]
        for version, points in said["points"].items():
            trend._points[version] = [(at, math.nan if errors is None else errors) for at, errors in points]
            trend.last[version] = trend._points[version][-1][1]
        return trend

    def of(self, version: str) -> Sequence[tuple[float, float]]:
        """The points of a version, oldest first; none where it was never seen."""
        return self._points.get(version, ())

    def values(self, version: str) -> list[float]:
        """The values of a version, oldest first."""
        return [value for _, value in self.of(version)]


def _worse(*values: float) -> float:
    return max(_known(values), default=math.nan)


def chart(place: Place, trend: Trend) -> list[Block]:
    """The errors of both versions over time, the gate's limit, and when the traffic moved; nothing before there is a value.

    Versions are told apart by colour (the room's palette), by dashes, and by their names beside the lines.
    """
    both = (("old", place.previous), ("new", place.version))
    lines = [(key, name, values) for key, name in both if (values := _known(trend.values(name)))]
    if not lines:
        return []
    limit = next((gate.limit for gate in read_gates(place.gates or ("none",)) if gate.measure == "errors" and gate.below), None)
    spec = _spec(place, trend, [(key, name) for key, name, _ in lines], limit)
    told = [f"{name} {values[-1]:.3g} %, at most {max(values):.3g} %" for _, name, values in lines]
    alt = f"Errors of {place.app} in {place.env}: {'; '.join(told)}" + (f"; limit {limit:g} %." if limit is not None else ".")
    return [Block(chart=chat.Chart(spec=json.dumps(spec, separators=(",", ":")), alt=alt))]


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def _spec(place: Place, trend: Trend, lines: Sequence[tuple[str, str]], limit: float | None) -> Spec:
    known = {key: _known(trend.values(name)) for key, name in lines}
    first, last = _ends([at for _, name in lines for at, _ in trend.of(name)])
    top = max(1.0, *(value for values in known.values() for value in values), *([limit] if limit is not None else []))
    top = min(top * 1.15, 100.0) if top <= 100 else top * 1.15
    rows = [
        {"t": round(at * 1000), "v": None if math.isnan(value) else round(value, 2), "n": key}
        for key, name in lines
        for at, value in trend.of(name)
    ]
    names = _apart([{"at": known[key][-1], "name": name, "n": key} for key, name in lines], top)
    y = {"type": "quantitative", "scale": {"domain": [0, top], "nice": False}, "axis": {"tickCount": 4, "title": "errors %"}}
    x = {"type": "temporal", "scale": {"type": "utc", "domain": [first, last]}, "axis": _TIME, "field": "t"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "datasets": {"rows": rows, "names": names, "shares": _shares(place, first, last), "limit": _limit(limit)},
        "layer": [*_rules(x, y), *_lines(x, y)],
    }


_TIME: Spec = {"title": None, "grid": False, "tickCount": 6, "labelOverlap": True}
_VERSION: Spec = {"field": "n", "type": "nominal", "scale": {"domain": ["old", "new"]}, "legend": None}
_DASH: Spec = {"field": "n", "type": "nominal", "scale": {"domain": ["old", "new"], "range": [[1, 0], [7, 3]]}, "legend": None}


def _lines(x: Spec, y: Spec) -> list[Spec]:
    label = {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "fontWeight": 600, "limit": 120}
    places = {"x": {"value": "width"}, "y": {**y, "field": "at"}, "text": {"field": "name"}, "color": _VERSION}
    line = {"type": "line", "strokeWidth": 2, "clip": True, "invalid": "break-paths-show-domains"}
    return [
        {
            "data": {"name": "rows"},
            "mark": line,
            "encoding": {"x": x, "y": {**y, "field": "v"}, "color": _VERSION, "strokeDash": _DASH},
        },
        {"data": {"name": "names"}, "mark": label, "encoding": places},
    ]


def _rules(x: Spec, y: Spec) -> list[Spec]:
    """The limit across, and upright when the traffic moved; each with its label."""
    limit = {**y, "field": "limit"}
    label: Spec = {"type": "text", "align": "left", "fontSize": 11}
    return [
        {
            "data": {"name": "limit"},
            "mark": {"type": "rule", "strokeDash": [2, 3], "strokeWidth": 1.5},
            "encoding": {"y": limit},
        },
        {
            "data": {"name": "limit"},
            "mark": {**label, "dx": 4, "dy": -6},
            "encoding": {"x": {"value": 0}, "y": limit, "text": {"field": "name"}},
        },
        {"data": {"name": "shares"}, "mark": {"type": "rule", "opacity": 0.5}, "encoding": {"x": x}},
        {
            "data": {"name": "shares"},
            "mark": {**label, "dx": 3, "baseline": "top"},
            "encoding": {"x": x, "y": {"value": 1}, "text": {"field": "name"}},
        },
    ]


def _ends(times: Sequence[float]) -> tuple[int, int]:
    """The first and the last moment, in milliseconds, never the same."""
    first, last = round(min(times) * 1000), round(max(times) * 1000)
    return first, max(last, first + 1000)


def _limit(limit: float | None) -> list[Spec]:
    return [] if limit is None else [{"limit": limit, "name": f"limit {limit:g} %"}]


def _shares(place: Place, first: int, last: int) -> list[Spec]:
    """When the traffic moved, from the story."""
    told = [(round(at * 1000), _SHARE.fullmatch(line)) for at, line in place.story]
    moved = [(at, f"{found[1]} %" if found[2] == place.version else "back") for at, found in told if found]
    return [{"t": at, "name": name} for at, name in moved if first <= at <= last][-MOST_SHARES:]


def _apart(names: list[Spec], top: float) -> list[Spec]:
    """Labels no nearer to each other than they are high."""
    gap, placed = top * 14 / _HEIGHT, list[Spec]()
    for row in sorted(names, key=lambda row: float(row["at"])):
        placed.append({**row, "at": max(row["at"], placed[-1]["at"] + gap) if placed else row["at"]})
    over = max(0.0, placed[-1]["at"] - top)
    return [{**row, "at": row["at"] - over} for row in placed]
