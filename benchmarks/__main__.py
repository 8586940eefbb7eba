"""``make bench``: how fast, against what, and how large. Prints Markdown; docs/performance.md keeps what it printed.

It never fails a build: a goal that is missed is printed as missed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from . import alerts, chart, charts, crowd, deploys, fleet, grammar_refusal, logs, path, processes, town
from .figures import Goal, machine, table
from .shipped import Ground

SECONDS, QUICK = 4.0, 1.0
"""How long each part of a run takes."""

Part = Callable[[Ground, float], Awaitable[tuple[str, list[Goal]]]]
PARTS: dict[str, Part] = {
    "path": path.compare,
    "crowd": crowd.crowd,
    "processes": processes.processes,
    "grammar": grammar_refusal.refusals,
    "charts": charts.charts,
    "logs": logs.searches,
    "deploys": deploys.deploys,
    "alerts": alerts.alerts,
    "fleet": fleet.fleet,
    "chart": chart.chart,
    "town": town.town,
}
TITLES = {
    "path": "A READ from line to card",
    "crowd": "Fifty at once",
    "processes": "Memory and start",
    "grammar": "Reading lines, and refusing them",
    "charts": "Charts",
    "logs": "Logs",
    "deploys": "Deploys",
    "alerts": "A storm of alerts",
    "fleet": "Two hundred bots",
    "chart": "Forty teams in a chart",
    "town": "The sandbox",
}


async def bench(wanted: list[str], seconds: float, profiled: bool) -> None:
    """Measure the wanted parts on one bus, and print them."""
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine()}\n", flush=True)
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="bellboard-bench-") as folder:
        async with AsyncExitStack() as stack:
            ground = Ground(Path(folder))
            await ground.start(stack)
            for name in wanted:
                text, reached = await PARTS[name](ground, seconds)
                print(f"### {TITLES[name]}\n\n{text}\n", flush=True)
                goals += reached
            if profiled:
                print(f"### Where the time goes\n\n{await path.profile(ground, seconds, Path(folder))}\n")
    print("### Goals\n\n" + table(["goal", "reached", ""], [goal.row() for goal in goals]))


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="short runs; the figures are rough")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="measure this alone; may be given again")
    parser.add_argument("--profile", action="store_true", help="also show where the time goes")
    options = parser.parse_args()
    wanted = [name for name in PARTS if not options.only or name in options.only]
    uvloop.run(bench(wanted, QUICK if options.quick else SECONDS, options.profile))
    return 0


if __name__ == "__main__":
    sys.exit(main())
