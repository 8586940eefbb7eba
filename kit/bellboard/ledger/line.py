"""The line before a key that only one command at a time may hold: first come, first served. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Line:
    """Who waits for one key.

    Attributes:
        waiting: ids, in the order in which they came.
        called: ids that waited, and were told that it is their turn; another may still be quicker.
    """

    waiting: dict[str, None] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Whether anybody waits, or is called."""
        return bool(self.waiting or self.called)

    def wait(self, id: str) -> None:
        """A command waits. One whose turn was taken by another goes back to its place, which is the first."""
        if id in self.called:
            self.called.discard(id)
            self.waiting = {id: None, **self.waiting}
        else:
            self.waiting.setdefault(id)

    def call(self, id: str) -> None:
        """It is the turn of a command that waited."""
        if id in self.waiting:
            del self.waiting[id]
            self.called.add(id)

    def leave(self, id: str) -> None:
        """A command is out of the way, whatever came of it."""
        self.waiting.pop(id, None)
        self.called.discard(id)

    @property
    def next(self) -> str:
        """Whose turn it is as soon as the key is free: the first, unless somebody was called already; else empty."""
        return "" if self.called else next(iter(self.waiting), "")
