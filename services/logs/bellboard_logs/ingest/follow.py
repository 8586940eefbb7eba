"""Follows files as they grow: through rotation, truncation and restarts, each whole line once.

How far a file was read is stored in one transaction with the lines that were read, so neither is ever ahead of the other.
"""

from __future__ import annotations

import asyncio
import glob
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from bellboard import ProviderError
from bellboard.telemetry import logs, names

from ..entries import Entry
from ..store.reader import Reader
from ..store.writer import Place, Writer
from .lines import LONGEST, read

PAUSE = 0.25
"""Seconds between two looks at the files."""

CHUNK = 1 << 20
HEAD = 256
"""Bytes at the beginning of a file by which it is known again."""

LONGEST_LINE = 4 * LONGEST


@dataclass(frozen=True, slots=True)
class Followed:
    """Files by glob pattern, and their environment; empty to let the lines say."""

    pattern: str
    env: str = ""


class Follower:
    """Follows some files. `run` it until it is cancelled."""

    def __init__(self, files: Sequence[Followed], writer: Writer, reader: Reader) -> None:
        self._files, self._writer, self._reader = files, writer, reader
        self._places: dict[str, Place] = {}
        self._unreadable: set[str] = set()

    async def run(self) -> None:
        """Follow. What can't be read or stored now is tried again."""
        rows = await self._reader.rows("SELECT path, inode, offset, head FROM place")
        self._places = {row[0]: Place(*row) for row in rows}
        while True:
            try:
                while await self.look():
                    pass
            except (ProviderError, OSError) as error:
                logs.emit(names.LOGS_FILE_UNREADABLE, exc=error)
            await asyncio.sleep(PAUSE)

    async def look(self) -> bool:
        """Read what has come, up to `CHUNK` of each file. Whether there may be more."""
        more = False
        for followed in self._files:
            for path in await asyncio.to_thread(_matching, followed.pattern):
                more = await self._tried(path, followed.env) or more
        return more

    async def _tried(self, path: str, env: str) -> bool:
        """Follow a file, if it can be read; one that can't be keeps no other from being followed, and is told of once."""
        try:
            more = await self._follow(path, env)
        except OSError as error:
            if path not in self._unreadable:
                logs.emit(names.LOGS_FILE_UNREADABLE, exc=error)
            self._unreadable.add(path)
            return False
        self._unreadable.discard(path)
        return more

    async def _follow(self, path: str, env: str) -> bool:
        known = self._places.get(path)
        got = await asyncio.to_thread(_read, path, known)
        if got is None:
            return False
        data, place = got
        now = time.time()
        entries = [read(line, now=now, env=env) for line in _lines(data)]
        if entries or place != known:
            await self._write(entries, place)
        return place != known

    async def _write(self, entries: Sequence[Entry], place: Place) -> None:
        await self._writer.write(entries, place)
        self._places[place.path] = place


def _matching(pattern: str) -> Iterable[str]:
    return sorted(glob.glob(pattern))  # noqa: PTH207  # the pattern is absolute, which pathlib's glob does not take


def _lines(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8", "replace").split("\n") if line.strip()]


def _read(path: str, known: Place | None) -> tuple[bytes, Place] | None:
    """What follows the known place, in whole lines, and the place behind it; None where there is nothing new."""
    try:
        seen = Path(path).stat()
    except FileNotFoundError:
        return None
    if not S_ISREG(seen.st_mode):
        return None
    inode, size = seen.st_ino, seen.st_size
    if known is not None and known.inode != inode:
        rest = _rest_of_rotated(path, known)
        return rest or (b"", Place(path, inode, 0, ""))
    with Path(path).open("rb") as file:
        offset = known.offset if known else 0
        if known is not None and (size < offset or _head(file.read(min(HEAD, offset))) != known.head):
            offset = 0  # truncated, or begun anew
        if size == offset:
            return None if known and known.offset == offset else (b"", Place(path, inode, offset, _head(b"")))
        return _from(file.name, offset, inode, path)


def _from(source: str, offset: int, inode: int, path: str, *, ended: bool = False) -> tuple[bytes, Place] | None:
    with Path(source).open("rb") as file:
        head = file.read(HEAD)
        file.seek(offset)
        data = file.read(CHUNK)
    whole = data.rfind(b"\n") + 1
    if ended and len(data) < CHUNK:
        whole = len(data)
    if not whole and len(data) < LONGEST_LINE:
        return None
    data = data[: whole or len(data)]
    offset += len(data)
    return data, Place(path, inode, offset, _head(head[: min(HEAD, offset)]))


def _rest_of_rotated(path: str, known: Place) -> tuple[bytes, Place] | None:
    """What was written to a file before it was moved aside, as ``name.1`` or ``name-2026…``, and not yet read."""
    parent, stem = Path(path).parent, Path(path).stem
    for other in parent.glob(f"{glob.escape(stem)}*"):
        try:
            if str(other) != path and other.stat().st_ino == known.inode and other.stat().st_size > known.offset:
                return _from(str(other), known.offset, known.inode, path, ended=True)
        except FileNotFoundError:
            continue
    return None


def _head(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
