"""`Marks` on the bus: each stands at ``mark.<bot>.<letter>.<number>``, and the first message there claimed the number.

``mark.<bot>.key.<letter>.<key>`` holds the number that a key means to take. It changes only when another key has taken
that number, so however often `begin` breaks off, and wherever, a key never has two marks.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence

from bellboard.bus import Bus, Message, patiently
from bellboard.errors import CasLost, Unconfirmed
from bellboard.keep import token

from . import KINDS, MOMENTS, Draft, Mark, check_owner, matches, named, parse
from .record import decoded, read, written

STREAM = "MARK"
TRIES = 64
"""How often a number may be lost to others who take one at the same time."""

LASTING = tuple(letter for letter, kind in KINDS.items() if kind not in MOMENTS)


class BusMarks:
    """The marks as one bot has them. It waits up to ten seconds for a bus that is away."""

    def __init__(self, bus: Bus, bot: str, *, rehearsing: bool = False) -> None:
        self._bus, self._bot, self._rehearsing = bus, bot, rehearsing
        self._highest = dict.fromkeys(KINDS, 0)  # a number that is taken; a place to look for a free one from
        self._open: dict[str, Message] = {}  # those that outlast the message that tells of them, by subject
        self._seen = dict.fromkeys(LASTING, 0)
        self._looking = asyncio.Lock()

    async def begin(self, letter: str, draft: Draft, *, key: str) -> Mark:
        if letter not in KINDS:
            raise ValueError(f"{letter!r} is no letter of a mark")
        for _ in range(TRIES):
            with contextlib.suppress(CasLost):
                return await patiently(self._bus, lambda: self._begin(letter, draft, key))
        raise Unconfirmed(f"too many others make marks of the letter {letter}")

    async def _begin(self, letter: str, draft: Draft, key: str) -> Mark:
        """One go at it; CasLost: look again."""
        intent = f"mark.{self._bot}.key.{letter}.{token(key)}"
        meant = await self._bus.last(STREAM, intent)
        number = int(meant.payload) if meant is not None else 0
        holder = await self._claim(letter, number) if meant is not None else None
        if holder is not None and _is_for(holder, self._bot, key) and (mark := await self._now(holder)) is not None:
            return mark
        if meant is None or holder is not None:
            number = await self._free(letter)
            await self._bus.publish(intent, str(number).encode(), expected=meant.sequence if meant else 0)
        mark = named(letter, number, self._bot, draft, rehearsal=self._rehearsing)
        subject = f"mark.{self._bot}.{letter}.{number}"
        await self._bus.publish(subject, written(mark, key), expected=0, scope=f"mark.*.{letter}.{number}")
        self._highest[letter] = number
        return mark

    async def update(self, mark: Mark) -> None:
        claim = await self._claim_of(mark.id)
        known = None if claim is None else read(claim)
        check_owner(mark, known, self._bot, rehearsing=self._rehearsing)
        assert claim is not None
        claimed = decoded(claim)
        assert claimed is not None
        headers = {"Nats-Msg-Id": secrets.token_hex(12)}  # a try that comes late must not undo a later change
        payload = written(mark, claimed.key)
        await patiently(self._bus, lambda: self._bus.publish(claim.subject, payload, headers=headers))

    async def find(self, id: str) -> Mark | None:
        claim = await self._claim_of(id)
        return None if claim is None else await patiently(self._bus, lambda: self._now(claim))

    async def between(self, start: float, end: float, *, app: str = "", kinds: Sequence[str] = ()) -> Sequence[Mark]:
        letters = [letter for letter, kind in KINDS.items() if not kinds or kind in kinds]
        async with self._looking:
            for letter in set(letters) & set(LASTING):
                await self._look(letter)
        found = dict(self._open)
        for letter in ["*"] if not kinds else letters:
            for message in await self._scan(letter, since=start):
                found[message.subject] = message
        marks = (mark for message in found.values() if (mark := read(message)) is not None)
        wanted = (mark for mark in marks if matches(mark, start, end, app, kinds, rehearsing=self._rehearsing))
        return sorted(wanted, key=lambda mark: (mark.at, mark.id))

    async def _look(self, letter: str) -> None:
        """Take note of what was written since the last look, and goes on after it was written."""
        for message in await self._scan(letter, after=self._seen[letter]):
            self._seen[letter] = message.sequence
            mark = read(message)
            self._open.pop(message.subject, None)
            if mark is not None and (mark.until is None or mark.until > message.time):
                self._open[message.subject] = message

    async def _scan(self, letter: str, *, after: int = 0, since: float | None = None) -> list[Message]:
        pattern = f"mark.*.{letter}.*"
        return await patiently(self._bus, lambda: self._bus.scan(STREAM, pattern, after=after, since=since))

    async def _free(self, letter: str) -> int:
        """A number that nobody has claimed: the next one, as all before it are taken."""
        taken, step = self._highest[letter], 1
        free = taken + step
        while await self._claim(letter, free) is not None:
            taken, step = free, step * 2
            free = taken + step
        while free - taken > 1:
            middle = (taken + free) // 2
            if await self._claim(letter, middle) is None:
                free = middle
            else:
                taken = middle
        self._highest[letter] = taken
        return free

    async def _claim(self, letter: str, number: int) -> Message | None:
        """The first message of a number, whoever wrote it."""
        return await self._bus.first(STREAM, f"mark.*.{letter}.{number}")

    async def _claim_of(self, id: str) -> Message | None:
        parsed = parse(id)
        if parsed is None:
            return None
        return await patiently(self._bus, lambda: self._claim(*parsed))

    async def _now(self, claim: Message) -> Mark | None:
        """A mark as it is now, given the message that claimed its number."""
        newest = await self._bus.last(STREAM, claim.subject)
        return read(newest or claim)


def _is_for(claim: Message, bot: str, key: str) -> bool:
    record = decoded(claim)
    return claim.subject.split(".")[1] == bot and record is not None and record.key == key
