"""A store of lines in a folder of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bellboard_logs.entries import INFO, Entry
from bellboard_logs.query import Query, understand
from bellboard_logs.store import Stored, Writer
from bellboard_logs.store.reader import Reader

NOW = time.time()


@dataclass
class House:
    """The embedded store, open."""

    file: Path
    writer: Writer
    reader: Reader
    stored: Stored

    async def find(self, *words: str, app: str = "shop") -> list[str]:
        """The messages of an app's lines, in order."""
        return [entry.message for entry in (await self.stored.search(asked(*words, app=app), limit=10_000)).entries]


def asked(*words: str, app: str = "shop", start: float = 0.0, end: float = NOW + 10**6, level: int = 0) -> Query:
    """A query for words."""
    plain, regexes = understand(words)
    return Query(app, start, end, plain, regexes, level)


def line(message: str, at: float = NOW, level: int = INFO, version: str = "v1") -> Entry:
    """A line of shop's."""
    return Entry(at, level, "shop", message, service="web", version=version, env="sandbox")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[House]:
    """An empty store."""
    file = tmp_path / "store" / "lines.db"
    async with Writer(file) as writer:
        reader = Reader(file)
        yield House(file, writer, reader, Stored(writer, reader))
        await reader.close()
