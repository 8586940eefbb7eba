"""``python -m tests.chaos.cluster [--seed N] [--commands 1000] [--faults 60]``: exit 0 if every promise held."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys

from bellboard.telemetry import logs

from .ground import run


def main() -> int:
    """Parse the command line and run."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.cluster", description=__doc__)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="replays a run")
    asked.add_argument("--commands", type=int, default=1000)
    asked.add_argument("--faults", type=int, default=60, help="of all kinds")
    asked.add_argument("--rate", type=float, default=1.0, help="commands a second")
    given = asked.parse_args()
    logs.configure("chaos", logging.CRITICAL)
    print(f"seed {given.seed}", flush=True)
    report = asyncio.run(run(given.commands, given.faults, given.rate, given.seed))
    for title, figure in report.figures.items():
        print(f"{title}: {figure}")
    for broken in report.broken:
        print(f"BROKEN: {broken}")
    print("every promise held" if not report.broken else f"{len(report.broken)} promises broken")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
