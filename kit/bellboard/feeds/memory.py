"""`Feeds` in memory, for tests and rehearsals."""

from __future__ import annotations

from . import Feed, checked, hashed


class MemoryFeeds:
    """Holds feeds as long as it lives; ``served`` has them by name."""

    def __init__(self) -> None:
        self.served: dict[str, Feed] = {}

    async def put(self, name: str, data: bytes, *, media_type: str) -> None:
        hashed(name)
        self.served[name] = checked(data, media_type)

    async def forget(self, name: str) -> None:
        hashed(name)
        self.served.pop(name, None)
