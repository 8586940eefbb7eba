"""Helpers: what steps in by itself where people talk. Each is off in a room until somebody switches it on there.

It stands on the bus, and no replica goes by what it read there more than `FRESH` ago, as with rooms that rehearse.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bellboard.bus import Bus
from bellboard.command import Command
from bellboard.keep import KeepConflict, token
from bellboard.keep.bus import BusKeep

from .enrolments import HOUSE

FRESH = 0.5
"""Seconds for which a replica goes by what it read."""

TRIES = 8

Change = Callable[[dict[str, str]], dict[str, str]]

DID_YOU_MEAN = "did-you-mean"


@dataclass(frozen=True, slots=True)
class Helper:
    """Something that can step in: its name, whose it is, and what it does."""

    name: str
    bot: str
    help: str


OWN = (Helper(DID_YOU_MEAN, HOUSE, "a line that is nearly a command is offered as one, to whoever typed it alone"),)
"""The helpers that no contract declares: the gateway's own."""


def declared(commands: Iterable[Command]) -> list[Helper]:
    """Every helper that there is, by name."""
    theirs = {
        (trigger.name, command.bot): Helper(trigger.name, command.bot, trigger.help)
        for command in commands
        for trigger in command.triggers
    }
    return sorted([*OWN, *theirs.values()], key=lambda helper: (helper.name, helper.bot))


@dataclass
class Helpers:
    """Which helpers step in where."""

    bus: Bus

    def __post_init__(self) -> None:
        self._keep = BusKeep(self.bus, HOUSE)
        self._read: dict[str, tuple[float, Mapping[str, str]]] = {}

    async def on(self, room: str) -> Mapping[str, str]:
        """The names of those that step in in a room, and who had them do so.

        Raises:
            BusError: it can't be known now.
        """
        asked = time.monotonic()
        read, names = self._read.get(room, (-FRESH, {}))
        if asked - read < FRESH:
            return names
        kept = await self._keep.get(_key(room))
        names = _told(kept.value) if kept else {}
        self._read[room] = (asked, names)
        return names

    async def begin(self, room: str, name: str, person: str) -> None:
        """Have one step in in a room; on every replica when this returns. Raises BusError or KeepConflict."""
        await self._change(room, lambda names: {**names, name: names.get(name, person)})

    async def end(self, room: str, name: str) -> None:
        """Have one keep quiet; on every replica when this returns. Raises BusError or KeepConflict."""
        await self._change(room, lambda names: {known: who for known, who in names.items() if known != name})

    async def _change(self, room: str, change: Change) -> None:
        for _ in range(TRIES):
            kept = await self._keep.get(_key(room))
            names = change(_told(kept.value) if kept else {})
            text = "".join(f"{name} {who}\n" for name, who in sorted(names.items()))
            with suppress(KeepConflict):
                await self._keep.put(_key(room), text.encode(), expected=kept.revision if kept else 0)
                break
        else:
            raise KeepConflict("others switch helpers at the same time", hint="try again")
        self._read.pop(room, None)
        await asyncio.sleep(FRESH)


def _key(room: str) -> str:
    return f"helpers.{token(room)}"


def _told(value: bytes) -> dict[str, str]:
    return {name: who for name, _, who in (line.partition(" ") for line in value.decode().splitlines())}
