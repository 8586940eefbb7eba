"""A replica's log: JSON, a line each, in a file that never grows beyond a few megabytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

ROTATE_BYTES = 4 << 20
"""A file this large is moved to ``<name>.jsonl.1``, in place of the one before, and a new one begun."""

KEPT = 24
"""The most files that are kept of replicas that are gone."""


class Journal:
    """Writes log lines. Nobody else writes to its file, so whoever follows it may read the moved one to its end."""

    def __init__(self, folder: Path, replica: str, fields: Mapping[str, str]) -> None:
        self._path, self._fields = folder / f"{replica}.jsonl", dict(fields)
        self._open()

    def _open(self) -> None:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._handle).st_size

    def write(self, level: str, msg: str, **more: str | float) -> None:
        """Write a line. ``level`` is debug, info, warn or error."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"ts": at, "level": level, **self._fields, "msg": msg, **more}).encode() + b"\n"
        if self._size + len(line) > ROTATE_BYTES:
            os.close(self._handle)
            self._path.replace(self._path.with_suffix(".jsonl.1"))
            self._open()
        self._size += os.write(self._handle, line)


def forget(folder: Path, running: set[str]) -> None:
    """Remove the oldest files of replicas that are gone."""
    gone = [path for path in folder.glob("*.jsonl*") if path.name.partition(".")[0] not in running]
    gone.sort(key=lambda path: path.stat().st_mtime)
    for path in gone[:-KEPT]:
        path.unlink(missing_ok=True)
