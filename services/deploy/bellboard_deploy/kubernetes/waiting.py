"""Waiting for a workload to be as it should be, for no longer than that makes sense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bellboard import Failed, ProviderError
from bellboard.kube.reasons import Trouble

from ..model import Tell

LOOK = 1.0
"""Seconds between two looks."""

PATIENCE = 15.0
"""Seconds for which what is hopeless may yet turn out not to be."""

SILENCE = 60.0
"""Seconds for which Kubernetes may not answer."""


class Stuck(Failed):
    """It gets no further, and the text says why."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: how many pods are ready, of how many that are wanted, how many of them are new; and what is wrong."""

    done: bool
    ready: int
    wanted: int
    new: int = 0
    paused: bool = False
    trouble: Trouble | None = None


async def settled(look: Callable[[], Awaitable[Look]], what: str, seconds: float, tell: Tell | None = None) -> None:
    """Return when it is done.

    Args:
        what: what people call it.
        seconds: how long it may take until one more pod is ready; the time in which it is paused does not count.

    Raises:
        Stuck: it gets no further.
        ProviderError: Kubernetes does not tell.
    """
    moved = heard = time.monotonic()
    hopeless: float | None = None
    last: Look | None = None
    while True:
        now = time.monotonic()
        try:
            seen = await look()
        except ProviderError:
            if now - heard > SILENCE:
                raise
            await asyncio.sleep(LOOK)
            continue
        heard = now
        if seen.done:
            return
        if tell is not None:
            done = min(1.0, seen.ready / seen.wanted) if seen.wanted else None
            tell(f"{what}: {seen.ready} of {seen.wanted} are ready", done)
        if last is None or seen.paused or (seen.ready, seen.wanted, seen.new) != (last.ready, last.wanted, last.new):
            moved = now
        last = seen
        certain = seen.trouble is not None and seen.trouble.certain
        hopeless = (hopeless or now) if certain else None
        if hopeless is not None and now - hopeless >= PATIENCE:
            raise _stuck(what, seen)
        if now - moved > seconds:
            raise _stuck(what, seen, f" after {seconds:g} s")
        await asyncio.sleep(LOOK)


def _stuck(what: str, seen: Look, after: str = "") -> Stuck:
    why = seen.trouble.text if seen.trouble else "it does not say why"
    return Stuck(f"{what}: {seen.ready} of {seen.wanted} are ready{after}: {why}")
