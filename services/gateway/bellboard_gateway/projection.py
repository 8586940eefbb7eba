"""What stands on the board: commands and talk, made from records as they come. In memory, bounded; no I/O.

Kept are all open commands, the newest finished ones, and the newest lines of each room. Every change gets a tick, so that
whoever looks on can ask what changed since it last looked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import TRANSITIONS, IllegalTransition, S
from bellboard.ledger.subjects import Author, Key

from .queues import Queues
from .stages import next_id
from .views import Feed, Line, View

__all__ = ["EARLY", "KEEP", "KEEP_ASIDE", "MIN_PREFIX", "Feed", "Line", "Projection", "View"]

KEEP = 5_000
"""Finished commands that are kept."""

KEEP_ASIDE = 1_000
"""Finished commands that are kept though no room shows them: what runs in none, and what others' cards have taken in."""

KEEP_LINES = 2_000
"""Lines of talk that are kept of each room."""

EARLY = 200
"""Commands whose progress is kept though their first record has not come yet."""

MIN_PREFIX = 4
"""The shortest beginning of an id that names a command."""


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
