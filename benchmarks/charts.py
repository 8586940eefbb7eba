"""What a chart costs once the painter is warm: 3 lines of 240 points with marks, from values to PNG."""

from __future__ import annotations

import json
import math
import time

from bellboard_graphs import chart
from bellboard_graphs.painter import painter
from bellboard_graphs.series import POINTS, Series
from bellboard_graphs.story import Event

from .figures import Goal, table
from .shipped import Ground

GOAL_MS = 300.0
ROUNDS = 40


async def charts(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """A table of what charts cost, and whether a warm one is quick enough."""
    times = tuple(1_795_000_000.0 + 5 * i for i in range(POINTS))
    lines = [(f"v{n}", "%", Series("", times, tuple(10 + n * math.sin(i / 9) for i in range(POINTS)))) for n in range(3)]
    events = [Event("D1", "deploy", times[60], "shop v2 to prod"), Event("D2", "deploy", times[90], "rolled back")]
    taken = []
    async with painter(60) as brush:
        begun = time.perf_counter()
        await brush.draw(json.dumps(chart.lines("errors", "", lines, events)))
        first = (time.perf_counter() - begun) * 1000
        for _round in range(ROUNDS):
            begun = time.perf_counter()
            await brush.draw(json.dumps(chart.lines("errors", "", lines, events)))
            taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    text = table(["chart", "ms"], [["first, engine and all", f"{first:.0f}"], ["p50", f"{p50:.0f}"], ["p95", f"{p95:.0f}"]])
    return text, [Goal(f"a warm chart in {GOAL_MS:.0f} ms, p95", f"{p95:.0f} ms", p95 <= GOAL_MS)]
