"""Looking whether a record that was seen is still in the ledger. Each look says what is wrong, in words for people."""

from __future__ import annotations

import time
from typing import Protocol

from bellboard.bus import Bus, Message
from bellboard.errors import Refused
from bellboard.ledger.store import LEDGER

from .seen import Seen, digest_of

REMEMBERED = 24 * 3600.0
"""Seconds after which a record may have gone by a limit that somebody set. Who may not see how far the ledger reaches can't
tell that from a loss."""


class Look(Protocol):
    """A way to look, as far as the bus lets a process see."""

    async def wrong(self, seen: Seen) -> str:
        """What is wrong with the ledger, given a record that stood in it; empty if nothing is. Raises BusError."""

    async def newest(self) -> Message | None:
        """The newest record, if that can be known. Raises BusError."""


class AllOfIt:
    """As gateways and the reaper see the ledger: all of it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def wrong(self, seen: Seen) -> str:
        try:
            reach = await self._bus.span(LEDGER)
        except Refused:
            return f"there is no ledger, and record {seen.sequence} was seen"
        if reach.last < seen.sequence:
            return f"it ends at record {reach.last}, and record {seen.sequence} was seen"
        if seen.sequence < reach.first:
            return ""  # limits took it
        record = await self._bus.at(LEDGER, seen.sequence)
        if record is None:
            return f"record {seen.sequence}, which was seen, is missing"
        return _other(seen, record)

    async def newest(self) -> Message | None:
        end = await self._bus.end(LEDGER)
        return await self._bus.at(LEDGER, end) if end else None


class OwnRecords:
    """As a bot sees the ledger: the newest record on a subject of its own."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def wrong(self, seen: Seen) -> str:
        record = await self._bus.last(LEDGER, seen.subject)
        if record is None or record.sequence < seen.sequence:
            old = time.time() - seen.at > REMEMBERED
            return "" if record is None and old else f"record {seen.sequence}, which was seen, is missing"
        return _other(seen, record) if record.sequence == seen.sequence else ""

    async def newest(self) -> Message | None:
        return None


def _other(seen: Seen, record: Message) -> str:
    same = digest_of(record.subject, record.payload) == seen.digest
    return "" if same else f"record {seen.sequence} is not the one that was seen there"
