"""Rooms that rehearse: what is run there runs against the sandbox's twins.

It stands on the bus, and no replica goes by what it read there more than `FRESH` ago, not even one that has just started. So a
room rehearses for certain once that time has passed since it was written, and only then whoever asked for it is told.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bellboard.bus import Bus
from bellboard.keep import token
from bellboard.keep.bus import BusKeep

from .enrolments import HOUSE

FRESH = 0.5
"""Seconds for which a replica goes by what it read; reading it for each command would cost a READ a fifth of its time."""


@dataclass
class Rehearsals:
    """Which rooms rehearse."""

    bus: Bus

    def __post_init__(self) -> None:
        self._keep = BusKeep(self.bus, HOUSE)
        self._read: dict[str, tuple[float, str]] = {}  # when it was asked for, and who had the room rehearse

    async def by(self, room: str) -> str:
        """Who had a room rehearse; empty if it does not.

        Raises:
            BusError: it can't be known now.
        """
        asked = time.monotonic()
        read, person = self._read.get(room, (-FRESH, ""))
        if asked - read < FRESH:
            return person
        kept = await self._keep.get(_key(room))
        person = kept.value.decode() if kept else ""
        self._read[room] = (asked, person)
        return person

    async def begin(self, room: str, person: str) -> None:
        """Have a room rehearse. When this returns no replica takes a command there for real. Raises BusError."""
        await self._keep.put(_key(room), person.encode())
        self._read.pop(room, None)
        await asyncio.sleep(FRESH)

    async def end(self, room: str) -> None:
        """Have its commands run for real again: on every replica when this returns. Raises BusError."""
        await self._keep.forget(_key(room))
        self._read.pop(room, None)
        await asyncio.sleep(FRESH)


def _key(room: str) -> str:
    return f"rehearsal.{token(room)}"
