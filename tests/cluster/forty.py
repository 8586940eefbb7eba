"""Forty teams of five bots each, installed in a Kubernetes: how long that takes. Prints Markdown, and never fails for it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from time import perf_counter

from bellboard.kube import EVERYWHERE, connect, kinds
from benchmarks.chart import TEAMS, values
from benchmarks.figures import machine, table
from tests.chart.render import RELEASE
from tests.cluster import build
from tests.cluster.cluster import start
from tests.cluster.release import Release

GOAL = 120.0
"""Seconds until all pods are ready, which here run at once."""


async def forty() -> None:
    """Install them, make their keys, and take them away."""
    with tempfile.TemporaryDirectory(prefix="bellboard-forty-") as folder:
        kubernetes = await start(build.build(), Path(folder))
        assert kubernetes.servers is not None
        try:
            took = {}
            async with Release(kubernetes, Path(folder)) as release:
                for what, work in (
                    ("installed, all pods ready", release.install(values(), "--timeout=10m")),
                    ("keys made", release.provision()),
                    ("once more, nothing to do", release.provision()),
                ):
                    began = perf_counter()
                    await work
                    took[what] = perf_counter() - began
                async with connect(kubernetes.admin) as cluster:
                    ours = {"app.kubernetes.io/instance": RELEASE}
                    pods = len(await cluster.own.list(kinds.Pod, namespace=EVERYWHERE, labels=ours))
                began = perf_counter()
            took["uninstalled, all namespaces gone"] = perf_counter() - began
        finally:
            kubernetes.servers.stop()
    print(f"{machine()}; {TEAMS} teams, {pods} pods that start at once\n")
    print(table(["", "seconds"], [(what, f"{seconds:.1f}") for what, seconds in took.items()]))
    reached = "reached" if took["installed, all pods ready"] < GOAL else "missed"
    print(f"\nThe goal of {GOAL:g} s for installing them is {reached}.")


if __name__ == "__main__":
    asyncio.run(forty())
