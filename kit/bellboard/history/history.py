"""Safe mode: whether a process may run what changes something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.errors import BusError, CasLost
from bellboard.ledger.ops import timestamp
from bellboard.telemetry import logs, names

from . import word
from .looks import Look
from .saver import Saver
from .seen import Keeper, Seen, digest_of
from .word import Word

EVERY = 60.0
"""Seconds between two looks while all is well and the connection stands."""

SOON, FRESH = 2.0, 30.0
"""Seconds between two looks while a connection is fresh, and for how long it is: whoever saw nothing of what was lost learns of
it from a gateway, which takes its time to be sure."""

TICK = 0.4
"""Seconds between two looks while something seems wrong, and in safe mode; and between two savings of what was seen."""

HASTE, PATIENCE = 1.2, 15.0
"""Seconds for which looks must find something wrong, on one server and in a cluster. There a server that was cut off may tell
of the past for ten seconds before it notices."""

CHECKING = "it is being looked into whether the bus has lost history"

Noted = tuple[int, str, bytes, float]
"""A record: its sequence, subject and payload, and when it was stored."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the ledger was known to reach when something began."""

    generation: int
    sequence: int


class History:
    """What a process knows of the ledger's history.

    Attributes:
        lost: what was lost of it, in words for people, while nobody has accepted that; empty if nothing is.

    Args:
        look: how it sees the ledger.
        keeper: keeps the newest record that it has seen.
        tells: it may write down for everybody that history was lost, and does.
        on_lost: called when a loss is found while the process runs: what it has read of the ledger holds no more.
        on_accepted: called when a loss was accepted while the process runs.

    Raises:
        SettingsError: what was kept can't be read.
    """

    def __init__(
        self,
        bus: Bus,
        look: Look,
        keeper: Keeper,
        *,
        tells: bool = False,
        on_lost: Callable[[], None] | None = None,
        on_accepted: Callable[[], None] | None = None,
    ) -> None:
        self._bus, self._look, self._tells = bus, look, tells
        self._on_lost, self._on_accepted = on_lost, on_accepted
        self._seen = keeper.load()
        self._saver = Saver(keeper, self._seen)
        self._newer: Noted | None = None
        self._later: Noted | None = None  # seen while nobody knew whether all is well
        self._word = Word(pb.History())
        self._generation = 0
        self._sure = 0  # the connection on which the last look found nothing wrong
        self._looked, self._doubted = 0.0, 0.0
        self._looking = asyncio.Lock()
        self._running = self._stale = False
        self.lost = self._doubt = ""
        names.SAFE_MODE.set(0)

    @property
    def accepted_at(self) -> float:
        """When a loss was last accepted, in seconds since 1970. What was asked for before may have been run."""
        return self._word.accepted_at

    @property
    def safe_mode(self) -> str:
        """One line that says so, or nothing."""
        return f"safe mode: {self.refusal}" if self.lost else ""

    @property
    def refusal(self) -> str:
        """Why nothing is run in safe mode, and what ends that."""
        return f"the bus lost history ({self.lost}): nothing that changes anything is run until an owner types “accept history”"

    @property
    def place(self) -> Place:
        """How far the ledger is known to reach: whatever is stored from now on stands after it."""
        return Place(self._generation, max(self._seen.sequence, self._newer[0] if self._newer else 0))

    def note(self, sequence: int, subject: str, payload: bytes, at: float) -> None:
        """A record that stands in the ledger was seen. Where it is not known whether all is well, it counts after a look."""
        if self._calm and sequence > self.place.sequence:
            self._newer = sequence, subject, payload, at
        elif not (self._calm or self.lost) and (self._later is None or sequence > self._later[0]):
            self._later = sequence, subject, payload, at

    def stored(self, before: Place, sequence: int, subject: str, payload: bytes) -> None:
        """A record was stored; ``before`` is how far the ledger was known to reach when that began."""
        if before.generation == self._generation and sequence <= before.sequence:
            self._lose(f"record {sequence} was stored when record {before.sequence} had been seen")
        else:
            self.note(sequence, subject, payload, time.time())

    async def bars(self) -> str:
        """Why nothing may be run now that changes something; empty if it may."""
        if not self.lost and self._sure != self._bus.connections:
            with suppress(BusError):
                await self.look()
        if self.lost:
            return self.refusal
        return "" if self._calm else CHECKING

    async def keep(self) -> str:
        """Have all that was seen on disk. What stands in the way of it; empty if nothing does."""
        why = await self._saver.save(self._current())
        return f"what was seen of the ledger can't be kept: {why}" if why else ""

    async def begin(self) -> None:
        """Look until it is clear how it stands, or the bus is away."""
        with suppress(BusError):
            await self.look()
            while self._doubt:
                await asyncio.sleep(TICK)
                await self.look()
        await self._tell()
        self._running = True

    async def run(self) -> None:
        """Look, and keep what was seen, until cancelled."""
        connection, reached = 0, 0.0
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            if connection != self._bus.connections:
                connection, reached = self._bus.connections, now
            due = now - self._looked > (SOON if now - reached < FRESH else EVERY)
            if self._bus.connected and (due or not self._calm):
                with suppress(BusError):
                    await self.look()
            await self._tell()
            if why := await self.keep():
                logs.emit(names.HISTORY_NOT_KEPT, error=why)

    async def look(self) -> None:
        """Look once. Raises BusError."""
        async with self._looking:
            connection = self._bus.connections
            self._word = await word.read(self._bus)
            seen = self._current()
            said = self._word.said
            if said.accepted_by and said.epoch > seen.epoch:
                await self._adopt(connection)
            elif self._told(self._word):
                self._lose(said.lost)
            elif self._word.open or said.epoch < seen.epoch:  # or a server tells of the past
                self._found("what was accepted of an earlier loss is gone", connection)
            elif seen.sequence or self._later is not None:
                self._found(await self._wrong(seen), connection)
            elif not self.lost:
                await self._adopt(connection)

    async def accept(self, by: str) -> None:
        """A person says that what is left of the history counts. Raises BusError."""
        try:
            await self._accept(by)
        except CasLost:  # somebody else has just said that some is lost
            await self._accept(by)
        await self.look()

    async def _accept(self, by: str) -> None:
        last = await word.read(self._bus)
        said = self._loss(last)
        if self._told(last):
            said.CopyFrom(last.said)
        said.accepted_by = by
        said.accepted_at.CopyFrom(timestamp(time.time()))
        await word.write(self._bus, said, last)

    @property
    def _calm(self) -> bool:
        """Whether all was well when it was last looked, over this very connection."""
        return not self.lost and not self._doubt and self._sure == self._bus.connections

    def _current(self) -> Seen:
        if self._newer is not None:
            self._seen, self._newer = _as_seen(self._seen.epoch, self._newer), None
        return self._seen

    async def _wrong(self, seen: Seen) -> str:
        """What a look finds wrong, given what was seen while all was well, and what since."""
        since = self._later
        wrong = await self._look.wrong(seen) if seen.sequence else ""
        return wrong or (await self._look.wrong(_as_seen(seen.epoch, since)) if since is not None else "")

    def _found(self, wrong: str, connection: int) -> None:
        """What a look found counts once it was found for long enough."""
        now = self._looked = time.monotonic()
        if not wrong:
            self._doubt, self._sure = "", connection
            later, self._later = self._later, None
            if later is not None:
                self.note(*later)
            return
        if not self._doubt:
            self._doubted = now
            logs.emit(names.HISTORY_DOUBTED, found=wrong)
        self._doubt = wrong
        if now - self._doubted >= (PATIENCE if self._bus.clustered else HASTE):
            self._lose(wrong)

    def _lose(self, what: str) -> None:
        if self.lost:
            return
        self.lost, self._doubt, self._stale = what, "", self._running
        names.SAFE_MODE.set(1)
        logs.emit(names.HISTORY_LOST, lost=what)

    async def _adopt(self, connection: int) -> None:
        """Begin to remember anew, from what stands in the ledger now."""
        newest = await self._look.newest()
        epoch, was = self._word.said.epoch, self.lost
        later = epoch > self._seen.epoch and self._running
        self._seen, self._newer, self._later = Seen(epoch), None, None
        if newest is not None:
            digest = digest_of(newest.subject, newest.payload)
            self._seen = Seen(epoch, newest.sequence, newest.subject, digest, newest.time)
        self._generation += 1
        self.lost = self._doubt = ""
        self._sure, self._looked = connection, time.monotonic()
        names.SAFE_MODE.set(0)
        if was:
            logs.emit(names.HISTORY_ACCEPTED, by=self._word.said.accepted_by, lost=was)
        if later and self._on_accepted is not None:
            self._on_accepted()

    async def _tell(self) -> None:
        """Write a loss down for everybody, if that is for this process to do; then this process has to start anew."""
        if not self.lost:
            return
        if self._tells and not self._told(self._word):
            with suppress(BusError):  # such as that somebody else did, and the next look reads it
                await word.write(self._bus, self._loss(self._word), self._word)
            return
        if self._stale and self._on_lost is not None:
            self._stale = False
            self._on_lost()

    def _told(self, last: Word) -> bool:
        """Whether it says that some is lost, and not only what was accepted here before."""
        return last.open and last.said.epoch > self._seen.epoch

    def _loss(self, last: Word) -> pb.History:
        now = time.time()
        epoch = max(last.said.epoch + 1, self._seen.epoch + 1, int(now))
        return pb.History(epoch=epoch, lost=self.lost or "a bot found that some is gone", lost_at=timestamp(now))


def _as_seen(epoch: int, noted: Noted) -> Seen:
    sequence, subject, payload, at = noted
    return Seen(epoch, sequence, subject, digest_of(subject, payload), at)
