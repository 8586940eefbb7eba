"""How large the processes are, and how long things take to start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from .figures import RUNS, Goal, middle, resident, table
from .shipped import Ground

SECOND_START = 4.0
"""Seconds within which a second `bell up` is to be ready."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""A second start finds its modules compiled, as it does everywhere else."""

BELL = [sys.executable, "-m", "bellboard_cli"]


async def processes(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """`bell up` in a folder of its own: the first start, later ones, `bell say`, and the memory of each process."""
    return await asyncio.to_thread(_measure)


def _measure() -> tuple[str, list[Goal]]:
    with tempfile.TemporaryDirectory(prefix="bellboard-bench-") as folder:
        data = Path(folder) / "data"
        first, _ = _up(data)
        later: list[float] = []
        said: list[float] = []
        sizes: dict[str, float] = {}
        for number in range(RUNS):
            taken, seen = _up(data, talk=number == RUNS - 1)
            later.append(taken)
            sizes, said = seen.get("sizes", sizes), seen.get("said", said)
    rows: list[tuple[str, str]] = [("`bell up`, the first time, until ready", f"{first:.2f} s")]
    rows += [("`bell up`, later", f"{middle(later):.2f} s")]
    rows += [('`bell say "roll 2d6"`, all of it', f"{middle(said) * 1e3:.0f} ms")]
    for module in ("bellboard", "bellboard_cli.say", "bellboard_gateway.main"):
        rows.append((f"`import {module}`", f"{middle(_import(module) for _ in range(RUNS)) * 1e3:.0f} ms"))
    rows += [(f"memory of {name}, after 20 commands", f"{size:.0f} MB") for name, size in sizes.items()]
    goal = Goal(f"a second start is ready in {SECOND_START:.0f} s", f"{middle(later):.2f} s", middle(later) <= SECOND_START)
    return table(["", "median"], rows), [goal]


def _up(data: Path, *, talk: bool = False) -> tuple[float, dict[str, Any]]:
    begun, seen = time.perf_counter(), {}
    process = subprocess.Popen(
        [*BELL, "up", "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("ready "):
                break
        else:
            raise RuntimeError("".join(told))
        taken = time.perf_counter() - begun
        if talk:
            seen = {"said": [_say(data) for _ in range(20)], "sizes": _sizes(data, process.pid)}
        return taken, seen
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _say(data: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [*BELL, "say", "--data", str(data), "roll 2d6"],
        check=True,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


def _sizes(data: Path, supervisor: int) -> dict[str, float]:
    running = orjson.loads((data / "run.json").read_bytes())["processes"]
    return {"bell up": resident(supervisor)} | {one["name"]: resident(one["pid"]) for one in running}


def _import(module: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=ENVIRONMENT)
    return time.perf_counter() - begun
