"""Feeds: what a bot has the gateway serve to programs outside that can't sign in, such as calendars.

A handler that takes ``feeds: Feeds`` after ``*`` may put what stands at ``/feeds/BOT/NAME``, where the name is the secret: who
knows it may read. Nothing of a feed is kept under the name itself, only under its hash.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from bellboard.errors import UserError

NAME = re.compile(r"[A-Za-z0-9_-]{22,64}")
TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
LARGEST = 240 * 1024
"""Bytes of the largest feed."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What is served."""

    data: bytes
    media_type: str


class Feeds(Protocol):
    """The feeds of one bot. A rehearsing command has others, which nobody serves."""

    async def put(self, name: str, data: bytes, *, media_type: str) -> None:
        """Serve this under a name from now on, in place of what was served before; it is on disk then.

        Args:
            name: 22 to 64 of ``A-Z a-z 0-9 _ -``, as `new_name` makes.
            data: at most `LARGEST` bytes.
            media_type: such as ``text/calendar``.

        Raises:
            ValueError: the name or the type is none.
            UserError: it is too large.
            BusError: it may be served now or not; putting it again is safe.
        """

    async def forget(self, name: str) -> None:
        """Serve nothing under a name any more; nothing happens if nothing is. Raises ValueError, BusError."""


def new_name() -> str:
    """A name that nobody can guess."""
    return secrets.token_urlsafe(24)


def hashed(name: str) -> str:
    """What stands for a name wherever something is kept.

    Raises:
        ValueError: it is none.
    """
    if not NAME.fullmatch(name):
        raise ValueError("that is no name of a feed")
    return sha256(name.encode()).hexdigest()


def checked(data: bytes, media_type: str) -> Feed:
    """The feed. Raises as `Feeds.put` does."""
    if not TYPE.fullmatch(media_type):
        raise ValueError(f"{media_type[:60]!r} is no media type")
    if len(data) > LARGEST:
        raise UserError(f"a feed of {len(data) // 1024} KiB is too large", hint=f"at most {LARGEST // 1024} KiB")
    return Feed(bytes(data), media_type)
