"""A calendar in iCalendar format, at an address or in a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from bellboard import ProviderError, UserError

from .. import Shift, calendar
from ..model import TeamRota
from .fetch import LARGEST, fetch


class Ical:
    """Reads iCalendar."""

    async def shifts(self, rota: TeamRota, start: float, end: float) -> Sequence[Shift]:
        """See `Schedules`."""
        if rota.outside is None:
            return ()
        people = rota.outside.people
        data = await load(rota.outside.where)
        try:
            return await asyncio.to_thread(calendar.read, data, rota.team.name, named(data, people), start, end, rota.zone)
        except UserError as error:
            raise ProviderError(error.text) from error

    async def written(self, where: str) -> str:
        """See `Schedules`: the team, with the names there to be filled in."""
        titles = await asyncio.to_thread(calendar.titles, await fetch(where, public=True))
        people = "".join(f"        {_quoted(title)}: WHO\n" for title in titles[:40])
        return f"teams:\n  TEAM:\n    zone: Europe/Berlin\n    rota:\n      ical: {_quoted(where)}\n      people:\n{people}"


def named(data: bytes, people: Mapping[str, str]) -> dict[str, str]:
    """Which name there is which of our people, in small letters; an id of ours always is that person."""
    return {**{person: person for person in people.values()}, **{name.lower(): person for name, person in people.items()}}


async def load(where: str) -> bytes:
    """What the operator's file names: an address, or another file. Raises ProviderError."""
    if where.startswith(("http://", "https://")):
        return await fetch(where, public=False)
    try:
        data = await asyncio.to_thread(Path(where).read_bytes)
    except OSError as error:
        raise ProviderError(f"{Path(where).name} can't be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise ProviderError(f"{Path(where).name} is larger than 1 MiB")
    return data


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''").replace("\n", " ") + "'"
