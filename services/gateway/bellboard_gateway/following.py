"""Following the bus: each replica of the gateway reads the ledger, progress and talk by itself, and keeps them up to date."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import NamedTuple

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus, Follow, Message
from bellboard.errors import BusError
from bellboard.history import History
from bellboard.ledger.state import IllegalTransition
from bellboard.ledger.subjects import Author, Key, parse
from bellboard.telemetry import logs, names, trace
from bellboard.telemetry.otlp import SpanSender

from .mentions import Mentions
from .projection import Projection, View

BACK = 20_000
"""Records and lines of the past that are read at start."""

RETRY = 0.3
CHECK_PROGRESS = 2.0
"""Seconds between looks at whether the progress stream began anew, as it does when it is made again."""


class Cursor(NamedTuple):
    """How far the streams were read: the last sequence of the ledger and of the lines, the same on every replica."""

    ledger: int = 0
    lines: int = 0


class Watchers:
    """Who waits for a change, by topic."""

    def __init__(self) -> None:
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def on(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the topic changed."""
        event = asyncio.Event()
        self._events[topic].add(event)
        try:
            yield event
        finally:
            self._events[topic].discard(event)
            if not self._events[topic]:
                del self._events[topic]

    def tell(self, *topics: str) -> None:
        for topic in topics:
            for event in self._events.get(topic, ()):
                event.set()


class Following:
    """Reads the streams into a projection, and tells the watchers.

    Attributes:
        begin, position: from where, and how far, the streams were read.
        caught_up: set once everything that was in the ledger at start has been read.
        mentions: who was mentioned in what was read.
    """

    def __init__(
        self, bus: Bus, projection: Projection, watchers: Watchers, spans: SpanSender | None, history: History | None
    ) -> None:
        self._history = history
        self._bus, self._all, self._watchers, self._spans = bus, projection, watchers, spans
        self.begin = self.position = Cursor()
        self.mentions = Mentions()
        self.caught_up = asyncio.Event()
        self._line_to_card = cache(names.LINE_TO_CARD.labels)
        self._progress = 0

    async def run(self) -> None:
        """Follow until cancelled, or until the bus is closed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_ledger())
            group.create_task(self._follow_lines())
            group.create_task(self._follow_progress())

    async def _follow_ledger(self) -> None:
        end = await self._end("LED")
        begin = max(0, end - BACK)
        self.begin = self.begin._replace(ledger=begin)
        if end == 0:
            self.caught_up.set()
        async for message in self._bus.follow("LED", after=begin):
            if self._history is not None:
                self._history.note(message.sequence, message.subject, message.payload, message.time)
            try:
                await self._take(message)
            except (DecodeError, ValueError, IllegalTransition) as error:
                logs.emit(names.BOARD_UNREADABLE, subject=message.subject, error=str(error))
            self.position = self.position._replace(ledger=message.sequence)
            if message.sequence >= end:
                self.caught_up.set()

    async def _take(self, message: Message) -> None:
        key, author = parse(message.subject)
        record = pb.Record.FromString(message.payload)
        if key.id not in self._all.views:
            envelope = await self._envelope(key, author, record)
            if envelope is None:
                return  # only the gateway begins a command
            self._all.begin(key, envelope)
        feed = self._all.feed(self._all.views[key.id].room)
        before = feed.at
        view = self._all.record(key, author, record, message.sequence)
        if view is not None:
            self._look_for_mentions(view)
            self._watchers.tell(f"room {view.room}", f"command {key.id}", *(["stirs"] if feed.at != before else []))
            for other in self._all.moved(view):
                self._watchers.tell(f"room {other.room}", f"command {other.key.id}")
            if view.final and view.envelope.pipe:
                self._watchers.tell("pipes")
            if view.final and self.caught_up.is_set():
                # Later, so that whoever waits for the card goes first.
                asyncio.get_running_loop().call_soon(self._ended, view, message.time)

    def _ended(self, view: View, at: float) -> None:
        """Measure a command whose final state has come to this board."""
        effect = options.Effect.Name(view.envelope.effect).removeprefix("EFFECT_")
        self._line_to_card(view.key.bot, effect).observe(max(0.0, at - view.began))
        context = trace.parse(view.envelope.traceparent)
        if self._spans is not None and context is not None:
            own, root = secrets.token_hex(8), trace.span_id(view.key.id)
            name = names.SPAN_CARD.name
            self._spans.add([trace.Span(name, context.trace_id, own, root, self._spans.service, at, max(at, time.time()))])

    async def _envelope(self, key: Key, author: Author, record: pb.Record) -> pb.Envelope | None:
        """What a command is, from the record at hand, or from before where the board began to read."""
        if author is not Author.BOT and record.HasField("command"):
            return pb.Envelope.FromString(record.command.envelope)
        for writer in (Author.RUN, Author.GATEWAY):
            with suppress(BusError):
                before = await self._bus.last("LED", key.subject(writer))
                first = pb.Record.FromString(before.payload) if before else None
                if first is not None and first.HasField("command"):
                    return pb.Envelope.FromString(first.command.envelope)
        return None

    async def _follow_lines(self) -> None:
        begin = max(0, await self._end("ROOM") - BACK)
        self.begin = self.begin._replace(lines=begin)
        async for message in self._bus.follow("ROOM", after=begin):
            try:
                line = pb.RoomLine.FromString(message.payload)
            except DecodeError as error:
                logs.emit(names.BOARD_UNREADABLE, subject=message.subject, error=str(error))
            else:
                self._all.line(line, message.sequence)
                self.mentions.line(line)
                self._watchers.tell(f"room {line.room}", "stirs", "mentions")
            self.position = self.position._replace(lines=message.sequence)

    async def _follow_progress(self) -> None:
        await self.caught_up.wait()
        while not self._bus.closed:
            self._progress = 0
            follow = self._bus.follow("PROG")
            guard = asyncio.create_task(self._end_if_new(follow))
            try:
                async for message in follow:
                    self._take_progress(message)
                    self._progress = message.sequence
            finally:
                guard.cancel()

    async def _end_if_new(self, follow: Follow) -> None:
        """End a follow once its stream is shorter than what was read of it: the stream began anew."""
        while True:
            await asyncio.sleep(CHECK_PROGRESS)
            if await self._end("PROG") < self._progress:
                await follow.aclose()
                return

    def _take_progress(self, message: Message) -> None:
        try:
            bot = message.subject.split(".")[1]
            view = self._all.progress(bot, pb.ProgressRecord.FromString(message.payload))
        except (DecodeError, IndexError) as error:
            logs.emit(names.BOARD_UNREADABLE, subject=message.subject, error=str(error))
            return
        if view is not None:
            self._look_for_mentions(view)
            self._watchers.tell(f"room {view.room}", f"command {view.key.id}")

    def _look_for_mentions(self, view: View) -> None:
        before = self.mentions.newest
        self.mentions.command(view)
        if self.mentions.newest != before:
            self._watchers.tell("mentions")

    async def _end(self, stream: str) -> int:
        """The last sequence of a stream, asked for until there is an answer."""
        while True:
            try:
                return await self._bus.end(stream)
            except BusError:
                await asyncio.sleep(RETRY)
