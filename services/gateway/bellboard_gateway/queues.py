"""Who waits behind whom, where only one command at a time may hold a key. First come, first served; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bellboard.ledger.line import Line
from bellboard.ledger.state import S, is_final

from .cards import Waits

if TYPE_CHECKING:
    from .projection import View


@dataclass(slots=True)
class _Line(Line):
    holder: str = ""


class Queues:
    """The lines of commands before each key. A key is a bot's own: those of two bots have nothing to do with each other."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = views
        self._lines: dict[tuple[str, str], _Line] = {}
        self._key_of: dict[str, tuple[str, str]] = {}

    def take(self, view: View) -> Sequence[View]:
        """Note where a command stands now, and give those that wait otherwise because of it their new place. Returns these."""
        id, record = view.key.id, view.record
        if record.state == S.STATE_QUEUED:
            self._key_of.setdefault(id, (view.key.bot, record.turn.key))
        if (key := self._key_of.get(id)) is None:
            return ()
        line = self._lines.setdefault(key, _Line())
        if record.state == S.STATE_QUEUED:
            line.holder = record.turn.holder
            line.wait(id)
        else:
            self._leave(line, view, key)
        waiting = [self._views[other] for other in line.waiting]
        return [other for place, other in enumerate(waiting, 1) if self._place(other, place, line.holder)]

    def _leave(self, line: _Line, view: View, key: tuple[str, str]) -> None:
        id = view.key.id
        if not is_final(view.record):
            line.call(id)
            line.holder = id
            return
        line.leave(id)
        del self._key_of[id]
        if not line:
            del self._lines[key]

    def _place(self, view: View, place: int, holder: str) -> bool:
        """Say where a command waits; False if nothing changed."""
        ahead = self._views.get(holder)
        line = ahead.envelope.line if ahead and ahead.room == view.room else ""  # what is typed in a room stays in it
        before, view.waits = view.waits, Waits(place, holder, line)
        return view.waits != before
