"""Forty teams of five bots each, installed in a Kubernetes: how long that takes. Prints Markdown, and never fails for it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from time import perf_counter

from benchmarks.chart import TEAMS, values
from benchmarks.figures import machine, table
from tests.cluster import build
from tests.cluster.cluster import start
from tests.cluster.release import Release

GOAL = 120.0
"""Seconds."""


async def forty() -> None:
    """Install them, make their keys, and take them away."""
    with tempfile.TemporaryDirectory(prefix="bellboard-forty-") as folder:
        kubernetes = await start(build.build(), Path(folder))
        assert kubernetes.servers is not None
        print(f"{machine()}; {TEAMS} teams, with pods that are ready at once\n\n{table(['', 'seconds'], [])}", flush=True)
        try:
            release = Release(kubernetes, Path(folder))
            async with release:
                took = await timed("installed, until all pods are ready", release.install(values(), "--timeout=10m"))
                await timed("their keys made", release.provision())
                await timed("once more, with nothing to do", release.provision())
                await timed("uninstalled", release.uninstall())
        finally:
            kubernetes.servers.stop()
    print(f"\nThe goal of {GOAL:g} s for installing them is {'reached' if took < GOAL else 'missed'}.")


async def timed(what: str, work: Awaitable[None]) -> float:
    """Do it, and print how many seconds it took."""
    began = perf_counter()
    await work
    took = perf_counter() - began
    print(f"| {what} | {took:.1f} |", flush=True)
    return took


if __name__ == "__main__":
    asyncio.run(forty())
