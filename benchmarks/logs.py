"""The embedded store of lines: how fast they go in, and how fast a word is found: ``python -m benchmarks.logs``."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from bellboard import UserError
from bellboard_logs.entries import Entry
from bellboard_logs.ingest.lines import read
from bellboard_logs.query import Query, Regex
from bellboard_logs.store import Stored, Writer
from bellboard_logs.store.reader import Reader

from .figures import Goal, table
from .shipped import Ground

BATCH = 5_000
SEARCHES = 200
RATE, FIND_MS = 20_000, 50
WORDS = ("mismatch", "order", "get", "cart-123456", "error", "web-1")
_SHAPES = (
    ("info", "order {n} placed by customer {m} for {p} EUR"),
    ("info", "GET /cart/{n} 200 in {m} ms"),
    ("info", "GET /stock/{n} 200 in {m} ms from replica web-{k}"),
    ("debug", "cache hit for key cart-{n}"),
    ("warning", "stock answered late: {m} ms"),
    ("error", "payment token mismatch for order {n}"),
)
_SIGNS = "()[]{}|*+?.\\^$abdwsp0123456789,:<>=!iLN-"
_HOSTILE = ("(a{1,1000}){1,1000}", r"\pL{1000}", r"(\pL{100}){10}", r"(?i)\pL{900}", "(?:a?){500}a{500}", "(x{30}){30}")
_WEIGHTS = (30, 40, 20, 7, 2, 1)


def lines(count: int, start: float) -> list[str]:
    """Lines of a shop as JSON, a tenth of a millisecond apart."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        ((level, shape),) = chance.choices(_SHAPES, _WEIGHTS)
        words = shape.format(n=chance.randrange(10**6), m=chance.randrange(900), p=chance.randrange(200), k=number % 3)
        at = start + number / 10_000
        made.append(
            f'{{"ts":{at:.4f},"level":"{level}","app":"shop","service":"web","version":"v{number % 2 + 1}",'
            f'"replica":"web-{number % 3}","msg":"{words}"}}'
        )
    return made


async def put_in(writer: Writer, texts: list[str]) -> float:
    """Read and store lines as a shipper would send them; lines per second."""
    begun = time.perf_counter()
    waiting: set[asyncio.Task[None]] = set()
    for at in range(0, len(texts), BATCH):
        entries: list[Entry] = [read(text, now=0.0) for text in texts[at : at + BATCH]]
        waiting.add(asyncio.create_task(writer.write(entries)))
        if len(waiting) >= 4:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    return len(texts) / (time.perf_counter() - begun)


async def find(stored: Stored, word: str, start: float, end: float) -> tuple[int, float, float]:
    """How many lines a search counts, and its median and 95th percentile in milliseconds."""
    took, total = [], 0
    for _ in range(SEARCHES):
        begun = time.perf_counter()
        total = (await stored.search(Query("shop", start, end, words=(word,)), limit=1000)).total
        took.append((time.perf_counter() - begun) * 1e3)
    return total, statistics.median(took), sorted(took)[int(0.95 * len(took))]


def refuse(count: int) -> tuple[float, float]:
    """The 99th and 99.9th percentile, in milliseconds, of what it takes to refuse a hostile regular expression."""
    chance = random.Random(1)
    took: list[float] = []
    while len(took) < count:
        text = chance.choice(_HOSTILE) if len(took) % 20 == 0 else "".join(chance.choices(_SIGNS, k=chance.randrange(1, 200)))
        begun = time.perf_counter()
        try:
            Regex(text)
        except UserError:
            took.append((time.perf_counter() - begun) * 1e3)
    took.sort()
    return took[int(0.99 * count)], took[int(0.999 * count)]


async def searches(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """What the store takes and finds, over a million lines; over a tenth of them in a short run."""
    with tempfile.TemporaryDirectory() as folder:
        return await measure(1_000_000 if seconds >= 2.0 else 100_000, Path(folder))


async def measure(count: int, folder: Path) -> tuple[str, list[Goal]]:
    """The figures as tables, and whether they are good enough."""
    start = 1_700_000_000.0
    texts = lines(count, start)
    file = folder / "lines.db"
    async with Writer(file, max_bytes=1 << 40, max_age=float("1e10")) as writer:
        rate = await put_in(writer, texts)
        reader = Reader(file)
        stored = Stored(writer, reader)
        size = file.stat().st_size / 2**20
        found = {word: await find(stored, word, start, start + count) for word in WORDS}
        counted = []
        for what in ("level", "version", "pattern"):
            begun = time.perf_counter()
            await stored.count(Query("shop", start, start + count), what)
            counted.append((f"count by {what}, over all", f"{time.perf_counter() - begun:.2f} s"))
        await reader.close()
    p99, p999 = refuse(10_000)
    rows = [("in", f"{rate:,.0f} lines/s"), (f"{count:,} lines", f"{size:,.0f} MiB"), *counted]
    rows.append(("a hostile regular expression is refused", f"{p99:.1f} ms p99, {p999:.1f} ms p99.9"))
    words = [(word, f"{total:,}", f"{median:.1f}", f"{p95:.1f}") for word, (total, median, p95) in found.items()]
    worst = max(p95 for _, _, p95 in found.values())
    goals = [
        Goal(f"the store of logs takes {RATE:,} lines/s", f"{rate:,.0f}", rate >= RATE),
        Goal(f"a word over {count:,} lines in {FIND_MS} ms, p95", f"{worst:.0f} ms", worst <= FIND_MS),
    ]
    return f"{table(['', 'figure'], rows)}\n\n{table(['word', 'lines', 'median ms', 'p95 ms'], words)}", goals


def main() -> None:
    """Measure by itself, in a folder that goes away."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--lines", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        text, goals = asyncio.run(measure(given.parse_args().lines, Path(folder)))
    print(text + "\n\n" + table(["goal", "reached", ""], [goal.row() for goal in goals]))


if __name__ == "__main__":
    main()
