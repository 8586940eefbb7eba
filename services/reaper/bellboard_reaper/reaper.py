"""Follows every record and every heartbeat, judges what stands still, and writes what is to be written."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus, Message
from bellboard.errors import BusError
from bellboard.history import History
from bellboard.ledger.ops import Stored, World, put
from bellboard.ledger.reap import Observed, Patience, Write, judge
from bellboard.ledger.state import S, frees, name
from bellboard.ledger.store import LEDGER, Store
from bellboard.ledger.subjects import Key, parse
from bellboard.telemetry import logs, names
from bellboard.telemetry.trace import Entry

from .measures import measure
from .tally import Tally, failure_code
from .watch import Watch, Watched

EVERY = 0.5
"""Seconds between two looks at everything, at most; it looks at once where somebody's turn may have come."""

AT_LEAST = 0.02

GAP = 2.0
"""A longer time between two looks means that the reaper, or the bus, stood still, and so that it missed what was said."""

TOLD_AGAIN = 60.0
"""Seconds before a reaper's start: what ended in them it tells, and maybe tells again. What ended earlier was told before."""

AT_ONCE = 32
TRIES = 2

Told = Callable[[Sequence[Entry]], None]
"""Is given all records of a command that came to a final state lately."""


class Reaper:
    """One of any number of reapers: compare-and-set decides between them, so no one of them leads."""

    def __init__(
        self,
        bus: Bus,
        patience: Patience,
        told: Told,
        world: World,
        clock: Callable[[], float] = time.monotonic,
        history: History | None = None,
    ) -> None:
        self._bus, self._patience, self._told, self._world, self._clock = bus, patience, told, world, clock
        self._history, self._store = history, Store(bus, "reaper", history=history)
        self._watch, self._tally = Watch(clock), Tally()
        self._look, self._came = asyncio.Event(), asyncio.Event()
        self._looked = 0.0
        self._began = world.now()
        self.caught_up = False

    async def run(self) -> None:
        """Reap until cancelled, or until the bus is closed."""
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(work) for work in (self._hear(), self._judge_on(), measure(self._bus))]
            await self._follow()
            for task in beside:
                task.cancel()

    async def _follow(self) -> None:
        async for message in self._bus.follow(LEDGER):
            try:
                self._take(message)
            except (ValueError, DecodeError):  # a bot may write garbage as itself; nothing follows from it
                logs.emit(names.LEDGER_GARBAGE, subject=message.subject, sequence=message.sequence)
            if self._history is not None:
                self._history.note(message.sequence, message.subject, message.payload, message.time)
            self._watch.followed = message.sequence
            self._came.set()

    def _take(self, message: Message) -> None:
        key, author = parse(message.subject)
        record = pb.Record.FromString(message.payload)
        new, code = key.id not in self._watch, failure_code(record)
        entries = self._watch.take(key, author, record, message.sequence)
        if message.time >= self._began:
            self._count(key, entries, code, new=new)
        if entries and message.time >= self._began - TOLD_AGAIN:
            self._told(entries)
        if self._watch.turns and (frees(record) or record.state == S.STATE_QUEUED):
            self._look.set()  # somebody's turn may have come

    def _count(self, key: Key, entries: Sequence[Entry], code: str, *, new: bool) -> None:
        """What came in before this reaper's start was counted by another."""
        if new and (entries or key.id in self._watch):
            self._tally.begun(key)
        if entries:
            self._tally.ended(key, entries, code)

    async def _hear(self) -> None:
        async for message in self._bus.listen("hb.>"):
            try:
                beat = registry.Heartbeat.FromString(message.payload)
            except DecodeError:
                continue
            if message.subject == f"hb.{beat.bot}.{beat.replica}":  # a bot speaks for itself alone
                self._watch.hear(beat)
                self._tally.hear(beat.bot)

    async def _judge_on(self) -> None:
        self._looked = self._clock()
        while True:
            await asyncio.sleep(AT_LEAST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._look.wait()
            self._look.clear()
            try:
                await self._judge()
            except Exception as error:  # noqa: BLE001  # a task boundary: the next look may go better
                logs.emit(names.UNEXPECTED, exc=error)

    async def _judge(self) -> None:
        current = await self._is_current()
        names.REAPER_SEES.set(current)
        if not current:
            return
        self._tally.open(self._watch.open, self._world.now())
        if self._history is not None:
            if await self._history.bars():
                self._watch.begin_anew()  # what is missing may have ended it; time counts again once a person has looked
                return
            self._watch.lost_before = self._history.accepted_at
        due = [(one, write) for one, seen in self._watch.observed() if (write := self._say(one, seen)) is not None]
        for start in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(self._write(one, write) for one, write in due[start : start + AT_ONCE]))

    async def _is_current(self) -> bool:
        """Whether the bus answers, and all that it holds was seen. After a gap every clock starts again."""
        try:
            end = await self._bus.end(LEDGER)
        except BusError:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GAP):
                await self._followed_to(end)
        now = self._clock()
        gap, self._looked = now - self._looked, now
        if gap >= GAP:
            if self.caught_up:
                logs.emit(names.REAPER_PAUSED, seconds=round(gap, 1))
            self._watch.begin_anew()
            return False
        if not self.caught_up and self._watch.followed >= end:
            self.caught_up = True
            logs.emit(names.REAPER_CURRENT, open=len(self._watch))
        return self._watch.followed >= end

    async def _followed_to(self, end: int) -> None:
        while self._watch.followed < end:
            self._came.clear()
            await self._came.wait()

    def _say(self, one: Watched, seen: Observed) -> Write | None:
        write = judge(seen, self._world, self._patience)
        if write is None or write.record.state != S.STATE_READY:
            return write
        if one.command is None:
            return None  # it can't be offered without its envelope; it will run out of time
        write.record.command.CopyFrom(one.command)
        return write

    async def _write(self, one: Watched, write: Write) -> None:
        answer = await self._store.drive(put(one.key, write.author, write.record, one.sequence, TRIES))
        if isinstance(answer, Stored):
            state = name(write.record.state)
            names.REAPER_VERDICTS.labels(one.key.bot, state).inc()
            logs.emit(names.REAPER_VERDICT, command=one.key.id, bot=one.key.bot, state=state, reason=write.record.reason)
