"""What names in a line mean in a room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.grammar import picture_word

from .people import People

PICTURE = "image/"


class Pictures(Protocol):
    """Finds what was uploaded to a room."""

    def last_picture(self, room: str, person: str = "") -> chat.BlobRef | None:
        """The newest picture uploaded to a room; with ``person``, by that person."""


@dataclass(frozen=True, slots=True)
class RoomScope:
    """People and rooms by their ids; pictures as uploaded with the line, or else before it; times as ``typist`` has them."""

    directory: People
    pictures: Pictures
    in_room: str
    typist: str = ""
    uploads: tuple[chat.BlobRef, ...] = ()

    def person(self, word: str) -> str | None:
        found = self.directory.person(word) or self.directory.person(word.lower())
        return found.id if found else None

    def room(self, word: str) -> str | None:
        found = self.directory.room(word) or self.directory.room(word.lower())
        return found.id if found else None

    def people(self) -> tuple[str, ...]:
        """Everybody by id, to offer whom somebody may have meant."""
        return tuple(person.id for person in self.directory.everyone)

    def rooms(self) -> tuple[str, ...]:
        """Every room by id, to offer the same."""
        return tuple(room.id for room in self.directory.rooms)

    def picture(self, word: str = "") -> chat.BlobRef | None:
        """ "" is what was uploaded with the line; "last" that, or else the room's last; else one by its word."""
        uploaded = [blob for blob in self.uploads if blob.media_type.startswith(PICTURE)]
        last = self.pictures.last_picture(self.in_room)
        if not word:
            return uploaded[-1] if uploaded else None
        if word == "last":
            return uploaded[-1] if uploaded else last
        return next((blob for blob in (*uploaded, last) if blob and picture_word(blob) == word), None)

    def now(self) -> datetime:
        """Now, in the zone of whoever types the line; UTC for a bot."""
        return datetime.now(self.directory.zone(self.typist))
