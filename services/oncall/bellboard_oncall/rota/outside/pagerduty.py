"""Who is on call by PagerDuty: its REST API v2, ``GET /schedules/{id}`` for shifts. It only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bellboard import ProviderError, UserError

from .. import Shift
from ..model import Outside, TeamRota
from .fetch import fetch
from .ical import named

API = "https://api.pagerduty.com"
ACCEPT = "application/vnd.pagerduty+json;version=2"

MOST_DAYS = 89
"""Days that are asked for at once: the API renders three months at most."""


class PagerDuty:
    """Reads schedules of PagerDuty."""

    async def shifts(self, rota: TeamRota, start: float, end: float) -> Sequence[Shift]:
        """See `Schedules`."""
        outside = rota.outside
        if outside is None:
            return ()
        found: list[Shift] = []
        while start < end:
            stop = min(end, start + MOST_DAYS * 86400)
            params = {"since": _iso(start), "until": _iso(stop), "time_zone": "UTC"}
            said = await _get(outside, f"/schedules/{outside.where}", params)
            found += _shifts(said, rota.team.name, named(b"", outside.people))
            start = stop
        return _whole(found)

    async def written(self, where: str) -> str:
        """See `Schedules`. Its layers need a token, which nobody types."""
        raise UserError("a schedule of PagerDuty is named in the file", hint="rota: {pagerduty: PABC123, token_file: …}")

    async def on_call(self, outside: Outside, policy: str) -> Sequence[str]:
        """Whom PagerDuty names for an escalation policy now, by id there, the first level first. Raises ProviderError."""
        found: list[tuple[int, str]] = []
        offset = 0
        while True:
            params = {"escalation_policy_ids[]": policy, "limit": "100", "offset": str(offset)}
            said = await _get(outside, "/oncalls", params)
            entries = said.get("oncalls", [])
            found += [(int(one["escalation_level"]), str(one["user"]["id"])) for one in entries]
            if not said.get("more"):
                return [user for _, user in sorted(found)]
            offset += len(entries) or 100


async def _get(outside: Outside, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
    headers = {"Accept": ACCEPT}
    if outside.token_file:
        try:
            token = (await asyncio.to_thread(Path(outside.token_file).read_text)).strip()
        except (OSError, UnicodeDecodeError):
            raise ProviderError("the token of PagerDuty can't be read", hint="token_file in the file of rotas") from None
        headers["Authorization"] = f"Token token={token}"
    try:
        said = orjson.loads(await fetch(f"{outside.api or API}{path}", public=False, headers=headers, params=params))
    except orjson.JSONDecodeError:
        raise ProviderError("PagerDuty does not answer in JSON") from None
    if not isinstance(said, dict):
        raise ProviderError("PagerDuty answers something else than it says in its documentation")
    return said


def _shifts(said: Mapping[str, Any], team: str, people: Mapping[str, str]) -> list[Shift]:
    """The shifts of ``final_schedule``, overrides included. People are known by their id there, their mail or their name."""
    found = []
    try:
        for entry in said["schedule"]["final_schedule"]["rendered_schedule_entries"]:
            user = entry["user"]
            names = [str(user.get(key) or "").lower() for key in ("id", "email", "summary", "name")]
            who = next((people[name] for name in names if name in people), "")
            if who:
                found.append(Shift(team, "pagerduty", who, _moment(entry["start"]), _moment(entry["end"])))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ProviderError("PagerDuty answers something else than it says in its documentation") from None
    return found


def _whole(shifts: Sequence[Shift]) -> list[Shift]:
    """Shifts that were cut where one question ended and the next began, put together again."""
    found: list[Shift] = []
    for one in sorted(shifts, key=lambda shift: (shift.start, shift.end)):
        if found and found[-1].person == one.person and found[-1].end == one.start:
            found[-1] = Shift(one.team, one.layer, one.person, found[-1].start, one.end)
        else:
            found.append(one)
    return found


def _moment(said: str) -> float:
    return datetime.fromisoformat(said.replace("Z", "+00:00")).timestamp()


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
