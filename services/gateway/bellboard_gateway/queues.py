"""Who waits behind whom, where only one command at a time may hold a key. First come, first served; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bellboard.ledger.state import S, is_final

from .cards import Waits

if TYPE_CHECKING:
    from .projection import View


@dataclass(slots=True)
class _Line:
    waiting: dict[str, View] = field(default_factory=dict)  # in the order in which they came
    called: set[str] = field(default_factory=set)  # ids that waited, and were told that it is their turn
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
            if id in line.called:  # another was quicker: it goes back to its place, which is the first
                line.called.discard(id)
                line.waiting = {id: view, **line.waiting}
            line.waiting.setdefault(id, view)
        else:
            self._leave(line, view, key)
        return [other for place, other in enumerate(line.waiting.values(), 1) if self._place(other, place, line.holder)]

    def _leave(self, line: _Line, view: View, key: tuple[str, str]) -> None:
        id = view.key.id
        line.waiting.pop(id, None)
        if not is_final(view.record):
            line.called.add(id)
            line.holder = id
            return
        line.called.discard(id)
        del self._key_of[id]
        if not line.waiting and not line.called:
            del self._lines[key]

    def _place(self, view: View, place: int, holder: str) -> bool:
        """Say where a command waits; False if nothing changed."""
        ahead = self._views.get(holder)
        line = ahead.envelope.line if ahead and ahead.room == view.room else ""  # what is typed in a room stays in it
        before, view.waits = view.waits, Waits(place, holder, line)
        return view.waits != before
