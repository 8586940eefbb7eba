"""The way of a READ, from line to card, against raw nats-py on the same server; and what tracing adds to it."""

from __future__ import annotations

import asyncio
import cProfile
import io
import itertools
import pstats
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .figures import RUNS, Goal, middle, percentile, table, used
from .raw import Raw
from .shipped import Ground, shipped

IN_FLIGHT = 64
LINES = 25
"""Functions shown of a profile."""

_numbers = itertools.count()


@dataclass(slots=True)
class Series:
    """What was measured of one way, run by run. Latencies in seconds, rates in commands a second, CPU in seconds a command."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def row(self, name: str) -> tuple[str, ...]:
        p50, p99, rate, writes = (middle(values) for values in (self.p50, self.p99, self.rate, self.writes))
        return name, f"{p50 * 1e3:.2f}", f"{p99 * 1e3:.2f}", f"{rate:.0f}", f"{writes:.2f}"


class Way(Protocol):
    """A way that a command can go."""

    @property
    def pids(self) -> Mapping[str, int]: ...

    async def once(self, number: int) -> float:
        """Go it once; the seconds that it took."""

    async def written(self) -> int:
        """The messages stored so far."""


async def measure(series: Series, way: Way, seconds: float) -> None:
    """One run: warm up, one in flight, then `IN_FLIGHT` of them."""
    await asyncio.gather(*(way.once(next(_numbers)) for _ in range(IN_FLIGHT)))
    before, done = await way.written(), 0
    taken, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        taken.append(await way.once(next(_numbers)))
    used_before = {name: used(pid) for name, pid in way.pids.items()}
    begun, until = time.perf_counter(), time.perf_counter() + seconds

    async def one_after_another() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await way.once(next(_numbers))
            done += 1

    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
    series.rate.append(done / (time.perf_counter() - begun))
    for name, pid in way.pids.items():
        series.cpu.setdefault(name, []).append((used(pid) - used_before[name]) / done)
    series.p50.append(percentile(taken, 0.5))
    series.p99.append(percentile(taken, 0.99))
    series.writes.append((await way.written() - before) / (len(taken) + done))


async def compare(ground: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """Raw, as shipped, and as shipped but untraced, in turn."""
    raw, traced, untraced = Series(), Series(), Series()
    async with AsyncExitStack() as stack:
        floor = Raw(ground.server.url, ground.raw_seed, ground.server.pid)
        await floor.start()
        stack.push_async_callback(floor.stop)
        for number in range(RUNS):
            await measure(raw, floor, seconds)
            ways = [(traced, True), (untraced, False)]
            for series, with_traces in ways if number % 2 else reversed(ways):
                async with shipped(ground, traced=with_traces) as mesh:
                    await measure(series, mesh, seconds)
    rows = [raw.row("raw nats-py"), traced.row("READ as shipped"), untraced.row("the same, not traced")]
    processes = ("sender", "worker", "reaper", "nats-server")
    costs = [
        (name, *(f"{middle(series.cpu.get(part, ())) * 1e3:.2f}" for part in processes))
        for name, series in (("raw nats-py", raw), ("READ as shipped", traced), ("the same, not traced", untraced))
    ]
    heads = ["", "p50 ms, 1 in flight", "p99 ms", f"per second, {IN_FLIGHT} in flight", "synced writes each"]
    cost_heads = ["CPU ms a command", "sender", "worker", "reaper", "nats-server"]
    return f"{table(heads, rows)}\n\n{table(cost_heads, costs)}", _goals(raw, traced, untraced)


def _goals(raw: Series, traced: Series, untraced: Series) -> list[Goal]:
    slower, share = middle(traced.p50) / middle(raw.p50), middle(traced.rate) / middle(raw.rate)
    lost, longer = 1 - middle(traced.rate) / middle(untraced.rate), middle(traced.p50) / middle(untraced.p50) - 1
    writes = middle(traced.writes)
    return [
        Goal("p50 of a READ ≤ 3 × raw", f"{slower:.2f} ×", slower <= 3),
        Goal(f"throughput ≥ 30 % of raw at {IN_FLIGHT} in flight", f"{share:.0%}", share >= 0.3),
        Goal("at most two synced writes", f"{writes:.2f}", writes <= 2.005),
        Goal("tracing costs ≤ 25 %", f"{lost:.0%} of throughput, {longer:.0%} of p50", max(lost, longer) <= 0.25),
    ]


async def profile(ground: Ground, seconds: float, folder: Path) -> str:
    """Where the time goes at `IN_FLIGHT`, in the gateway and in the bot."""
    path = folder / "practice.prof"
    profiler = cProfile.Profile()
    async with shipped(ground, profile=path) as mesh:
        await asyncio.gather(*(mesh.once(next(_numbers)) for _ in range(IN_FLIGHT)))
        profiler.enable()
        await measure(Series(), mesh, seconds)
        profiler.disable()
    return f"The gateway:\n\n{_top(pstats.Stats(profiler))}\n\nThe bot:\n\n{_top(pstats.Stats(str(path)))}"


def _top(stats: pstats.Stats) -> str:
    out = io.StringIO()
    stats.stream = out  # type: ignore[attr-defined]
    stats.strip_dirs().sort_stats("tottime").print_stats(LINES)
    lines = out.getvalue().splitlines()
    return "```\n" + "\n".join(line for line in lines[lines.index(next(x for x in lines if "ncalls" in x)) :] if line) + "\n```"
