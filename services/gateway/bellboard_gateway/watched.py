"""Files that people edit while the gateway runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from bellboard.errors import SettingsError
from bellboard.telemetry import logs, names

T = TypeVar("T")

LOOK_AGAIN = 0.5
"""Seconds between two looks at the files."""

Mark = tuple[tuple[str, int, int, int], ...]


class Watched(Generic[T]):
    """A value that is read from files, and read again when they change. A bad file keeps the old value, and the log says so.

    Args:
        files: the files that there are now.
        load: reads them all.

    Raises:
        SettingsError: the files are wrong at first sight.
    """

    def __init__(self, files: Callable[[], Iterable[Path]], load: Callable[[], T]) -> None:
        self._files, self._load = files, load
        self._mark, self._looked = self._now(), time.monotonic()
        self._value = load()
        self.version = 1
        self.problem = ""

    @property
    def value(self) -> T:
        """The newest good value. ``version`` counts the good ones."""
        self.look()
        return self._value

    def look(self, *, now: bool = False) -> None:
        """Read the files again if they have changed; at most every `LOOK_AGAIN` seconds, or ``now``."""
        if not now and time.monotonic() - self._looked < LOOK_AGAIN:
            return
        self._looked, mark = time.monotonic(), self._now()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._value = self._load()
        except SettingsError as error:
            self.problem = str(error)
            logs.emit(names.FILE_REFUSED, error=str(error))
        else:
            self.version, self.problem = self.version + 1, ""
            logs.emit(names.FILE_RELOADED, files=[entry[0] for entry in mark])

    def _now(self) -> Mark:
        found = []
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)
