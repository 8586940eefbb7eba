"""Forty teams of five bots each: how long Helm takes to render them, and how much it is."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from .figures import RUNS, Goal, middle, table
from .shipped import Ground

TEAMS = 40
LEFT_OUT = "incidents"
"""Of the six bots that a team has if it says nothing; five are left."""

GOAL = 5.0
"""Seconds."""

ROOT = Path(__file__).parents[1]


def values() -> dict[str, Any]:
    """What is said of them to Helm."""
    people = {"ann": {"groups": ["owners"]}}
    teams = {f"team-{number:02}": {"people": people, "bots": {LEFT_OUT: {"enabled": False}}} for number in range(TEAMS)}
    return {"domain": "bells.example.com", "nats": {"storage": {"size": "240Gi"}}, "teams": teams}


async def chart(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """Render it some times."""
    with TemporaryDirectory(prefix="bellboard-chart-") as folder:
        file = Path(folder) / "values.json"
        file.write_text(json.dumps(values()))
        command = [await asyncio.to_thread(_helm), "template", "bellboard", "helm/bellboard", "--values", str(file)]
        took, made = [], b""
        for _run in range(RUNS if seconds > 1 else 1):
            began = perf_counter()
            done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, check=True)
            took.append(perf_counter() - began)
            made = done.stdout
    objects = made.count(b"\nkind: ")
    packed = len(gzip.compress(made))
    rows = [(f"{middle(took):.2f} s", objects, f"{len(made) / 1e6:.1f} MB", f"{packed / 1e3:.0f} kB")]
    text = table([f"{TEAMS} teams of five bots: rendered in", "objects", "manifests", "as Helm keeps them"], rows)
    goal = f"{TEAMS} teams of five bots are rendered in less than {GOAL:g} s"
    return text, [Goal(goal, f"{middle(took):.2f} s", middle(took) < GOAL)]


def _helm() -> str:
    """The program, fetched if it is not here."""
    tools = [sys.executable, "-m", "tests.chart.tools"]
    return subprocess.run(tools, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() + "/helm"
