"""What every command works with: the environments, and what the bot remembers."""

from __future__ import annotations

from bellboard.keep import Keep
from bellboard.marks import Marks

from .environments import Environments
from .locks import Locks
from .place import Places
from .providers import Environment


class Desk:
    """The environments, the rollouts, the locks and the marks of a command; a rehearsing one has others."""

    def __init__(self, environments: Environments, keep: Keep, marks: Marks) -> None:
        self._environments, self._keep, self._marks = environments, keep, marks

    def environment(self, name: str) -> Environment:
        """The environment of a name; the only one where it is left out. Raises UserError."""
        return self._environments.get(name)

    def some(self, name: str) -> tuple[Environment, ...]:
        """The environment of that name, or all of them where none is said. Raises UserError."""
        return self._environments.some(name)

    def keep(self) -> Keep:
        """What the bot remembers."""
        return self._keep

    def marks(self) -> Marks:
        """The marks of every bot."""
        return self._marks

    def places(self) -> Places:
        """The rollouts that it remembers."""
        return Places(self._keep)

    def locks(self) -> Locks:
        """The locks that it keeps."""
        return Locks(self._keep, self._marks)
