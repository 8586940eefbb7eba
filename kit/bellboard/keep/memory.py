"""A `Keep` in memory, for tests."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import KeepConflict, Kept, checked


class MemoryKeep:
    """Keeps values as long as it lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._revision = 0

    async def get(self, key: str) -> Kept | None:
        return self._kept.get(checked(key))

    async def put(self, key: str, value: bytes, *, expected: int | None = None) -> int:
        self._check(key, expected)
        self._revision += 1
        self._kept[key] = Kept(key, bytes(value), self._revision, time.time())
        return self._revision

    async def forget(self, key: str, *, expected: int | None = None) -> None:
        self._check(key, expected)
        if self._kept.pop(key, None) is not None:
            self._revision += 1

    async def list(self, prefix: str = "") -> Sequence[Kept]:
        below = f"{checked(prefix)}." if prefix else ""
        return sorted((kept for key, kept in self._kept.items() if key.startswith(below)), key=lambda kept: kept.key)

    def _check(self, key: str, expected: int | None) -> None:
        kept = self._kept.get(checked(key))
        if expected is not None and expected != (kept.revision if kept else 0):
            raise KeepConflict(f"{key} was changed meanwhile", hint="look again")
