"""Talk in rooms: lines that are no commands, and uploads. Each stands at ``room.<room>.line.<message>``."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.errors import CasLost, Unconfirmed, UserError
from bellboard.ledger.ops import timestamp

from .board import Board

MAX_UPLOAD = 5 * 1024 * 1024
"""Bytes of one upload."""

MAX_TEXT = 4096
"""Bytes of one line of talk, in UTF-8."""

MAX_UPLOADS = 4
"""Uploads with one line."""

TRIES = 2
"""Offers of a line to the bus before the person is told that it is not known whether it was taken."""

FILE = "application/octet-stream"
"""The media type of whatever is not a known picture."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
PICTURES = frozenset({*(kind for _, kind in _MAGIC), "image/webp"})
"""The media types that are shown as pictures."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def media_type(data: bytes) -> str:
    """Tell a picture by its first bytes; it is not decoded here."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), FILE)


def subject_of(room: str, message: str) -> str:
    """Where a line of talk stands on the bus."""
    return f"room.{_token(room)}.line.{_token(message)}"


def subjects_of(room: str) -> str:
    """Where all of a room's talk stands."""
    return f"room.{_token(room)}.line.*"


def _token(word: str) -> str:
    """A word as part of a subject: itself where it is plain, else its hash."""
    return word if _TOKEN.fullmatch(word) else hashlib.sha256(word.encode()).hexdigest()[:32]


class Rooms:
    """Stores talk and uploads, and reads them off the board.

    Args:
        blobs: the gateway's own, with owner "gw".
    """

    def __init__(self, bus: Bus, blobs: Blobs, board: Board) -> None:
        self._bus, self._blobs, self._board = bus, blobs, board

    async def say(
        self, *, room: str, message: str, person: str, text: str, thread: str = "", uploads: Sequence[chat.BlobRef] = ()
    ) -> pb.RoomLine:
        """Store a line of talk. The same message id again is the same line: what stands is returned.

        Raises:
            UserError: the line is too long, or has too many uploads.
            Unconfirmed: it is not known whether the line was taken; say it again with the same message id.
            BusUnavailable: it was not.
        """
        if len(text.encode()) > MAX_TEXT:
            raise UserError("the line is too long", hint=f"at most {MAX_TEXT} bytes; upload the rest as a file")
        if len(uploads) > MAX_UPLOADS:
            raise UserError("too many files", hint=f"at most {MAX_UPLOADS} with one line")
        line = pb.RoomLine(id=message, room=room, thread=thread, person=person, text=text, uploads=uploads)
        line.at.CopyFrom(timestamp(time.time()))
        subject = subject_of(room, message)
        for attempt in range(TRIES):
            try:
                await self._bus.publish(subject, line.SerializeToString(), expected=0, scope=subject)
            except CasLost:
                stands = await self._bus.last("ROOM", subject)
                return pb.RoomLine.FromString(stands.payload) if stands else line
            except Unconfirmed:
                if attempt + 1 == TRIES:
                    raise
            else:
                return line
        return line

    async def upload(self, data: bytes, name: str) -> chat.BlobRef:
        """Store a file that a person dropped into a room.

        Raises:
            UserError: it is empty or too large.
            BusError: it could not be stored.
        """
        if not data:
            raise UserError("the file is empty", hint="choose another")
        if len(data) > MAX_UPLOAD:
            raise UserError("the file is too large", hint=f"at most {MAX_UPLOAD // 1024 // 1024} MiB")
        return await self._blobs.put(data, media_type=media_type(data), name=name[-100:])

    def last_picture(self, room: str, person: str = "") -> chat.BlobRef | None:
        """The newest picture uploaded to a room; with ``person``, by that person."""
        for line in reversed(self._board.lines(room)):
            if person and line.person != person:
                continue
            for ref in reversed(line.uploads):
                if ref.media_type in PICTURES:
                    return ref
        return None
