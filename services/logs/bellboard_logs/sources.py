"""Which environment's and app's lines come from where, and all that has to be open for it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bellboard.telemetry import logs, names

from .choice import Choice, Routes, load
from .entries import Entry
from .ingest import push, syslog
from .ingest.follow import Followed, Follower
from .providers import Found, LogSource, Pattern
from .query import Query
from .seen import Kinds
from .settings import Settings
from .store import Stored, Writer
from .store.kinds import StoredKinds
from .store.reader import Reader

SANDBOX = "sandbox"
"""The environment that the sandbox's lines belong to."""


class Sources:
    """Opens what the settings name. The embedded store is open while any of the two contexts is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stored: Stored | None = None
        self._users = 0
        self._stack = AsyncExitStack()

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[LogSource]:
        """The source of all lines: each query goes where the file of settings sends it.

        Raises:
            SettingsError: the file is wrong, or something can't be opened.
        """
        routes = load(self._settings.logs_file)
        async with self._embedded() as stored, AsyncExitStack() as stack:
            opened = {choice: await stack.enter_async_context(choice.open(stored)) for choice in routes.choices}
            yield Routed(routes, opened)

    @asynccontextmanager
    async def sandbox(self) -> AsyncIterator[LogSource]:
        """The source for rehearsals: the sandbox's lines, whatever environment is asked for."""
        async with self._embedded() as stored:
            yield Only(stored, SANDBOX)

    @asynccontextmanager
    async def kinds(self) -> AsyncIterator[Kinds]:
        """The patterns of the lines that are stored here."""
        async with self._embedded() as stored:
            yield StoredKinds(stored.reader)

    @asynccontextmanager
    async def sandbox_kinds(self) -> AsyncIterator[Kinds]:
        """The patterns for rehearsals."""
        async with self._embedded() as stored:
            yield StoredKinds(stored.reader, SANDBOX)

    @asynccontextmanager
    async def _embedded(self) -> AsyncIterator[Stored]:
        self._users += 1
        try:
            if self._stored is None:
                self._stored = await self._open()
            yield self._stored
        finally:
            self._users -= 1
            if not self._users:
                self._stored = None
                await self._stack.aclose()

    async def _open(self) -> Stored:
        settings = self._settings
        folder = settings.data_dir or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bellboard-logs-")))
        file = folder / "lines.db"
        writer = await self._stack.enter_async_context(Writer(file, settings.max_bytes, settings.max_age_hours * 3600))
        reader = Reader(file)
        self._stack.push_async_callback(reader.close)
        if settings.loki_port:
            await self._stack.enter_async_context(push.answer(writer, settings.ingest_host, settings.loki_port))
        if settings.syslog_port:
            await self._stack.enter_async_context(syslog.listen(writer, settings.ingest_host, settings.syslog_port))
        await self._stack.enter_async_context(_following(_files(settings), writer, reader))
        return Stored(writer, reader)


def _files(settings: Settings) -> list[Followed]:
    files = [Followed(pattern) for pattern in settings.follow]
    if settings.sandbox_dir is not None:
        files.append(Followed(str(settings.sandbox_dir / "logs" / "*.jsonl"), SANDBOX))
    return files


@asynccontextmanager
async def _following(files: Sequence[Followed], writer: Writer, reader: Reader) -> AsyncIterator[None]:
    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logs.emit(names.UNEXPECTED, exc=error)

    task = asyncio.create_task(Follower(files, writer, reader).run(), name="logs-follower")
    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Routed:
    """A `LogSource` that asks another one, by environment and app."""

    routes: Routes
    opened: dict[Choice, LogSource]

    def _for(self, query: Query) -> LogSource:
        return self.opened[self.routes.choose(query.env, query.app)]

    async def search(self, query: Query, *, limit: int) -> Found:
        return await self._for(query).search(query, limit=limit)

    async def beside(self, query: Query, entry: Entry, count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
        return await self._for(query).beside(query, entry, count)

    async def count(self, query: Query, by: str) -> Sequence[tuple[str, int]]:
        return await self._for(query).count(query, by)

    async def patterns(self, query: Query, *, new: bool = False) -> Sequence[Pattern]:
        return await self._for(query).patterns(query, new=new)

    def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        return self._for(query).tail(query)

    async def ping(self) -> None:
        for source in self.opened.values():
            await source.ping()


@dataclass(frozen=True, slots=True)
class Only:
    """A `LogSource` of one environment, whichever a query names."""

    source: LogSource
    env: str

    def _here(self, query: Query) -> Query:
        return replace(query, env=self.env)

    async def search(self, query: Query, *, limit: int) -> Found:
        return await self.source.search(self._here(query), limit=limit)

    async def beside(self, query: Query, entry: Entry, count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
        return await self.source.beside(self._here(query), entry, count)

    async def count(self, query: Query, by: str) -> Sequence[tuple[str, int]]:
        return await self.source.count(self._here(query), by)

    async def patterns(self, query: Query, *, new: bool = False) -> Sequence[Pattern]:
        return await self.source.patterns(self._here(query), new=new)

    def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        return self.source.tail(self._here(query))

    async def ping(self) -> None:
        await self.source.ping()
