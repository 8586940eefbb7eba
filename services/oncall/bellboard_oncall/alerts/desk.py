"""What the commands about alerts work with."""

from __future__ import annotations

from dataclasses import dataclass

from bellboard.keep import Keep
from bellboard.marks import Marks

from ..rota import Rota
from .routing import Routing
from .silences import Silencer, Silences
from .store import Groups


@dataclass(frozen=True, slots=True)
class Desk:
    """What is remembered, and who is asked; a rehearsing command has others."""

    keep: Keep
    marks: Marks
    rota: Rota
    routing: Routing
    silencer: Silencer

    @property
    def groups(self) -> Groups:
        """The groups of alerts."""
        return Groups(self.keep)

    @property
    def silences(self) -> Silences:
        """The silences of our own."""
        return Silences(self.keep)
