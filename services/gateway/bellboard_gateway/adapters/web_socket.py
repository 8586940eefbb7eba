"""One browser's socket: reads what it asks, and tells it what happens in the room that it looks at.

The socket speaks JSON objects, ``t`` telling which. Cards, lines and BlobRefs are the proto3 JSON of their messages, with
the field names of the .proto files.

From the browser:

- ``watch {room, cursor?}``: tell of this room from now on, instead of any other; ``cursor`` is the last one it was told.
- ``say {id, room, thread?, text, uploads?, explicit?, talk?}``: a line. The browser makes the id, and sends the line again
  with the same id until it has a verdict.
- ``complete {n, room, line, cursor}``: what may stand at the cursor? (counted in UTF-16, as ``start`` is)
- ``earlier {room, before}``: what happened before this moment (ms since 1970)?
- ``find {id}``: a card by its id.

To the browser:

- ``hello {me, people, rooms, present, version}``: once, at the start. ``rooms`` are ``{id, title, at}``.
- ``batch {room, cursor, reset, more, cards, lines}``: the latest state of whatever changed; with ``reset`` it is all there
  is to show, and with ``more`` there is an earlier past. A card with a lower ``sequence`` than the one that is shown is
  older than it. ``lines`` are ``{sequence, line}``.
- ``rehearses {room, by}``: who had the room rehearse, empty if it does not; at first, and when that changes.
- ``earlier {room, cards, lines, more}``.
- ``found {id, card?}``.
- ``verdict {id, kind, …}``: what became of a line: ``command {command_id}``, ``talk {blocks?}``, ``answer {blocks}``,
  ``misunderstood {not_understood}``, ``not_accepted {reason, final}``; unless final, it is to be sent again.
- ``completions {n, items}``: ``items`` are ``{text, help, start}``: may stand from ``start`` to the cursor.
- ``present {people}``: the ids of those who have the page open.
- ``stirs {rooms}``: when something last happened in each room (ms since 1970).
- ``mentions {mentions}``: of this person by others, in any room: ``{id, room, thread, by, text, at, fresh}``. ``id`` is the
  line's or the command's; ``fresh`` is what came within the last minute.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import BusError
from bellboard.telemetry import logs, names

from ..board import RECENT, Batch
from ..following import Cursor
from ..people import Person
from ..projection import Line
from ..rooms import FILE, MAX_UPLOAD, PICTURES
from .web_door import Said

if TYPE_CHECKING:
    from .web import Web

AT_ONCE = 16
"""Lines and questions of one browser that are worked on at the same time; it is not read from beyond that."""

STIR_EVERY = 0.5
"""Seconds between two words about other rooms."""

FRESH, REMEMBERED = 60.0, 7 * 86400.0
"""Seconds for which a mention is news, and for which a page that connects is told of it."""

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Malformed(ValueError):
    """What came is nothing that the page sends."""


class Browser:
    """A connected page. ``session`` is the cookie that it came with."""

    def __init__(self, house: Web, socket: web.WebSocketResponse, person: Person, session: str = "") -> None:
        self._house, self._socket, self.person, self.session = house, socket, person, session
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._room_for_more = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Serve the page until it goes away."""
        try:
            await self._hello()
            self._spawn(self._stirs())
            self._spawn(self._mentions())
            await self._house.tell_present()
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(message.data)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Tell the page that the gateway goes away; it will come back by itself."""
        await self._socket.close(code=1001)

    async def send(self, **message: Any) -> None:
        """Send one message. A page that has gone away misses nothing: it catches up when it is back."""
        with suppress(ConnectionError, RuntimeError):
            if not self._socket.closed:
                await self._socket.send_str(orjson.dumps(message).decode())

    async def _hello(self) -> None:
        people = [{"id": person.id, "name": person.name or person.id} for person in self._house.people.everyone]
        rooms = [
            {"id": room.id, "title": room.title or room.id, "at": self._house.board.at(room.id) * 1000}
            for room in self._house.people.rooms
        ]
        present, version = self._house.present(), self._house.version
        await self.send(t="hello", me=self.person.id, people=people, rooms=rooms, present=present, version=version)

    async def _take(self, text: str) -> None:
        try:
            asked = orjson.loads(text)
            work = self._answer(asked)
        except (ValueError, KeyError, TypeError, AttributeError):
            await self._socket.close(code=1007, message=b"not understood")
            return
        if work is not None:
            await self._room_for_more.acquire()
            self._spawn(work).add_done_callback(lambda _: self._room_for_more.release())

    def _answer(self, asked: dict[str, Any]) -> Coroutine[Any, Any, None] | None:
        """What is to be done about a message. Raises what a malformed one makes it raise."""
        match asked["t"]:
            case "watch":
                if self._watch is not None:
                    self._watch.cancel()
                self._watch = self._spawn(self._tell(self._room(asked), _cursor(asked.get("cursor"))))
            case "say":
                return self._say(self._said(asked))
            case "complete":
                said = Said("", self._room(asked), self.person.id, str(asked["line"]))
                return self._complete(int(asked["n"]), said, int(asked["cursor"]))
            case "earlier":
                return self._earlier(self._room(asked), float(asked["before"]))
            case "find":
                return self._find(str(asked["id"]))
            case _:
                raise Malformed
        return None

    def _room(self, asked: dict[str, Any]) -> str:
        room = self._house.people.room(str(asked["room"]))
        if room is None:
            raise Malformed
        return room.id

    def _said(self, asked: dict[str, Any]) -> Said:
        id, text, thread = asked["id"], asked["text"], asked.get("thread", "")
        if not (isinstance(text, str) and isinstance(thread, str) and _ID.fullmatch(id) and len(thread) <= 64):
            raise Malformed
        uploads = tuple(_upload(ref) for ref in asked.get("uploads", ())[:8])
        talk, explicit = bool(asked.get("talk")), bool(asked.get("explicit"))
        return Said(id, self._room(asked), self.person.id, text, thread, explicit, talk, uploads)

    async def _say(self, said: Said) -> None:
        await self.send(t="verdict", id=said.id, **await self._house.door.say(said))

    async def _complete(self, number: int, said: Said, cursor: int) -> None:
        await self.send(t="completions", n=number, items=self._house.door.complete(said, cursor))

    async def _earlier(self, room: str, before: float) -> None:
        views, lines = self._house.board.earlier(room, before / 1000)
        cards = [_json(await self._house.board.card(view)) for view in views]
        await self.send(t="earlier", room=room, cards=cards, lines=_lines(lines), more=bool(views or lines))

    async def _find(self, id: str) -> None:
        view = self._house.board.view(id)
        await self.send(t="found", id=id, card=_json(await self._house.board.card(view)) if view else None)

    async def _tell(self, room: str, seen: Cursor | None) -> None:
        told: str | None = None
        async for batch in self._house.board.batches(room, seen):
            await self._send_batch(room, batch)
            with suppress(BusError):  # then the next batch asks again
                by = await self._house.door.rehearses(room)
                if by != told:
                    told = by
                    await self.send(t="rehearses", room=room, by=by)

    async def _send_batch(self, room: str, batch: Batch) -> None:
        cards = [_json(card) for card in await self._house.board.cards(batch)]
        lines, more = _lines(batch.lines), batch.reset and len(batch.views) + len(batch.lines) >= RECENT
        await self.send(t="batch", room=room, cursor=list(batch.cursor), reset=batch.reset, more=more, cards=cards, lines=lines)

    async def _stirs(self) -> None:
        async for rooms in self._house.board.stirs():
            await self.send(t="stirs", rooms={room: at * 1000 for room, at in rooms.items()})
            await asyncio.sleep(STIR_EVERY)

    async def _mentions(self) -> None:
        async for found in self._house.board.mentions(self.person.id):
            now = time.time()
            told = [
                {
                    "id": one.id,
                    "room": one.room,
                    "thread": one.thread,
                    "by": one.by,
                    "text": one.text,
                    "at": one.at * 1000,
                    "fresh": now - one.at < FRESH,
                }
                for one in found
                if one.room and now - one.at < REMEMBERED
            ]
            if told:
                await self.send(t="mentions", mentions=told)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a task's boundary
        logs.emit(names.UNEXPECTED, exc=error)


def _cursor(said: Any) -> Cursor | None:
    if said is None:
        return None
    ledger, lines = said
    return Cursor(int(ledger), int(lines))


def _upload(said: dict[str, Any]) -> chat.BlobRef:
    """The BlobRef of an upload, as the page sends it back."""
    kind, size = said.get("media_type"), int(said["size"])
    if not _SHA256.fullmatch(said["sha256"]) or not 0 < size <= MAX_UPLOAD:
        raise Malformed
    name = str(said.get("name", ""))[:100]
    return chat.BlobRef(owner="gw", sha256=said["sha256"], media_type=kind if kind in PICTURES else FILE, size=size, name=name)


def _lines(lines: list[Line]) -> list[dict[str, Any]]:
    return [{"sequence": kept.sequence, "line": _json(kept.line)} for kept in lines]


def _json(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)
