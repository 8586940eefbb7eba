"""What happened in a room over a stretch of time: off the board, and out of the streams where the board begins later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import IllegalTransition
from bellboard.ledger.subjects import Author, parse

from .board import Board
from .projection import Projection, View
from .rooms import subjects_of
from .stages import next_id

MOST_READ = 20_000
"""Messages of each stream that are read for one question."""

AT_ONCE = 200
"""Records that are taken in before others have their turn."""

ENDING = 3600.0
"""Seconds behind the stretch in which the ends of its commands are looked for."""

SLACK = 60.0
"""Seconds by which the clocks of those who wrote may differ."""


@dataclass(frozen=True, slots=True)
class Past:
    """What happened in a room.

    Attributes:
        views: the commands, each as it stands now or last stood, by when its line came in.
        lines: the talk, the oldest first.
        missing: from when to when, in seconds since 1970, and why, where something could not be had.
    """

    views: Sequence[View]
    lines: Sequence[pb.RoomLine]
    missing: tuple[float, float, str] | None = None

    def newest_stage(self, view: View) -> View:
        """The last stage of a command's pipe that has begun; itself where it is in none."""
        known = {one.key.id: one for one in self.views}
        while (below := known.get(next_id(view.envelope))) is not None:
            view = below
        return view


async def read(board: Board, bus: Bus, room: str, start: float, end: float) -> Past:
    """What happened in a room from one moment to another, in seconds since 1970."""
    views = {view.key.id: view for view in board.views(room)}
    lines = {line.id: line for line in board.lines(room)}
    missing = None
    if not board.reaches(room, start):
        told, missing = await _streams(bus, room, start, end, min((view.began for view in views.values()), default=end))
        views = {**told.views, **views}
        lines = {**{kept.line.id: kept.line for kept in told.feed(room).lines}, **lines}
    return Past(
        sorted((view for view in views.values() if start <= view.began <= end), key=lambda view: (view.began, view.key.id)),
        sorted((line for line in lines.values() if start <= seconds(line.at) <= end), key=lambda line: seconds(line.at)),
        missing,
    )


async def _streams(
    bus: Bus, room: str, start: float, end: float, board: float
) -> tuple[Projection, tuple[float, float, str] | None]:
    """The same out of the streams, and what could not be had of what came before the board's oldest (a moment)."""
    told = Projection(keep=MOST_READ, keep_lines=MOST_READ)
    try:
        records = await bus.scan("LED", "led.>", since=start - SLACK, most=MOST_READ)
        talk = await bus.scan("ROOM", subjects_of(room), since=start - SLACK, most=MOST_READ)
    except BusError as error:
        return told, (start, min(board, end), error.text)
    last = end + ENDING
    for number, message in enumerate(records):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)  # whoever else asks for something goes first
        if message.time <= last:
            _take(told, room, message.subject, message.payload, message.sequence)
    for message in talk:
        try:
            told.line(pb.RoomLine.FromString(message.payload), message.sequence)
        except DecodeError:
            continue
    reached = [found[-1].time for found in (records, talk) if len(found) >= MOST_READ]
    if reached and min(reached) < min(board, end):
        return told, (min(reached), min(board, end), "too much happened to be read at once")
    return told, None


def _take(told: Projection, room: str, subject: str, payload: bytes, sequence: int) -> None:
    """Take in a record, if it is one of the room's, as the board does; what the board would not listen to is passed over."""
    try:
        key, author = parse(subject)
        record = pb.Record.FromString(payload)
        if key.id not in told.views:
            if author is Author.BOT or not record.HasField("command"):
                return  # it began before, or in another room
            envelope = pb.Envelope.FromString(record.command.envelope)
            if envelope.origin.room != room:
                return
            told.begin(key, envelope)
        if (view := told.record(key, author, record, sequence)) is not None:
            told.moved(view)
    except (DecodeError, ValueError, IllegalTransition):
        return


def in_thread(past: Past, thread: str) -> Past:
    """Only what is in the thread of a message or card: what was typed there, and the card itself with all that is on it."""
    views = [v for v in past.views if thread in (v.envelope.origin.thread, v.envelope.card, v.envelope.id)]
    return Past(views, [line for line in past.lines if thread in (line.thread, line.id)], past.missing)
