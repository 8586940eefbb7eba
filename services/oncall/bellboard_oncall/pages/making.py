"""Makes what the commands about pages work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bellboard.keep import Keep
from bellboard.marks import Marks

from ..rota import Rota
from ..settings import Settings
from .model import OUTSIDE, PAGERDUTY
from .outside import Outside
from .pagerduty import PagerDuty
from .policy import Contacts
from .sending import Notice, Notifier
from .work import Desk


class Rehearsed:
    """Sends nothing."""

    again = False

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def send(self, address: str, notice: Notice) -> None:
        """As if it had been sent."""


WARM_UP = 10.0
"""Seconds after the start in which others come first; then what sends is loaded, if there is anybody to send to."""


@asynccontextmanager
async def real(settings: Settings, keep: Keep, marks: Marks, rota: Rota) -> AsyncIterator[Desk]:
    """What tells people for real."""
    outside = Outside()
    notifiers: Mapping[str, Notifier] = {OUTSIDE: outside, PAGERDUTY: PagerDuty(settings.team)}
    warm = asyncio.create_task(_warm_up(outside, rota))
    try:
        yield Desk(keep, marks, rota, notifiers, web_url=settings.web_url)
    finally:
        warm.cancel()
        await asyncio.gather(warm, return_exceptions=True)
        outside.close()


async def _warm_up(outside: Outside, rota: Rota) -> None:
    await asyncio.sleep(WARM_UP)
    contacts: Contacts = rota.part("contacts")
    if contacts.urls:
        await outside.prepare()


def rehearsed(keep: Keep, marks: Marks, rota: Rota) -> Desk:
    """What a rehearsal is given: it tells nobody outside the room."""
    return Desk(keep, marks, rota, {OUTSIDE: Rehearsed(), PAGERDUTY: Rehearsed()})
