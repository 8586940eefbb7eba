"""``python -m tests.chaos.restores [--seed N] [--losses 100]``: exit 0 if every loss was noticed, and nothing ran twice."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys

from bellboard.telemetry import logs

from .ground import KINDS, Ground, ground


async def run(here: Ground, losses: int) -> list[str]:
    """Lose history so often, each time in another way; what did not hold, in words."""
    bot = await here.new_bot()
    for number in range(losses):
        await here.work(here.dice.randrange(1, 6))
        await here.copy()
        await here.work(here.dice.randrange(1, 6))
        bot = await here.lose(KINDS[number % len(KINDS)], bot)
        bot = await here.accepted(bot)
        if number % 10 == 9:
            print(f"{number + 1} losses", flush=True)
    await here.gate.final(await here.gate.accept("practice look last"))
    return [*here.unnoticed, *(f"{id} ran twice" for id in here.twice())]


async def _run(losses: int, seed: int) -> list[str]:
    async with ground(seed) as here:
        wrong = await run(here, losses)
        print(f"losses: {dict(here.kinds)}, commands that must not run twice: {len(here.fired)}", flush=True)
        return wrong


def main() -> int:
    """Parse the command line and run."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.restores", description=__doc__)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="replays a run")
    asked.add_argument("--losses", type=int, default=100)
    given = asked.parse_args()
    logs.configure("chaos", logging.CRITICAL)
    print(f"seed {given.seed}", flush=True)
    wrong = asyncio.run(_run(given.losses, given.seed))
    for what in wrong:
        print(f"BROKEN: {what}")
    print("every loss was noticed, and nothing ran twice" if not wrong else f"{len(wrong)} promises broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
