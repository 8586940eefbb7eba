"""What it costs to read a line, and to refuse the worst ones: CPU time, p50 and p99.9."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from functools import partial

from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.contract import Contract
from bellboard.grammar import NotUnderstood, Nowhere, Vocabulary

from .figures import Goal, table
from .shipped import Ground

GOAL_MS = 5.0
ROUNDS = 2000

UNDERSTOOD = {
    "roll": "roll 2d6",
    "meme": 'meme ship-it "a" "b"',
}
REFUSED = {
    "1 MiB of one letter": "x" * 2**20,
    "1 MiB of quotes": 'meme "' * (2**20 // 6),
    "1 MiB of bidi controls": "\u202e" * (2**20 // 3),
    "10,000 arguments": "meme " + "x " * 10_000,
    "4 KiB unknown word": "x" * 4096,
    "4 KiB open quote": 'meme ship-it "' + "\\" * 4000,
    "4 KiB quotes within a word": "meme ship-it " + "a" + '"' * 4000,
    "4 KiB of marks": "meme e" + "\u0301" * 2000,
    "4 KiB of Cyrillic and one Latin letter": "meme " + "ж" * 2000 + "a",
    "4 KiB of curly quotes": "meme ship-it " + "“" * 1300,
    "4 KiB of open angles": "meme ship-it " + " <@" * 60 + "<" * 3800,
    "4 KiB of marked hosts": "roll " + "<http://a|a>." * 300,
    "64 flags": "meme ship-it " + "--onn " * 60,
    "64 near words": "mem lis " * 32,
    "a zero-width space": "meme ship-it a\u200bb",
}


def measure(run: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of CPU: the median, and the 99.9th percentile."""
    run()
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time_ns()
        run()
        taken.append(time.thread_time_ns() - start)
    taken.sort()
    return taken[len(taken) // 2] / 1e6, taken[int(len(taken) * 0.999)] / 1e6


async def refusals(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """A table of what lines cost, and whether every refusal is cheap enough."""
    return await asyncio.to_thread(_measure)


def _measure() -> tuple[str, list[Goal]]:
    services = memes_pb2.DESCRIPTOR.services_by_name["MemesService"], house_pb2.DESCRIPTOR.services_by_name["HouseService"]
    vocabulary, scope, worst = Vocabulary(Contract.of(service, "1") for service in services), Nowhere(), 0.0
    gc.freeze()
    rows = []
    for name, line in UNDERSTOOD.items():
        p50, tail = measure(partial(vocabulary.parse, line, scope))
        rows.append((f"understood: {name}", f"{p50:.3f}", f"{tail:.3f}"))
    for name, line in REFUSED.items():
        p50, tail = measure(partial(_refuse, vocabulary, line, scope))
        worst = max(worst, tail)
        rows.append((f"refused: {name}", f"{p50:.3f}", f"{tail:.3f}"))
    goal = Goal(f"a refusal costs ≤ {GOAL_MS:.0f} ms of CPU at p99.9", f"{worst:.2f} ms", worst <= GOAL_MS)
    return table(["line", "CPU p50 ms", "p99.9 ms"], rows), [goal]


def _refuse(vocabulary: Vocabulary, line: str, scope: Nowhere) -> None:
    try:
        vocabulary.parse(line, scope)
    except NotUnderstood:
        return
    raise AssertionError(f"{line[:40]} was understood")
