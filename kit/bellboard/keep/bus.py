"""A `Keep` on the bus: a stream for each bot, the newest message of a subject for each key."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence

from bellboard.bus import Bus, Message, patiently
from bellboard.errors import CasLost

from . import KeepConflict, Kept, checked

REAL, REHEARSAL = "real", "rehearsal"
"""The two spaces of keys."""

WRITE_ID = "Nats-Msg-Id"
KEPT, GONE = b"+", b"-"
"""How a message begins: with a value, or to say that there is none any more."""

GONE_FOR = {"Nats-TTL": "1h"}
CREATES = 5

LOOKS, LOOK = 20, 0.25
"""How often a server that lags behind is asked again, and the seconds between."""


class BusKeep:
    """What one bot remembers; on disk when a method returns. It waits up to ten seconds for a bus that is away."""

    def __init__(self, bus: Bus, bot: str, space: str = REAL) -> None:
        self._bus, self._stream, self._root = bus, f"KEEP_{bot}", f"keep.{bot}.{space}."

    async def get(self, key: str) -> Kept | None:
        newest = await self._newest(self._root + checked(key))
        return None if newest is None else self._kept(newest)

    async def put(self, key: str, value: bytes, *, expected: int | None = None) -> int:
        subject, payload = self._root + checked(key), KEPT + value
        if expected == 0:
            return await self._create(key, payload)
        return await self._write(subject, payload, expected, {})

    async def forget(self, key: str, *, expected: int | None = None) -> None:
        subject = self._root + checked(key)
        newest = await self._newest(subject)
        kept = None if newest is None else self._kept(newest)
        if expected is not None and expected != (kept.revision if kept else 0):
            raise _conflict(key)
        if kept is not None:
            await self._write(subject, GONE, expected, GONE_FOR)

    async def list(self, prefix: str = "") -> Sequence[Kept]:
        pattern = f"{self._root}{checked(prefix)}.>" if prefix else f"{self._root}>"
        messages = await patiently(self._bus, lambda: self._bus.scan(self._stream, pattern))
        newest = {message.subject: message for message in messages}
        kept = [one for message in newest.values() if (one := self._kept(message)) is not None]
        return sorted(kept, key=lambda one: one.key)

    async def _create(self, key: str, payload: bytes) -> int:
        """Only over nothing, or over what says that there is nothing any more."""
        subject = self._root + key
        for _ in range(CREATES):
            newest = await self._newest(subject)
            if newest is not None and self._kept(newest) is not None:
                break
            try:
                return await self._write(subject, payload, 0 if newest is None else newest.sequence, {})
            except KeepConflict:
                continue  # unless someone was faster, what said so has just passed away
        raise _conflict(key)

    async def _write(self, subject: str, payload: bytes, expected: int | None, headers: Mapping[str, str]) -> int:
        """Write once, however often it has to be tried: the write's own id tells whether one try came through."""
        id, tries = secrets.token_hex(12), 0

        async def write() -> int:
            nonlocal tries
            tries += 1
            return await self._bus.publish(subject, payload, headers={**headers, WRITE_ID: id}, expected=expected)

        try:
            return await patiently(self._bus, write)
        except CasLost:
            newest = await self._newer(subject, expected or 0) if tries > 1 else None
            if newest is None or newest.headers.get(WRITE_ID) != id:
                raise _conflict(subject.removeprefix(self._root)) from None
            return newest.sequence

    async def _newer(self, subject: str, than: int) -> Message | None:
        """The newest message, which is known to be newer than a revision: a server that lags behind may not have it yet."""
        for _ in range(LOOKS):
            newest = await self._newest(subject)
            if newest is not None and newest.sequence > than:
                return newest
            await asyncio.sleep(LOOK)
        return None

    async def _newest(self, subject: str) -> Message | None:
        return await patiently(self._bus, lambda: self._bus.last(self._stream, subject))

    def _kept(self, message: Message) -> Kept | None:
        if not message.payload.startswith(KEPT):
            return None
        key = message.subject.removeprefix(self._root)
        return Kept(key, message.payload[len(KEPT) :], message.sequence, message.time)


def _conflict(key: str) -> KeepConflict:
    return KeepConflict(f"{key} was changed meanwhile", hint="look again")
