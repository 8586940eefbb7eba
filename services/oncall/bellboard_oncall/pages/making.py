"""Makes what the commands about pages work with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bellboard.keep import Keep
from bellboard.marks import Marks

from ..rota import Rota
from ..settings import Settings
from .model import OUTSIDE, PAGERDUTY
from .outside import Outside
from .pagerduty import PagerDuty
from .sending import Notice, Notifier
from .work import Desk


class Rehearsed:
    """Sends nothing."""

    again = False

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def send(self, address: str, notice: Notice) -> None:
        """As if it had been sent."""


@contextmanager
def real(settings: Settings, keep: Keep, marks: Marks, rota: Rota) -> Iterator[Desk]:
    """What tells people for real."""
    outside = Outside()
    notifiers: Mapping[str, Notifier] = {OUTSIDE: outside, PAGERDUTY: PagerDuty(settings.team)}
    try:
        yield Desk(keep, marks, rota, notifiers, web_url=settings.web_url)
    finally:
        outside.close()


def rehearsed(keep: Keep, marks: Marks, rota: Rota) -> Desk:
    """What a rehearsal is given: it tells nobody outside the room."""
    return Desk(keep, marks, rota, {OUTSIDE: Rehearsed(), PAGERDUTY: Rehearsed()})
