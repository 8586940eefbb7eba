"""Lines on stdout that never hold anybody up: nobody may be reading them."""

from __future__ import annotations

import os
import queue
import sys
import threading


class Speaker:
    """Prints lines from a thread of its own. Where nobody reads, lines are dropped instead of waited for."""

    def __init__(self, limit: int = 1000) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(limit)
        self._thread = threading.Thread(target=self._print, name="speaker", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Print a line, soon."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return

    def close(self, patience: float = 1.0) -> None:
        """Print what is left, for ``patience`` seconds at most."""
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(patience)

    def _print(self) -> None:
        # Written by number, so that an interpreter that ends never waits for a lock that this thread holds.
        out = sys.stdout.fileno()
        while (line := self._lines.get()) is not None:
            try:
                os.write(out, f"{line}\n".encode())
            except OSError:
                continue
