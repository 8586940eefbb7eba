"""Play many histories, or one again: ``python -m tests.chaos.simulator --help``."""

from __future__ import annotations

import argparse
import os
import sys
import time

import bellboard.ledger.work

from .runner import SHARD, Tally, campaign, play, table
from .world import Violation


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.simulator", description="Try to break the ledger.")
    parser.add_argument("--histories", type=int, default=100_000, help="distinct histories to play")
    parser.add_argument("--seed", type=int, default=1, help="what all of it follows from")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shard", type=int, default=SHARD, help="histories to play in one go")
    parser.add_argument("--least", type=int, default=0, help="how often each transition must be taken")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first violation")
    parser.add_argument("--replay", type=int, metavar="HISTORY", help="play one history again, and tell it")
    given = parser.parse_args()
    if given.replay is not None:
        return _replay(given.replay)
    print(f"seed {given.seed}; procedures from {bellboard.ledger.work.__file__}", flush=True)
    begun = time.monotonic()
    tally = campaign(given.seed, given.histories, given.processes, given.keep_going, given.shard)
    _report(tally, time.monotonic() - begun)
    rare = [taken for taken in table() if tally.transitions[taken] < given.least]
    if rare:
        print(f"taken less than {given.least} times: {rare}")
    return 1 if tally.violations or rare else 0


def _report(tally: Tally, took: float) -> None:
    print(f"{len(tally.distinct)} distinct histories of {tally.played}, {tally.events} events, {took:.0f} s")
    for old, new, author in table():
        print(f"{tally.transitions[old, new, author]:>9}  {old} -> {new} by {author}")
    for seed, why in list(tally.violations.items())[:10]:
        print(f"VIOLATION in history {seed}: {why}")
    print(f"{len(tally.violations)} violations")


def _replay(seed: int) -> int:
    try:
        whole = play(seed)
    except Violation as violation:
        print(f"VIOLATION: {violation}")
        return 1
    print("\n".join(whole.sim.events))
    return 0


if __name__ == "__main__":
    sys.exit(main())
