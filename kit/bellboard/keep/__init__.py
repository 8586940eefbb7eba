"""What a bot remembers across restarts: small values by key, with compare-and-set.

A handler that takes ``keep: Keep`` after ``*`` is given the bot's own; nobody else can read or write it. A rehearsing
command is given another, empty to begin with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from bellboard.errors import Failed

KEY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
LONGEST = 200
"""Characters of the longest key."""

_LONGEST_TOKEN = 80


@dataclass(frozen=True, slots=True)
class Kept:
    """A value as it was kept.

    Attributes:
        revision: goes up with each change of any key; hand it back as ``expected``.
        at: when it was put, in seconds since 1970.
    """

    key: str
    value: bytes
    revision: int
    at: float


class KeepConflict(Failed):
    """Another change of the key came first. Nothing was written."""

    code = "conflict"


class Keep(Protocol):
    """Values by key. A key is made of tokens of a-z, 0-9, ``_`` and ``-``, with dots between; see `token` for free words."""

    async def get(self, key: str) -> Kept | None:
        """What is kept under a key; None if nothing is. Raises BusError."""

    async def put(self, key: str, value: bytes, *, expected: int | None = None) -> int:
        """Keep a value, and return its revision. It is on disk then.

        Args:
            value: at most 250 KiB.
            expected: put it only if the key has this revision (0: only if nothing is kept); whatever it has by default.

        Raises:
            KeepConflict: the key has another revision.
            BusError: it may be kept now or not; putting it again is safe.
        """

    async def forget(self, key: str, *, expected: int | None = None) -> None:
        """Keep nothing under a key any more; nothing happens if nothing is. Raises as `put` does."""

    async def list(self, prefix: str = "") -> Sequence[Kept]:
        """All that is kept below a key, by key: ``locks`` gives ``locks.prod`` and ``locks.eu.prod``, not ``locks``.

        Raises:
            BusError: it could not be read.
        """


def token(text: str) -> str:
    """Free words as one token of a key: what is no small letter, digit or dash is spelt out; what is long is hashed.

    Different words give different tokens.
    """
    spelt = "".join(
        chr(byte) if chr(byte).isascii() and re.match(r"[a-z0-9-]", chr(byte)) else f"_{byte:02x}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    if len(spelt) > _LONGEST_TOKEN:
        return f"__{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
    return spelt or "_"


def checked(key: str) -> str:
    """The key.

    Raises:
        ValueError: it is none.
    """
    if len(key) > LONGEST or not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return key
