"""Whose turn it is, where only one command at a time may hold a key: first come, first served."""

from __future__ import annotations

from bellboard.ledger.line import Line


class Turns:
    """The lines of commands before each key. A command keeps its place until it is out of the way.

    A key is ``(bot, turn)``: locks of different bots have nothing to do with each other.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], Line] = {}
        self._key_of: dict[str, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits or is served."""
        return bool(self._lines)

    def wait(self, key: tuple[str, str], id: str) -> None:
        """A command is QUEUED. One whose turn was taken by another goes back to its place, which is the first."""
        self._key_of[id] = key
        self._lines.setdefault(key, Line()).wait(id)

    def serve(self, id: str) -> None:
        """A command that waited may run."""
        line = self._lines.get(self._key_of.get(id, ("", "")))
        if line is not None:
            line.call(id)

    def leave(self, id: str) -> None:
        """A command is out of the way, whatever came of it."""
        key = self._key_of.pop(id, None)
        if key is None:
            return
        self._lines[key].leave(id)
        if not self._lines[key]:
            del self._lines[key]

    def is_next(self, id: str) -> bool:
        """Whether a waiting command is the first in its line, and nobody from the line is being served."""
        line = self._lines.get(self._key_of.get(id, ("", "")))
        return line is not None and line.next == id
