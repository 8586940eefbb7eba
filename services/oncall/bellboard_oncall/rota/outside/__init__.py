"""Calendars elsewhere: a schedule in iCalendar, PagerDuty or Opsgenie whose shifts are a team's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .. import Shift
from ..model import TeamRota

__all__ = ["Schedules", "calendar_kind"]


class Schedules(Protocol):
    """One kind of calendar outside. It only reads."""

    async def shifts(self, rota: TeamRota, start: float, end: float) -> Sequence[Shift]:
        """A team's shifts that touch a stretch of time, in seconds since 1970, in any order.

        Raises:
            ProviderError: it can't be reached, or does not say what it should.
        """

    async def written(self, where: str) -> str:
        """What stands there as YAML for the file of rotas, for people to look through.

        Raises:
            UserError: that is no such calendar.
            ProviderError: it can't be reached.
        """


def calendar_kind(address: str) -> tuple[str, ...]:
    """The kinds that may stand at an address, the likeliest first."""
    return ("opsgenie", "ical") if ".json" in address else ("ical", "opsgenie")
