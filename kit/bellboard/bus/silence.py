"""A server that was cut off from its cluster holds its clients' connections, and answers nothing that matters."""

from __future__ import annotations

import time

PATIENCE = 4.0
"""Seconds of questions without any answer after which another server is tried. A cluster that elects a leader takes less."""


LEAST = 2
"""Questions; one may be lost by itself."""


class Silence:
    """For how long nothing was answered by whoever leads. What a server tells of its own copy says nothing of the others."""

    def __init__(self) -> None:
        self._since, self._count = 0.0, 0

    def unanswered(self) -> None:
        """Something was asked for in vain."""
        if not self._count:
            self._since = time.monotonic()
        self._count += 1

    def answered(self) -> None:
        """A leader answered, or there is a new connection."""
        self._count = 0

    def too_long(self, now: float) -> bool:
        """Whether it has lasted too long. It counts anew after that."""
        if self._count < LEAST or now - self._since < PATIENCE:
            return False
        self._count = 0
        return True
