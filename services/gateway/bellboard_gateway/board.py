"""The board: what stands on it, and looking on.

Nothing is queued for a watcher: it holds only how far it has seen, and gets the latest state of whatever changed since. A
slow one skips states, never the last, and costs no memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.errors import BellboardError
from bellboard.history import History
from bellboard.ids import child_id
from bellboard.ledger.subjects import Author, parse
from bellboard.telemetry import logs, names
from bellboard.telemetry.otlp import SpanSender

from . import traces
from .following import Cursor, Following, Watchers
from .mentions import Mention
from .projection import KEEP, Line, Projection, View
from .stages import next_id

RECENT = 150
"""Commands and lines that a watcher gets to begin with."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed in a room. With ``reset``, what was seen before may have gaps and is to be thrown away."""

    views: list[View]
    lines: list[Line]
    cursor: Cursor
    reset: bool = False


class Board:
    """Follows the bus in `run`, and answers what stands on the board."""

    def __init__(
        self,
        bus: Bus,
        blobs: Blobs,
        *,
        keep: int = KEEP,
        spans: SpanSender | None = None,
        history: History | None = None,
        trace_url: str = "",
    ) -> None:
        self._bus, self._blobs, self._trace_url = bus, blobs, trace_url
        self._all, self._watchers = Projection(keep), Watchers()
        self._following = Following(bus, self._all, self._watchers, spans, history)

    @property
    def caught_up(self) -> asyncio.Event:
        """Set once everything that was in the ledger at start has been read."""
        return self._following.caught_up

    async def run(self) -> None:
        """Follow the bus until cancelled, or until it is closed."""
        await self._following.run()

    def health(self) -> str | None:
        """Why the board can't be relied upon now; None if it can."""
        return None if self.caught_up.is_set() else "the board is still reading the ledger"

    # --- what stands on the board ---

    def view(self, prefix: str) -> View | None:
        """The command with this id, or the only one whose id begins so (at least 4 characters)."""
        return self._all.find(prefix)

    def known(self, id: str) -> View | None:
        """The command with exactly this id."""
        return self._all.views.get(id)

    async def envelope(self, bot: str, id: str) -> pb.Envelope | None:
        """What the command with exactly this id is; of this bot's also where it stands on the board no more.

        Raises:
            BusError: it can't be read now.
        """
        if view := self.known(id):
            return view.envelope
        for message in await self._bus.lasts("LED", f"led.*.{bot}.{id}.*"):
            record = pb.Record.FromString(message.payload) if parse(message.subject)[1] is not Author.BOT else pb.Record()
            if record.HasField("command"):
                return pb.Envelope.FromString(record.command.envelope)
        return None

    async def asked(self, view: View) -> list[str]:
        """The ids of the commands that one asked for at once, to be shown on its card. They need not be on the board yet.

        Raises:
            BusError: it can't be known now.
        """
        found = await self._bus.lasts("REQ", f"req.{view.key.bot}.{view.key.id}.*")
        requests = [pb.CommandRequest.FromString(message.payload) for message in found]
        here = [one for one in requests if one.line and not (one.room or one.thread or one.card or one.HasField("at"))]
        ids = [child_id(one.parent, one.ordinal) for one in here]
        known = (other for other in self.views(view.room) if other.envelope.parent == view.key.id)
        return [*ids, *(v.key.id for v in known if v.envelope.cause != pb.CAUSE_PIPE and v.key.id not in ids)]

    def pipe(self, view: View) -> list[View]:
        """The stages of a command's pipe that there are, in order; of a command by itself, that one."""
        while view.envelope.cause == pb.CAUSE_PIPE and (above := self.known(view.envelope.parent)):
            view = above
        found = [view]
        while below := self.known(next_id(found[-1].envelope)):
            found.append(below)
        return found

    def matching(self, prefix: str) -> list[View]:
        """Every command whose id begins so (at least `MIN_PREFIX` characters)."""
        return self._all.matching(prefix)

    def views(self, room: str) -> list[View]:
        """The commands of a room, by when they last changed."""
        return list(self._all.feed(room).views.values())

    def open(self) -> Iterable[View]:
        """The commands that are not final."""
        return [view for view in self._all.views.values() if not view.final]

    def lines(self, room: str) -> list[pb.RoomLine]:
        """The lines of talk of a room, oldest first."""
        return [kept.line for kept in self._all.feed(room).lines]

    def reaches(self, room: str, start: float) -> bool:
        """Whether all that came into a room since a moment, in seconds since 1970, stands on the board."""
        begin = self._following.begin
        return self._all.reaches(room, start, commands=begin.ledger == 0, lines=begin.lines == 0)

    def at(self, room: str) -> float:
        """When something new last happened in a room, in seconds since 1970; 0.0 if nothing did."""
        return self._all.feed(room).at

    def earlier(self, room: str, before: float) -> tuple[list[View], list[Line]]:
        """The commands and lines of a room from before a moment, as far as they are kept."""
        return self._all.feed(room).recent(RECENT, before)

    async def card(self, view: View) -> gateway.Card:
        """The card of a command, with its blocks loaded where the record keeps them in a blob."""
        await self._load(view)
        return self._card(view)

    async def cards(self, batch: Batch) -> list[gateway.Card]:
        """The cards of a batch, by ledger sequence. What changed beyond the batch's cursor is left to the next one."""
        for view in batch.views:
            await self._load(view)
        return [self._card(view) for view in batch.views if view.place <= batch.cursor.ledger]

    def trace_url(self, trace_id: str) -> str:
        """Where a trace can be looked at; empty where there is no such place."""
        return traces.url(self._trace_url, trace_id)

    def _card(self, view: View) -> gateway.Card:
        card = view.card()
        card.trace_url = self.trace_url(card.trace_id)
        return card

    async def _load(self, view: View) -> None:
        if view.newer is not None:
            await self._load(view.newer)
            return
        outcome = view.record.outcome
        if view.reply is None and outcome.HasField("reply_blob"):
            try:
                view.reply = chat.Reply.FromString(await self._blobs.get(outcome.reply_blob))
            except (BellboardError, DecodeError) as error:
                logs.emit(names.BOARD_UNREADABLE, command=view.key.id, error=str(error))

    async def history(self, id: str) -> list[tuple[int, Author, pb.Record]]:
        """Every record of a command, oldest first, read from the ledger. ``id`` may be a beginning that `view` finds.

        Raises:
            BusError: it can't be read now.
        """
        view = self.view(id)
        pattern = f"led.*.*.{view.key.id if view else id}.>"
        newest = max((message.sequence for message in await self._bus.lasts("LED", pattern)), default=0)
        records: list[tuple[int, Author, pb.Record]] = []
        if not newest:
            return records
        follow = self._bus.follow("LED", filters=[pattern])
        try:
            async for message in follow:
                records.append((message.sequence, parse(message.subject)[1], pb.Record.FromString(message.payload)))
                if message.sequence >= newest:
                    break
        finally:
            await follow.aclose()
        return records

    # --- looking on ---

    async def batches(self, room: str, seen: Cursor | None = None) -> AsyncGenerator[Batch, None]:
        """What is in a room, or what came since ``seen``, and then what changes; every command in its latest state."""
        with self._watchers.on(f"room {room}") as changed:
            tick = self._all.tick
            yield self._first(room, seen)
            while True:
                await changed.wait()
                changed.clear()
                batch, tick = self._since(room, tick), self._all.tick
                if batch.views or batch.lines or batch.reset:
                    yield batch

    async def watch(self, room: str, after: int = 0, lines_after: int = 0) -> AsyncGenerator[gateway.WatchRoomResponse, None]:
        """The same for programs: one event at a time, the ledger sequence of the cards of each batch going up."""
        async for batch in self.batches(room, Cursor(after, lines_after) if after or lines_after else None):
            for kept in batch.lines:
                yield gateway.WatchRoomResponse(line=kept.line, line_sequence=kept.sequence)
            for card in await self.cards(batch):
                yield gateway.WatchRoomResponse(card=card)

    async def follow(self, id: str) -> AsyncIterator[View]:
        """A command each time it changed, until it is final. It need not be on the board yet."""
        with self._watchers.on(f"command {id}") as changed:
            while True:
                changed.clear()
                if view := self.known(id):
                    final = view.final  # whoever looks on may take so long over it that it ends meanwhile
                    yield view
                    if final:
                        return
                if not changed.is_set():
                    await changed.wait()

    async def until_final(self, id: str) -> View:
        """Wait until a command is final."""
        async for view in self.follow(id):
            if view.final:
                return view
        raise AssertionError("a follow ends with a final state")

    async def handing_on(self) -> AsyncIterator[list[View]]:
        """The stages of pipes that are done while the one that follows is not there yet, whenever such came."""
        with self._watchers.on("pipes") as changed:
            while True:
                yield list(self._all.handing_on.values())
                await changed.wait()
                changed.clear()

    async def stirs(self) -> AsyncIterator[dict[str, float]]:
        """Each room's `at`, whenever something new came into any of them."""
        with self._watchers.on("stirs") as changed:
            while True:
                yield {room: feed.at for room, feed in self._all.feeds.items() if room}
                await changed.wait()
                changed.clear()

    async def mentions(self, person: str) -> AsyncIterator[list[Mention]]:
        """The mentions of a person by others, in whatever room: those that are kept, then what comes, oldest first."""
        told = 0
        with self._watchers.on("mentions") as changed:
            while True:
                new, told = self._following.mentions.of(person, told), self._following.mentions.newest
                if new:
                    yield new
                await changed.wait()
                changed.clear()

    def _first(self, room: str, seen: Cursor | None) -> Batch:
        feed, now, begin = self._all.feed(room), self._following.position, self._following.begin
        if seen is None or seen.ledger < begin.ledger or seen.lines < max(begin.lines, feed.forgotten[0]):
            views, lines = feed.recent(RECENT)
            shown = {view.key.id for view in views}
            views += [view for view in feed.views.values() if not view.final and view.key.id not in shown]
            return Batch(sorted(views, key=lambda view: view.place), lines, now, reset=True)
        # Progress has no place in the cursor, so commands that run are told again.
        views = [view for view in feed.changed(0) if view.place > seen.ledger or not view.final]
        lines = [line for line in feed.lines if line.sequence > seen.lines]
        return Batch(views, lines, Cursor(max(now.ledger, seen.ledger), max(now.lines, seen.lines)))

    def _since(self, room: str, tick: int) -> Batch:
        feed = self._all.feed(room)
        if feed.forgotten[1] > tick:
            return self._first(room, None)
        return Batch(feed.changed(tick), feed.lines_since(tick), self._following.position)
