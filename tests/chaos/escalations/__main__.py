"""``python -m tests.chaos.escalations [--seed N] [--count 200] [--blows 120]``: exit 0 if every promise held."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
from collections import Counter
from contextlib import suppress

from bellboard.telemetry import logs
from bellboard.testing import eventually
from bellboard_oncall.pages.model import Page

from .ground import Escalation, Ground, ground
from .verdict import behind, judge, second, twice


async def run(here: Ground, count: int, blows: int, gap: float, seed: int) -> list[str]:
    """Page so often while that many blows fall; what did not hold, in words."""
    escalations = [Escalation(number) for number in range(count)]

    async def begin() -> None:
        pause = blows * gap / count
        async with asyncio.TaskGroup() as group:
            for escalation in escalations:
                group.create_task(here.page(escalation))
                await asyncio.sleep(pause)

    async with asyncio.TaskGroup() as group:
        group.create_task(begin())
        group.create_task(here.storm(blows, gap, seed))
    pages = {page.id: page for page in await here.pages(300.0)}
    mentions = await here.all_mentions(3 * len(pages))  # what was asked of the gateway is on disk, and may wait there
    await here.settled()
    taken = here.taken()
    wrong = list(twice(taken))
    for one in escalations:
        if one.id not in pages:
            wrong.append(f"escalation {one.number} was on a card as {one.id}, and is not remembered")
            continue
        await last_word(here, one, pages[one.id])
        wrong += [*judge(one, pages[one.id], taken, mentions[one.id]), *second(pages[one.id], taken)]
    fates = Counter(f"{send.plan.how} {send.fate}" for page in pages.values() for send in page.sends)
    print(f"blows: {dict(sorted(here.struck.items()))}")
    print(f"messages: {dict(sorted(fates.items()))}", flush=True)
    return wrong


async def last_word(here: Ground, one: Escalation, page: Page) -> None:
    """Look at a card until it says what became of every message, or has had its time to."""

    async def said() -> bool:
        await here.look(one)
        return not list(behind(one, page))

    with suppress(AssertionError):
        await eventually(said, 30.0)


async def _run(count: int, blows: int, gap: float, seed: int) -> list[str]:
    async with ground() as here:
        return await run(here, count, blows, gap, seed)


def main() -> int:
    """Parse the command line and run."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.escalations", description=__doc__)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="replays a run")
    asked.add_argument("--count", type=int, default=200, help="escalations")
    asked.add_argument("--blows", type=int, default=120, help="processes killed")
    asked.add_argument("--gap", type=float, default=2.5, help="seconds between two blows, on average")
    given = asked.parse_args()
    logs.configure("chaos", logging.WARNING)
    print(f"seed {given.seed}", flush=True)
    wrong = asyncio.run(_run(given.count, given.blows, given.gap, given.seed))
    for words in wrong:
        print(f"BROKEN: {words}")
    print("every promise held" if not wrong else f"{len(wrong)} promises broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
