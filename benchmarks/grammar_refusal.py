"""What it costs to read a line, and to refuse the worst ones: CPU time, p50 and p99.9.

Goal: a refusal costs at most 5 ms of CPU at p99.9. Run: ``python benchmarks/grammar_refusal.py``; exits 1 if it is missed.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.contract import Contract
from bellboard.grammar import NotUnderstood, Nowhere, Vocabulary

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


def main() -> int:
    """Print a table; 1 if a refusal is too dear."""
    services = memes_pb2.DESCRIPTOR.services_by_name["MemesService"], house_pb2.DESCRIPTOR.services_by_name["HouseService"]
    vocabulary, scope, worst = Vocabulary(Contract.of(service, "1") for service in services), Nowhere(), 0.0
    gc.freeze()
    print(f"{'line':45} {'p50 ms':>9} {'p99.9 ms':>9}")
    for name, line in UNDERSTOOD.items():
        p50, tail = measure(lambda line=line: vocabulary.parse(line, scope))  # type: ignore[misc]
        print(f"{name:45} {p50:9.3f} {tail:9.3f}")
    for name, line in REFUSED.items():

        def refuse(line: str = line) -> None:
            try:
                vocabulary.parse(line, scope)
            except NotUnderstood:
                return
            raise AssertionError(f"{line[:40]} was understood")

        p50, tail = measure(refuse)
        worst = max(worst, tail)
        print(f"{name:45} {p50:9.3f} {tail:9.3f}")
    print(f"worst refusal {worst:.3f} ms at p99.9; goal {GOAL_MS} ms: {'met' if worst <= GOAL_MS else 'MISSED'}")
    return 0 if worst <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
