"""Saving what was seen, as often as it changes, without ever waiting for a disk that stands still."""

from __future__ import annotations

import asyncio
import time

from .seen import Keeper, Seen

SECONDS = 5.0
"""In which it must be on disk."""


class Saver:
    """Saves for many that want it at once; each waits only until what it saw itself is kept.

    Args:
        kept: what the keeper has already.
    """

    def __init__(self, keeper: Keeper, kept: Seen) -> None:
        self._keeper, self._kept, self._wanted = keeper, kept, kept
        self._saving: asyncio.Task[str] | None = None

    async def save(self, seen: Seen) -> str:
        """Have it on disk. What stands in the way of that; empty if nothing does."""
        self._wanted, until = max(self._wanted, seen, key=lambda one: one.place), time.monotonic() + SECONDS
        while self._kept.place < seen.place:
            if self._saving is None or self._saving.done():  # one at a time: a disk that stands still takes no more threads
                self._saving = asyncio.create_task(self._save(self._wanted))
            saving = self._saving
            await asyncio.wait({saving}, timeout=max(0.0, until - time.monotonic()))
            if why := saving.result() if saving.done() else "the disk does not answer":
                return why
        return ""

    async def _save(self, seen: Seen) -> str:
        try:
            await asyncio.to_thread(self._keeper.save, seen)
        except OSError as error:
            return error.strerror or str(error)
        self._kept = seen
        return ""
