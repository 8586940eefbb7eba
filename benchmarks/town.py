"""The sandbox: how soon it is ready, what it holds, and what it takes while nobody deploys."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bellboard_cli.town import MODULE

from .figures import RUNS, Goal, middle, table, used
from .shipped import Ground

START, MEMORY, SHARE = 2.0, 120.0, 0.1
"""The goals: seconds, MB in all, and the share of a core with its usual customers."""

SETTLES = 3.0


async def town(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """A few starts, each in a folder of its own."""
    seen = [await asyncio.to_thread(_measure, seconds) for _ in range(RUNS)]
    start, memory, share = (middle(column) for column in zip(*seen, strict=True))
    rows = [
        ("`python -m bellboard_sandbox.town`, until it is ready", f"{start:.2f} s"),
        ("memory of all its processes, what they share counted once", f"{memory:.0f} MB"),
        ("of a core, with its usual customers", f"{share:.1%}"),
    ]
    goals = [
        Goal(f"the sandbox is ready in {START:.0f} s", f"{start:.2f} s", start <= START),
        Goal(f"it holds less than {MEMORY:.0f} MB", f"{memory:.0f} MB", memory < MEMORY),
        Goal(f"it takes less than {SHARE:.0%} of a core when idle", f"{share:.1%}", share < SHARE),
    ]
    return table(["", "median"], rows), goals


def _measure(seconds: float) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(prefix="bell-town-") as folder:
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", MODULE, "--dir", folder], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert "ready" in process.stdout.readline()
            taken = time.perf_counter() - begun
            time.sleep(SETTLES)
            pids = _tree(process.pid)
            before = sum(map(used, pids))
            time.sleep(seconds)
            return taken, sum(map(_share_of_memory, pids)), (sum(map(used, pids)) - before) / seconds
        finally:
            process.terminate()
            process.communicate()


def _tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    return [pid, *(below for child in children for below in _tree(child))]


def _share_of_memory(pid: int) -> float:
    """The memory of a process in MB, of what it shares with others its share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
