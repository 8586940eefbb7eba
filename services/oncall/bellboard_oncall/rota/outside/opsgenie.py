"""Schedules of Opsgenie, as its API and its exports write them: rotations, participants and restrictions, as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from bellboard import ProviderError, UserError

from .. import Shift, engine
from ..model import Layer, Rotation, TeamRota, Window
from ..words import WEEKDAYS
from .fetch import fetch
from .ical import load, named

_DAYS = {"daily": 1, "weekly": 7}
_SAFE = re.compile(r"[^a-z0-9._-]+")


class Opsgenie:
    """Reads a schedule as Opsgenie exports it. What it can't be, such as turns of hours, is refused and not guessed."""

    async def shifts(self, rota: TeamRota, start: float, end: float) -> Sequence[Shift]:
        """See `Schedules`."""
        if rota.outside is None:
            return ()
        data = await load(rota.outside.where)
        try:
            layers, zone = layers_of(data, named(data, rota.outside.people))
        except UserError as error:
            raise ProviderError(f"{error.text}") from error
        own = replace(rota, layers=layers, zone=zone, outside=None)
        return engine.by_file(own, start, end)

    async def written(self, where: str) -> str:
        """See `Schedules`: layers of our own that say the same."""
        return written(await fetch(where, public=True))


def written(data: bytes) -> str:
    """A schedule as a team of our own, in YAML. Raises UserError."""
    said = _schedule(data)
    layers, zone = layers_of(data, {})
    lines = ["teams:", f"  {_name(str(said.get('name') or 'team'))}:", f"    zone: {zone.key}", "    rota:", "      layers:"]
    for layer in layers:
        lines += [f"        - name: {_name(layer.name)}"]
        one = layer.rotations[0]
        lines += [
            f"          people: [{', '.join(one.people)}]",
            f"          starts: {one.starts:%Y-%m-%dT%H:%M}",
            f"          every: {one.days} days",
        ]
        if one.until:
            lines.append(f"          until: {one.until:%Y-%m-%dT%H:%M}")
        if one.windows:
            lines.append("          restrict:")
            lines += [f"            - {_window(window)}" for window in one.windows]
    return "\n".join(lines) + "\n"


def layers_of(data: bytes, people: Mapping[str, str]) -> tuple[tuple[Layer, ...], ZoneInfo]:
    """The rotations of a schedule as layers, and its zone.

    Args:
        people: which user name there is which of our people, in small letters; others keep the name they have.

    Raises:
        UserError: it is no schedule of Opsgenie, or says what a rota of ours can't.
    """
    said = _schedule(data)
    try:
        zone = ZoneInfo(str(said.get("timezone") or "UTC"))
        layers = tuple(_layer(one, zone, people) for one in said["rotations"])
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        raise UserError("that schedule can't be understood", hint="an export of Opsgenie, with its rotations") from None
    if not layers:
        raise UserError("that schedule has no rotations", hint="ask for it with ?expand=rotation")
    return layers, zone


def _schedule(data: bytes) -> Mapping[str, Any]:
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UserError("that is no JSON") from None
    inner = said.get("data", said) if isinstance(said, dict) else said
    found = inner[0] if isinstance(inner, list) and inner else inner
    if not isinstance(found, dict) or not isinstance(found.get("rotations"), list):
        raise UserError("that is no schedule of Opsgenie", hint="an export, with its rotations")
    return found


def _layer(said: Mapping[str, Any], zone: ZoneInfo, people: Mapping[str, str]) -> Layer:
    name = str(said.get("name") or "rotation")
    if said["type"] not in _DAYS:
        raise UserError(f"“{name[:40]}” turns by the {said['type']}, which a rota here can't", hint="days or weeks")
    users = [str(one.get("username") or one.get("name") or "") for one in said["participants"] if one.get("type") == "user"]
    if not users or len(users) != len(said["participants"]):
        raise UserError(f"“{name[:40]}” has participants that are no users", hint="name the people themselves")
    days = _DAYS[said["type"]] * int(said.get("length") or 1)
    until = _wall(said["endDate"], zone) if said.get("endDate") else None
    taken = tuple(people.get(user.lower(), _name(user.partition("@")[0])) for user in users)
    windows = _windows(said["timeRestriction"]) if said.get("timeRestriction") else ()
    return Layer(_name(name), (Rotation(taken, _wall(said["startDate"], zone), days, zone, until, windows),))


def _wall(said: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(said.replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None, microsecond=0)


def _windows(said: Mapping[str, Any]) -> tuple[Window, ...]:
    """``time-of-day``: one window every day; ``weekday-and-time-of-day``: each from a weekday to a weekday."""
    if said["type"] == "time-of-day":
        one = said["restriction"]
        begin, end = _clock(one, "start"), _clock(one, "end")
        return (Window(frozenset(range(7)), begin, end, 1 if end <= begin else 0),)
    found = []
    for one in said["restrictions"]:
        begin, end = _clock(one, "start"), _clock(one, "end")
        first, last = (WEEKDAYS.index(str(one[key]).lower()[:3]) for key in ("startDay", "endDay"))
        after = (last - first) % 7
        found.append(Window(frozenset({first}), begin, end, 7 if after == 0 and end <= begin else after))
    return tuple(found)


def _clock(said: Mapping[str, Any], which: str) -> time:
    return time(int(said[f"{which}Hour"]), int(said.get(f"{which}Min") or 0))


def _window(window: Window) -> str:
    days = ", ".join(WEEKDAYS[day] for day in sorted(window.days))
    if len(window.days) == 1:
        last = WEEKDAYS[(next(iter(window.days)) + window.after) % 7]
        return f'{{days: {days}, from: "{window.begin:%H:%M}", to: "{last} {window.end:%H:%M}"}}'
    return f'{{days: [{days}], from: "{window.begin:%H:%M}", to: "{window.end:%H:%M}"}}'


def _name(words: str) -> str:
    """Words as an id of ours."""
    return _SAFE.sub("-", words.lower()).strip("-._")[:63] or "unnamed"
