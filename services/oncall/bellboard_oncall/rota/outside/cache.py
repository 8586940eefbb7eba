"""What outside calendars said last: asked again every ten minutes, and still there while they don't answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import orjson

from bellboard import ProviderError
from bellboard.keep import Keep, token

from .. import Shift
from ..model import TeamRota
from . import Schedules

FRESH = 600.0
"""Seconds for which an answer is not asked for again."""

BEHIND, AHEAD = 40 * 86400.0, 180 * 86400.0
"""How much of a calendar is read, in seconds before and after now."""

MOST = 200 * 1024
"""Bytes of the shifts that are remembered across restarts."""


class Cache:
    """The shifts of teams whose rota is a calendar outside."""

    def __init__(self, kinds: Mapping[str, Schedules], keep: Keep) -> None:
        self._kinds, self._keep = kinds, keep
        self._known: dict[str, tuple[float, object, Sequence[Shift]]] = {}
        self._problems: dict[str, str] = {}

    def kind(self, name: str) -> Schedules:
        """The provider of "ical", "pagerduty" or "opsgenie"."""
        return self._kinds[name]

    def problem(self, team: str) -> str:
        """Why a team's shifts may be out of date; empty if they are not."""
        return self._problems.get(team, "")

    async def shifts(self, rota: TeamRota, now: float) -> Sequence[Shift]:
        """A team's shifts around now, at most `FRESH` old where the calendar answers.

        Raises:
            ProviderError: it does not answer, and never has.
        """
        name, outside = rota.team.name, rota.outside
        asked, of, known = self._known.get(name, (0.0, None, ()))
        if outside is None or (of == outside and now - asked < FRESH):
            return known
        try:
            found = await self._kinds[outside.kind].shifts(rota, now - BEHIND, now + AHEAD)
        except ProviderError as error:
            found = known if of == outside else await self._remembered(rota)
            if not found:
                raise
            if name not in self._problems:
                clock = f"{datetime.fromtimestamp(now, UTC):%a %H:%M} UTC"
                self._problems[name] = f"the calendar of {name} does not answer since {clock}, shown is the last: {error.text}"
        else:
            self._problems.pop(name, None)
            await self._remember(rota, found)
        self._known[name] = (now, outside, found)
        return found

    async def _remember(self, rota: TeamRota, found: Sequence[Shift]) -> None:
        value = orjson.dumps({"where": _where(rota), "shifts": [asdict(shift) for shift in found]})
        kept = await self._keep.get(_key(rota))
        if len(value) <= MOST and (kept is None or kept.value != value):
            await self._keep.put(_key(rota), value)

    async def _remembered(self, rota: TeamRota) -> Sequence[Shift]:
        kept = await self._keep.get(_key(rota))
        said = orjson.loads(kept.value) if kept else {}
        return [Shift(**shift) for shift in said["shifts"]] if said.get("where") == _where(rota) else ()


def _key(rota: TeamRota) -> str:
    return f"outside.{token(rota.team.name)}"


def _where(rota: TeamRota) -> str:
    return f"{rota.outside.kind} {rota.outside.where}" if rota.outside else ""
