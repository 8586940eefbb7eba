"""What stands on the board: commands and talk, made from records as they come. In memory, bounded; no I/O.

Kept are all open commands, the newest finished ones, and the newest lines of each room. Every change gets a tick, so that
whoever looks on can ask what changed since it last looked.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import TRANSITIONS, IllegalTransition, S, is_final
from bellboard.ledger.subjects import Author, Key

from . import cards
from .queues import Queues
from .stages import next_id

KEEP = 5_000
"""Finished commands that are kept."""

KEEP_ASIDE = 1_000
"""Finished commands that are kept though no room shows them: what runs in none, and what others' cards have taken in."""

KEEP_LINES = 2_000
"""Lines of talk that are kept of each room."""

ATTEMPTS = 4
"""Attempts of one command whose progress is kept."""

EARLY = 200
"""Commands whose progress is kept though their first record has not come yet."""

MIN_PREFIX = 4
"""The shortest beginning of an id that names a command."""


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


class Projection:
    """Takes in records, progress and lines in the order of their streams."""

    def __init__(self, keep: int = KEEP, keep_lines: int = KEEP_LINES) -> None:
        self.views: dict[str, View] = {}
        self.feeds: dict[str, Feed] = {}
        self.tick = 0
        self._keep, self._keep_lines = keep, keep_lines
        self._queues = Queues(self.views)
        self.handing_on: dict[str, View] = {}  # stages that are done, by the id of the one that is to follow
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._aside: OrderedDict[str, None] = OrderedDict()
        self._early: OrderedDict[tuple[str, str], list[pb.ProgressRecord]] = OrderedDict()

    def feed(self, room: str) -> Feed:
        return self.feeds.setdefault(room, Feed())

    def reaches(self, room: str, start: float, *, commands: bool, lines: bool) -> bool:
        """Whether nothing of a room is forgotten since a moment, where commands or lines were read from their beginning."""
        feed = self.feed(room)
        oldest = next((self.views[id] for id in self._finished), None)
        whole = commands and len(self._finished) < self._keep
        if not whole and (oldest is None or oldest.at > start):
            return False
        return (lines and not feed.forgotten[0]) or (bool(feed.lines) and seconds(feed.lines[0].line.at) <= start)

    def find(self, prefix: str) -> View | None:
        """The command with this id, or the only one whose id begins so (at least `MIN_PREFIX` characters)."""
        if found := self.views.get(prefix):
            return found
        matching = self.matching(prefix)
        return matching[0] if len(matching) == 1 else None

    def matching(self, prefix: str) -> list[View]:
        """Every command whose id begins so; none for less than `MIN_PREFIX` characters."""
        if len(prefix) < MIN_PREFIX:
            return []
        return [view for id, view in self.views.items() if id.startswith(prefix)]

    def begin(self, key: Key, envelope: pb.Envelope) -> View:
        """Know a command, whose newest record is then taken in."""
        view = self.views[key.id] = View(key, envelope, pb.Record(), 0)
        self.handing_on.pop(key.id, None)
        for progress in self._early.pop((key.bot, key.id), ()):
            view.add(progress)
        return view

    def record(self, key: Key, author: Author, record: pb.Record, sequence: int) -> View | None:
        """Take in a record of a command that is known. None: it counts for nothing.

        Only the gateway and the reaper may say what a command is; a bot that writes under another bot's command, or moves
        its own where it may not go, is not listened to.

        Raises:
            IllegalTransition: it may not follow the one before it.
        """
        view = self.views.get(key.id)
        if view is None or view.key != key or sequence <= view.sequence:
            return None
        before = view.record.state  # unspecified before the first, which may stand anywhere in a life
        if before and author not in TRANSITIONS.get(before, {}).get(record.state, ()):
            raise IllegalTransition(before, record.state, author)
        if author is not Author.BOT and record.HasField("command"):
            view.envelope = pb.Envelope.FromString(record.command.envelope)
        view.record, view.sequence, view.reply, view.waits = record, sequence, None, None
        self._touch(view)
        if view.final:
            self._finish(view)
        return view

    def moved(self, view: View) -> Sequence[View]:
        """The commands whose cards say something else since this one's newest record was taken in.

        They wait otherwise, or this one brought them up to date.
        """
        moved = list(self._queues.take(view))
        root = self.views.get(view.envelope.card) if view.envelope.refresh and view.final else None
        if root is not None and root.bring_up_to_date(view):
            moved.append(root)
            if root.key.id in self._finished:
                self._finished.move_to_end(root.key.id)
        for other in moved:
            self._touch(other)
        return moved

    def progress(self, bot: str, progress: pb.ProgressRecord) -> View | None:
        """Take in what a running command says. None: nothing that is shown changed."""
        view = self.views.get(progress.id)
        if view is None:
            self._early.setdefault((bot, progress.id), []).append(progress)
            if len(self._early) > EARLY:
                self._early.popitem(last=False)
            return None
        if view.key.bot != bot or not view.add(progress) or view.final:
            return None
        self._touch(view)
        return view

    def line(self, line: pb.RoomLine, sequence: int) -> None:
        """Take in a line of talk."""
        feed = self.feed(line.room)
        self.tick += 1
        feed.lines.append(Line(sequence, self.tick, line))
        feed.at = max(feed.at, seconds(line.at))
        while len(feed.lines) > self._keep_lines:
            oldest = feed.lines.popleft()
            feed.forgotten = (oldest.sequence, oldest.tick)

    def _touch(self, view: View) -> None:
        self.tick += 1
        view.tick = self.tick
        if not view.room or view.envelope.refresh:
            return  # no room shows it by itself
        feed, silent = self.feed(view.room), view.silent
        if silent and view.key.id not in feed.views:
            return
        if not silent:
            feed.at = max(feed.at, view.began)
        feed.views[view.key.id] = view
        feed.views.move_to_end(view.key.id)

    def _finish(self, view: View) -> None:
        shown = bool(view.room) and view.key.id in self.feed(view.room).views
        kept, most = (self._finished, self._keep) if shown else (self._aside, KEEP_ASIDE)
        kept[view.key.id] = None
        following = next_id(view.envelope)
        if following and view.record.state == S.STATE_SUCCEEDED and following not in self.views:
            self.handing_on[following] = view
        if len(kept) > most:
            oldest, _ = kept.popitem(last=False)
            gone = self.views.pop(oldest)
            self.feed(gone.room).views.pop(oldest, None)
            self.handing_on.pop(next_id(gone.envelope), None)
