"""Rooms that rehearse: what is run there runs against the sandbox's twins.

It stands on the bus, and is looked up for each command: no replica can have missed it, not even one that has just started.
"""

from __future__ import annotations

from dataclasses import dataclass

from bellboard.bus import Bus
from bellboard.keep import token
from bellboard.keep.bus import BusKeep

from .enrolments import HOUSE


@dataclass
class Rehearsals:
    """Which rooms rehearse."""

    bus: Bus

    def __post_init__(self) -> None:
        self._keep = BusKeep(self.bus, HOUSE)

    async def by(self, room: str) -> str:
        """Who had a room rehearse; empty if it does not.

        Raises:
            BusError: it can't be known now.
        """
        kept = await self._keep.get(_key(room))
        return kept.value.decode() if kept else ""

    async def begin(self, room: str, person: str) -> None:
        """Have a room rehearse. When this returns no replica takes a command there for real. Raises BusError."""
        await self._keep.put(_key(room), person.encode())

    async def end(self, room: str) -> None:
        """Have its commands run for real again. Raises BusError."""
        await self._keep.forget(_key(room))


def _key(room: str) -> str:
    return f"rehearsal.{token(room)}"
