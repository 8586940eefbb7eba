"""Pictures and other things too large for a record: stored on the bus in chunks, under the hash of the whole.

A blob's chunks stand at ``blob.<owner>.<sha256>.<n>``. The first is written last, so a blob that has it is complete.
"""

from __future__ import annotations

import asyncio
import hashlib
import re

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.bus import Bus, Message
from bellboard.errors import BlobError, BusError, CasLost, Unconfirmed

STREAM = "BLOB"
CHUNK = 128 * 1024
LARGEST = 8 * 1024 * 1024
AT_ONCE = 4
TRIES = 3
COUNT, MEDIA_TYPE = "Bellboard-Chunks", "Bellboard-Media-Type"
OWNER, HASH = re.compile(r"[a-z][a-z0-9-]{0,30}"), re.compile(r"[0-9a-f]{64}")
TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)


class Blobs:
    """The blobs that a bot or the gateway ("gw") stores, and those it may read."""

    def __init__(self, bus: Bus, owner: str) -> None:
        self._bus, self._owner = bus, owner

    async def put(self, data: bytes, *, media_type: str, name: str = "") -> chat.BlobRef:
        """Store something; storing the same again costs nothing but the time.

        Raises:
            BlobError: it is empty or larger than 8 MiB, or that is no media type.
            BusError: it could not be stored.
        """
        if not data or len(data) > LARGEST:
            raise BlobError(f"{len(data)} bytes can't be stored", hint=f"at most {LARGEST // 2**20} MiB")
        if not TYPE.fullmatch(media_type):
            raise BlobError(f"{media_type!r} is no media type")
        digest = hashlib.sha256(data).hexdigest()
        chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
        headers = {COUNT: str(len(chunks)), MEDIA_TYPE: media_type}
        for at in range(1, len(chunks), AT_ONCE):
            some = range(at, min(at + AT_ONCE, len(chunks)))
            await asyncio.gather(*(self._store(self._subject(digest, n), chunks[n]) for n in some))
        await self._store(self._subject(digest, 0), chunks[0], headers)
        return chat.BlobRef(owner=self._owner, sha256=digest, media_type=media_type, size=len(data), name=name)

    async def get(self, ref: chat.BlobRef) -> bytes:
        """Read a blob, whoever stored it. ``size`` and ``media_type`` of the reference may be missing.

        Raises:
            BlobError: it is not there, or is not what its reference says.
            BusError: it could not be read.
        """
        if ref.size > LARGEST:
            raise BlobError(f"{ref.size} bytes are too many", hint=f"at most {LARGEST // 2**20} MiB")
        first = await self._chunk(ref, 0)
        count = first.headers.get(COUNT, "")
        if not count.isdecimal() or not 1 <= int(count) <= LARGEST // CHUNK:
            raise BlobError("the blob is broken")
        parts = [first.payload]
        for at in range(1, int(count), AT_ONCE):
            some = range(at, min(at + AT_ONCE, int(count)))
            parts += [chunk.payload for chunk in await asyncio.gather(*(self._chunk(ref, n) for n in some))]
        data = b"".join(parts)
        if hashlib.sha256(data).hexdigest() != ref.sha256 or (ref.size and ref.size != len(data)):
            raise BlobError("the blob is not what its hash says")
        return data

    async def media_type(self, owner: str, sha256: str) -> str:
        """What its owner says a blob is. Raises as `get` does."""
        first = await self._chunk(chat.BlobRef(owner=owner, sha256=sha256), 0)
        said = first.headers.get(MEDIA_TYPE, "")
        return said if TYPE.fullmatch(said) else "application/octet-stream"

    def _subject(self, digest: str, n: int) -> str:
        return f"blob.{self._owner}.{digest}.{n}"

    async def _store(self, subject: str, chunk: bytes, headers: dict[str, str] | None = None) -> None:
        unconfirmed: BusError | None = None
        for _ in range(TRIES):
            try:
                await self._bus.publish(subject, chunk, headers=headers, expected=0)
            except CasLost:
                return  # it is there already
            except Unconfirmed as error:
                unconfirmed = error
            else:
                return
        assert unconfirmed is not None
        raise unconfirmed

    async def _chunk(self, ref: chat.BlobRef, n: int) -> Message:
        if not OWNER.fullmatch(ref.owner) or not HASH.fullmatch(ref.sha256):
            raise BlobError("that names no blob")
        chunk = await self._bus.last(STREAM, f"blob.{ref.owner}.{ref.sha256}.{n}")
        if chunk is None:
            raise BlobError("there is no such blob")
        return chunk
