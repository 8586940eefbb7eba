"""Timers: what bots ask for at a moment. They stand on the bus, so they outlive whatever is killed.

Each replica follows them all and fires each when its moment has come, or at once where that is past. The command's id follows
from the request, so compare-and-set in the ledger lets one of them through; then the timer is cleared. A timer that was not
cleared, because its replica was killed, is fired again, and is the same command.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus, Message
from bellboard.errors import BusError, CasLost
from bellboard.ids import child_id
from bellboard.keep import token
from bellboard.ledger.ops import seconds
from bellboard.telemetry import logs, names

from .asks import Asks, NotYet

STREAM = "TIMER"
MOST = 10_000
"""Timers that a bot may have."""

LOOK = 1.0
"""The most seconds between two looks at the clock, which may be put forward or back."""

RETRY = 1.0
AT_ONCE = 16
"""Timers that are fired at the same time."""

CLEARED = {"Nats-TTL": "24h"}
"""How long it stands that a timer was cleared: until then no copy of the request can bring it back."""

FORGOTTEN = 1_000
"""Moments of timers that were replaced or taken back, and may be kept until they come."""

WORDS = 8
"""Tries to have the last word about a timer."""


Due = tuple[float, str, int]
"""A moment, and the subject and place of the timer that is due then."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A timer, and its place in the stream of timers."""

    subject: str
    sequence: int
    timer: pb.Timer

    @property
    def at(self) -> float:
        return seconds(self.timer.request.at)


@dataclass
class Timers:
    """Keeps timers, and fires them."""

    bus: Bus
    asks: Asks
    _kept: dict[str, Kept] = field(default_factory=dict)
    _due: list[Due] = field(default_factory=list)
    _bots: Counter[str] = field(default_factory=Counter)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _firing: set[asyncio.Task[None]] = field(default_factory=set)

    def count(self, bot: str) -> int:
        """How many timers a bot has."""
        return self._bots[bot]

    async def take(self, above: pb.Envelope, request: pb.CommandRequest, sequence: int) -> None:
        """Keep what a command asks for at a moment, or take a timer back; unless a later request has spoken about it.

        Args:
            sequence: the request's place among all.

        Raises:
            BusError: it is not certain that it stands; take it again.
        """
        timer = pb.Timer(bot=above.bot, request=request, sequence=sequence)
        if request.line:
            timer.above.CopyFrom(_brief(above))
        subject = _subject(above, request)
        for _ in range(WORDS):
            last = await self.bus.last(STREAM, subject)
            if last is not None and _timer(last).sequence >= sequence:
                return
            with contextlib.suppress(CasLost):
                await self._write(subject, timer, last.sequence if last else 0)
                return
        raise BusError("others speak about this timer at the same time")

    async def run(self) -> None:
        """Follow the timers and fire them until cancelled."""
        await self.asks.board.caught_up.wait()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._fire_on())
        finally:
            for task in self._firing:
                task.cancel()
            await asyncio.gather(*self._firing, return_exceptions=True)

    async def _follow(self) -> None:
        async for message in self.bus.follow(STREAM):
            self._note(Kept(message.subject, message.sequence, _timer(message)))

    def _note(self, kept: Kept) -> None:
        before = self._kept.pop(kept.subject, None)
        self._bots[kept.timer.bot] -= before is not None
        if kept.timer.request.line:
            self._kept[kept.subject] = kept
            self._bots[kept.timer.bot] += 1
            self._wait_until(kept.at, kept)
        names.TIMERS_WAITING.set(len(self._kept))

    def _wait_until(self, moment: float, kept: Kept) -> None:
        if len(self._due) > 2 * len(self._kept) + FORGOTTEN:
            self._due = [due for due in self._due if self._stands(due) is not None]
            heapq.heapify(self._due)
        heapq.heappush(self._due, (moment, kept.subject, kept.sequence))
        self._came.set()

    def _stands(self, due: Due) -> Kept | None:
        """The timer that is due; None if it was replaced or taken back."""
        kept = self._kept.get(due[1])
        return kept if kept is not None and kept.sequence == due[2] else None

    async def _fire_on(self) -> None:
        free = asyncio.Semaphore(AT_ONCE)
        while True:
            self._came.clear()
            now = self.asks.dispatch.world.now()
            while self._due and self._due[0][0] <= now:
                kept = self._stands(heapq.heappop(self._due))
                if kept is not None:
                    await free.acquire()
                    task = asyncio.create_task(self._fire(kept), name=f"timer {kept.subject}")
                    self._firing.add(task)
                    task.add_done_callback(self._firing.discard)
                    task.add_done_callback(lambda _: free.release())
            left = self._due[0][0] - now if self._due else LOOK
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK, max(0.0, left))):
                    await self._came.wait()

    async def _fire(self, kept: Kept) -> None:
        try:
            await self._bring(kept)
            await self._clear(kept)
        except (NotYet, BusError):
            self._wait_until(self.asks.dispatch.world.now() + RETRY, kept)
        except Exception as error:  # noqa: BLE001  # a task boundary: one timer must not stop the others
            logs.emit(names.UNEXPECTED, exc=error, subject=kept.subject)
            self._wait_until(self.asks.dispatch.world.now() + RETRY, kept)

    async def _bring(self, kept: Kept) -> None:
        """Bring the command, unless somebody had another word about the timer that has not come here yet."""
        if not self.asks.inbox.registry.loaded:
            raise NotYet
        last = await self.bus.last(STREAM, kept.subject)
        if last is None or last.sequence != kept.sequence:
            return
        now, timer = self.asks.dispatch.world.now(), kept.timer
        await self.asks.bring(timer.above, timer.request, timed=True, age=now - kept.at)
        names.TIMER_LATE.labels(timer.bot).observe(max(0.0, now - kept.at))

    async def _clear(self, kept: Kept) -> None:
        cleared = pb.Timer(bot=kept.timer.bot, sequence=kept.timer.sequence)
        with contextlib.suppress(CasLost):  # another replica has cleared it, or it was replaced
            await self._write(kept.subject, cleared, kept.sequence)

    async def _write(self, subject: str, timer: pb.Timer, expected: int) -> None:
        headers = {} if timer.request.line else CLEARED
        await self.bus.publish(subject, timer.SerializeToString(), headers=headers, expected=expected)


def _subject(above: pb.Envelope, request: pb.CommandRequest) -> str:
    """Where a timer stands. What is rehearsed has names of its own, so that it replaces nothing that is for real."""
    name = token(request.key) if request.key else f"={child_id(request.parent, request.ordinal)}"
    return f"tmr.{above.bot}.{'~' if above.rehearsal else ''}{name}"


def _timer(message: Message) -> pb.Timer:
    """The timer; a cleared one where it can't be read, which only a gateway of another version could have written."""
    try:
        return pb.Timer.FromString(message.payload)
    except DecodeError:
        logs.emit(names.BOARD_UNREADABLE, subject=message.subject, error="it is no timer")
        return pb.Timer()


def _brief(above: pb.Envelope) -> pb.Envelope:
    """What has to be known of a command to run later what it asked for."""
    return pb.Envelope(
        id=above.id,
        team=above.team,
        bot=above.bot,
        lane=above.lane,
        principal=above.principal,
        parent=above.parent,
        card=above.card,
        rehearsal=above.rehearsal,
        origin=above.origin,
        traceparent=above.traceparent,
    )
