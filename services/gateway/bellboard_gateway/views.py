"""One command as the board knows it, and one room. In memory; no I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import S, is_final
from bellboard.ledger.subjects import Key

from . import cards

ATTEMPTS = 4
"""Attempts of one command whose progress is kept."""


@dataclass(slots=True, eq=False)
class View:
    """One command as the board knows it.

    Attributes:
        record, sequence: the newest record and its place in the ledger.
        tick: when it last changed, on the projection's own count.
        reply: the final blocks, once they were loaded from a blob.
        waits: where it stands in its line, while it is QUEUED.
        newer: the newest command that brought its card up to date.
        behind: the newest that should have done so after that, and did not.
    """

    key: Key
    envelope: pb.Envelope
    record: pb.Record
    sequence: int
    tick: int = 0
    attempts: dict[str, cards.Attempt] = field(default_factory=dict)
    reply: chat.Reply | None = None
    waits: cards.Waits | None = None
    newer: View | None = None
    behind: View | None = None

    @property
    def place(self) -> int:
        """The newest place in the ledger that its card was made from."""
        return max(one.sequence for one in (self, self.newer, self.behind) if one is not None)

    @property
    def at(self) -> float:
        """When its card last came to say something else, in seconds since 1970."""
        return max(seconds(one.record.at) for one in (self, self.newer, self.behind) if one is not None)

    @property
    def silent(self) -> bool:
        """Whether there is nothing to show of it."""
        return cards.is_silent(self._shown())

    @property
    def room(self) -> str:
        return self.envelope.origin.room

    @property
    def final(self) -> bool:
        return is_final(self.record)

    @property
    def said(self) -> cards.Attempt | None:
        """The progress that counts: of the attempt that the final record names, else of the newest."""
        if named := self.record.outcome.attempt:
            return self.attempts.get(named)
        return next(reversed(self.attempts.values()), None)

    @property
    def began(self) -> float:
        """When its line came in, in seconds since 1970."""
        return seconds(self.envelope.received_at) or seconds(self.record.at)

    def card(self) -> gateway.Card:
        """The card, as of now."""
        return cards.card(self._shown())

    def _shown(self) -> cards.Shown:
        newer = self.newer._shown() if self.newer is not None else None
        behind = self.behind.record if self.behind is not None else None
        parts = (self.key, self.envelope, self.record, self.place, self.said, self.reply, self.waits)
        return cards.Shown(*parts, newer, behind)

    def bring_up_to_date(self, by: View) -> bool:
        """Take in what another command, which has ended, says in place of this one; False if a newer one did."""
        newest = max((one for one in (self.newer, self.behind) if one is not None), key=View._age, default=None)
        if by.record.state == S.STATE_SUCCEEDED:
            if self.newer is not None and self.newer._age() > by._age():
                return False
            self.newer, self.behind = by, None if newest is None or newest._age() <= by._age() else self.behind
        elif newest is not None and newest._age() > by._age():
            return False
        else:
            self.behind = by
        return True

    def _age(self) -> tuple[float, str]:
        return self.began, self.key.id

    def add(self, progress: pb.ProgressRecord) -> bool:
        """Take in progress; False if it is not new."""
        attempt = self.attempts.setdefault(progress.attempt, cards.Attempt())
        while len(self.attempts) > ATTEMPTS:
            del self.attempts[next(iter(self.attempts))]
        return attempt.add(progress)


class Line(NamedTuple):
    """A line of talk, its place in the stream, and the tick at which it came."""

    sequence: int
    tick: int
    line: pb.RoomLine


@dataclass(slots=True)
class Feed:
    """What happened in one room.

    Attributes:
        views: by id, in the order of their last change.
        forgotten: the sequence of the newest line that is kept no more, and its tick.
        at: when something new last happened, in seconds since 1970.
    """

    views: OrderedDict[str, View] = field(default_factory=OrderedDict)
    lines: deque[Line] = field(default_factory=deque)
    forgotten: tuple[int, int] = (0, 0)
    at: float = 0.0

    def changed(self, tick: int) -> list[View]:
        """The commands that changed after a tick, by ledger sequence."""
        return sorted(self._newest_until(tick), key=lambda view: view.place)

    def _newest_until(self, tick: int) -> Iterator[View]:
        for view in reversed(self.views.values()):
            if view.tick <= tick:
                return
            yield view

    def lines_since(self, tick: int) -> list[Line]:
        """The lines that came after a tick, oldest first."""
        new: list[Line] = []
        for line in reversed(self.lines):
            if line.tick <= tick:
                break
            new.append(line)
        return new[::-1]

    def recent(self, count: int, before: float = float("inf")) -> tuple[list[View], list[Line]]:
        """The newest commands and lines from before a moment, ``count`` of both together."""
        items: list[tuple[float, View | Line]] = [
            (view.began, view) for view in self.views.values() if view.began < before and not view.silent
        ]
        items += [(at, line) for line in self.lines if (at := seconds(line.line.at)) < before]
        items.sort(key=lambda item: item[0])
        newest = [item for _, item in items[-count:]]
        views = [item for item in newest if isinstance(item, View)]
        return views, [item for item in newest if isinstance(item, Line)]
