"""Fifty commands of one second each, all at once, and a quick one beside them."""

from __future__ import annotations

import asyncio
import time

from .figures import RUNS, Goal, middle, table
from .shipped import Ground, Shipped, shipped

MANY = 50


async def crowd(ground: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """How long all of them take, and how long a quick one does before and meanwhile."""
    everyone, alone, beside = [], [], []
    async with shipped(ground) as mesh:
        await asyncio.gather(*(mesh.once(number) for number in range(MANY)))
        for number in range(RUNS):
            alone.append(await mesh.once(number))
            begun = time.perf_counter()
            slow = asyncio.gather(*(_slow(mesh) for _ in range(MANY)))
            await asyncio.sleep(0.5)
            beside.append(await mesh.once(number))
            await slow
            everyone.append(time.perf_counter() - begun)
    rows = [
        (f"{MANY} commands of one second, all answered", f"{middle(everyone):.2f} s"),
        ("a quick one before them", f"{middle(alone) * 1e3:.1f} ms"),
        ("a quick one among them", f"{middle(beside) * 1e3:.1f} ms"),
    ]
    goals = [
        Goal(f"{MANY} one-second commands answered within 2 s", f"{max(everyone):.2f} s at worst", max(everyone) <= 2),
        Goal("a quick one is not held up meanwhile", f"{max(beside) * 1e3:.0f} ms at worst", max(beside) <= 0.1),
    ]
    return table(["", "median"], rows), goals


async def _slow(mesh: Shipped) -> None:
    card = await mesh.run("practice look slow --wait 1s")
    assert card.blocks[0].text.text == "looked at slow", card
