"""Whose turn it is, where only one command at a time may hold a key: first come, first served."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Line:
    waiting: dict[str, None] = field(default_factory=dict)  # ids, in the order in which they came
    served: dict[str, None] = field(default_factory=dict)  # ids that waited, and were told that it is their turn


class Turns:
    """The lines of commands before each key. A command keeps its place until it is out of the way.

    A key is ``(bot, turn)``: locks of different bots have nothing to do with each other.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], _Line] = {}
        self._key_of: dict[str, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits or is served."""
        return bool(self._lines)

    def wait(self, key: tuple[str, str], id: str) -> None:
        """A command is QUEUED. One whose turn was taken by another goes back to its place, which is the first."""
        line = self._lines.setdefault(key, _Line())
        self._key_of[id] = key
        if id in line.served:
            del line.served[id]
            line.waiting = {id: None, **line.waiting}
        else:
            line.waiting.setdefault(id)

    def serve(self, id: str) -> None:
        """A command that waited may run."""
        line = self._lines.get(self._key_of.get(id, ("", "")))
        if line is not None and id in line.waiting:
            del line.waiting[id]
            line.served[id] = None

    def leave(self, id: str) -> None:
        """A command is out of the way, whatever came of it."""
        key = self._key_of.pop(id, None)
        if key is None:
            return
        line = self._lines[key]
        line.waiting.pop(id, None)
        line.served.pop(id, None)
        if not line.waiting and not line.served:
            del self._lines[key]

    def is_next(self, id: str) -> bool:
        """Whether a waiting command is the first in its line, and nobody from the line is being served."""
        line = self._lines.get(self._key_of.get(id, ("", "")))
        return line is not None and not line.served and next(iter(line.waiting), None) == id
