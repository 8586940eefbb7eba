"""The incidents as they are kept.

Each part stands once, under the command that wrote it, so that whoever writes it again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from bellboard import Call, UserError
from bellboard.keep import Keep, KeepConflict, token
from bellboard.marks import Draft, Marks

from . import model
from .model import CLOSED, OPEN, Entry, Incident, Opening

LETTER = "I"
LAST = 5
"""Incidents offered where none is open."""

LOOKS = 8
"""Looks at whether a mark says what its incident does, while others change that."""

OPENED, ENDED, ENTRIES = "opened", "ended", "entries"
"""Where the parts are kept: ``opened.i7``, ``ended.i7``, ``entries.i7.<command>``."""


class Book:
    """Reads and writes incidents for one command."""

    def __init__(self, call: Call, keep: Keep, marks: Marks) -> None:
        self._call, self._keep, self._marks = call, keep, marks

    async def open(self, title: str, severity: int) -> Incident:
        """Open an incident. However often the same command does, it is one.

        Raises:
            BusError: it may be open now.
        """
        call = self._call
        by = call.person or "a bot"
        detail = {"room": call.room, "thread": call.thread or call.card, "card": call.card, "severity": str(severity)}
        draft = Draft(title=title, at=call.at, person=call.person, command=call.id, state=OPEN, detail=detail)
        mark = await self._marks.begin(LETTER, draft, key=call.id)
        opening = Opening(
            id=mark.id,
            title=title,
            severity=severity,
            at=call.at,
            by=by,
            command=call.id,
            room=call.room,
            thread=call.thread or call.card,
            card=call.card,
        )
        with suppress(KeepConflict):  # an attempt before this one opened it
            await self._keep.put(_key(OPENED, mark.id), model.written(opening), expected=0)
        return await self.read(mark.id)

    async def add(self, incident: Incident, kind: str, **said: str | int) -> Incident:
        """Write an entry, once for each command."""
        key = f"{_key(ENTRIES, incident.id)}.{token(self._call.id)}"
        with suppress(KeepConflict):
            await self._keep.put(key, model.written(self._entry(kind, **said)), expected=0)
        return await self._marked(await self.read(incident.id))

    async def close(self, incident: Incident, words: str) -> tuple[Incident, bool]:
        """Close an incident; whether it was this command that did."""
        with suppress(KeepConflict):
            closing = self._entry(CLOSED, words=words)
            await self._keep.put(_key(ENDED, incident.id), model.written(closing), expected=0)
        now = await self._marked(await self.read(incident.id))
        return now, now.closing is not None and now.closing.command == self._call.id

    def _entry(self, kind: str, **said: str | int) -> Entry:
        call = self._call
        return Entry(kind=kind, at=call.at, by=call.person or "a bot", command=call.id, **said)  # type: ignore[arg-type]

    async def _marked(self, incident: Incident) -> Incident:
        """Have the mark say what the incident says, also where another says more of it at the same time."""
        for _ in range(LOOKS):
            mark = await self._marks.find(incident.id)
            if mark is None:
                return incident
            detail = {**mark.detail, "severity": str(incident.severity)}
            until = incident.closing.at if incident.closing else None
            if (mark.state, mark.until, dict(mark.detail)) == (incident.state, until, detail):
                return incident
            await self._marks.update(replace(mark, state=incident.state, until=until, detail=detail))
            incident = await self.read(incident.id)
        return incident

    async def read(self, id: str) -> Incident:
        """An incident by its id.

        Raises:
            UserError: there is none.
        """
        known = model.number(id)
        kept = await self._keep.get(_key(OPENED, known)) if known else None
        if kept is None:
            raise UserError(f"there is no incident {id[:20]}", hint="incident list --all shows all there are")
        ended, entries = await asyncio.gather(self._keep.get(_key(ENDED, known)), self._keep.list(_key(ENTRIES, known)))
        closing = model.entry(ended.value) if ended else None
        return model.put_together(model.opening(kept.value), closing, (model.entry(one.value) for one in entries))

    async def openings(self) -> Sequence[tuple[Opening, bool]]:
        """Every incident there ever was, the newest first, and whether it is open."""
        opened, ended = await asyncio.gather(self._keep.list(OPENED), self._keep.list(ENDED))
        over = {kept.key.rpartition(".")[2] for kept in ended}
        found = [(model.opening(kept.value), kept.key.rpartition(".")[2] not in over) for kept in opened]
        return sorted(found, key=lambda one: (one[0].at, int(one[0].id[1:])), reverse=True)

    async def meant(self, id: str, *, closed: bool = False) -> Incident | Sequence[Opening]:
        """The incident that a command is about: by its id, that of the thread, or the only one open in the room.

        Returns:
            Where it is none of these, all that it may be: those open here, else with ``closed`` the last ones of the room.

        Raises:
            UserError: there is no such incident.
        """
        if id:
            return await self.read(id)
        every = await self.openings()
        threads = {self._call.thread, self._call.card} - {""}
        mine = next((one for one, _ in every if one.thread in threads), None)
        if mine is not None:
            return await self.read(mine.id)
        here = [(one, is_open) for one, is_open in every if one.room == self._call.room]
        found = [one for one, is_open in here if is_open] or [one for one, _ in here[:LAST] if closed]
        return await self.read(found[0].id) if len(found) == 1 else found


def _key(part: str, id: str) -> str:
    return f"{part}.{id.lower()}"
