"""``python -m tests.chaos.rollouts [--seed N] [--every 4] [--kind good]``: exit 0 if every promise held."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys

from bellboard.ledger.state import S
from bellboard.telemetry import logs

from .ground import Ground, ground
from .verdict import LINES, judge


async def sweep(here: Ground, kind: str, start: int, every: int) -> tuple[int, int]:
    """Kill at every n-th point of a kind of deploy until it ends before it dies; how many died, and how many broke."""
    deaths, broken, at = 0, 0, start
    while True:
        life = await here.live(LINES[kind], str(at))
        if wrong := judge(kind, life):
            broken += 1
            print(f"BROKEN: {kind}, killed at point {at} ({life.died or 'not at all'}): {'; '.join(wrong)}", flush=True)
        if not life.died or life.record.state == S.STATE_UNKNOWN:  # which keeps its turn, so that no other could run
            return deaths, broken
        deaths += 1
        print(f"{kind} {at}: {life.died}", flush=True)
        at += every


async def run(kinds: list[str], seed: int, every: int) -> int:
    """All kinds; how many deploys broke a promise."""
    broken = 0
    async with ground() as here:
        for kind in kinds:
            deaths, wrong = await sweep(here, kind, 1 + seed % every, every)
            broken += wrong
            print(f"{kind}: killed at {deaths} points, {wrong} broke a promise", flush=True)
    return broken


def main() -> int:
    """Parse the command line and run."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.rollouts", description=__doc__)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="replays a run")
    asked.add_argument("--every", type=int, default=4, help="kill at every n-th point; 1 is all of them")
    asked.add_argument("--kind", choices=sorted(LINES), action="append", help="this kind alone; may be given again")
    given = asked.parse_args()
    logs.configure("chaos", logging.WARNING)
    print(f"seed {given.seed}", flush=True)
    broken = asyncio.run(run(given.kind or list(LINES), given.seed, given.every))
    print("every promise held" if not broken else f"{broken} deploys broke a promise")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
