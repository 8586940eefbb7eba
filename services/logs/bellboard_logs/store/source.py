"""The embedded store as a source of lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from bellboard import ProviderError

from ..entries import LEVELS, Entry
from ..providers import MOST_COUNTED, Found, Pattern
from ..query import Query
from .reader import Reader, Row, condition
from .schema import first_id
from .writer import Writer

COLUMNS = (
    "line.id, at, level, app, message, service, version, replica, env, more, (SELECT template FROM pattern WHERE id = pattern)"
)
BESIDE_SECONDS = 3600
"""How far from a line its neighbours are looked for."""

IDLE_SECONDS = 1.0

_BY = {
    "level": "level",
    "service": "(SELECT service FROM stream WHERE id = stream)",
    "version": "(SELECT version FROM stream WHERE id = stream)",
    "pattern": "(SELECT template FROM pattern WHERE id = pattern)",
}


class Stored:
    """A `LogSource` of what the writer has stored."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    @property
    def reader(self) -> Reader:
        """What reads the store."""
        return self._reader

    async def search(self, query: Query, *, limit: int) -> Found:
        sql, values = condition(query)
        most = max(limit, MOST_COUNTED)
        found = f"""WITH hit AS MATERIALIZED (SELECT line.id {sql} ORDER BY {_rowid(query)} DESC LIMIT {most}),
            newest AS MATERIALIZED (SELECT id FROM hit ORDER BY id DESC LIMIT {limit})
            SELECT (SELECT count(*) FROM hit), {COLUMNS}
            FROM newest CROSS JOIN line ON line.id = newest.id JOIN stream ON stream.id = stream ORDER BY newest.id"""  # noqa: S608
        rows = await self._reader.rows(found, values, query)
        total = rows[0][0] if rows else 0
        return Found([_entry(row[1:]) for row in rows], total, total >= MOST_COUNTED)

    async def _lines(self, ids: Sequence[int]) -> list[Entry]:
        sql = f"SELECT {COLUMNS} FROM line JOIN stream ON stream.id = stream WHERE line.id IN (SELECT value FROM json_each(?))"  # noqa: S608
        rows = await self._reader.rows(f"{sql} ORDER BY line.id", [f"[{','.join(map(str, ids))}]"])
        return [_entry(row) for row in rows]

    async def beside(self, query: Query, entry: Entry, count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
        near = "FROM line WHERE stream = (SELECT stream FROM line WHERE id = ?)"
        before = f"SELECT id {near} AND id < ? AND id >= ? ORDER BY id DESC LIMIT ?"
        after = f"SELECT id {near} AND id > ? AND id < ? ORDER BY id LIMIT ?"
        place, first, last = entry.place, first_id(entry.at - BESIDE_SECONDS), first_id(entry.at + BESIDE_SECONDS)
        earlier = await self._reader.rows(before, [place, place, first, count])
        later = await self._reader.rows(after, [place, place, last, count])
        return await self._lines([id for (id,) in earlier]), await self._lines([id for (id,) in later])

    async def count(self, query: Query, by: str) -> Sequence[tuple[str, int]]:
        sql, values = condition(query)
        key = by if by in ("level", "pattern") else "stream"
        grouped = f"SELECT {_BY[by]}, n FROM (SELECT {key}, count(*) AS n {sql} GROUP BY {key})"  # noqa: S608
        counts: dict[str, int] = {}
        for key, number in await self._reader.rows(grouped, values, query):
            word = LEVELS[key] if by == "level" else key
            counts[word] = counts.get(word, 0) + number
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    async def patterns(self, query: Query, *, new: bool = False) -> Sequence[Pattern]:
        sql, values = condition(query)
        if new:
            sql += " AND pattern IN (SELECT id FROM pattern WHERE app = ? AND first >= ?)"
            values += [query.app, query.start]
        grouped = f"SELECT pattern, count(*) AS n, max(at) AS last, max(level) AS worst {sql} GROUP BY pattern"
        named = (
            f"SELECT template, n, first, last, worst FROM ({grouped}) JOIN pattern ON pattern.id = pattern ORDER BY n DESC, 1"  # noqa: S608
        )
        return [Pattern(*row) for row in await self._reader.rows(named, values, query)]

    async def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        listener = self._writer.listen()
        try:
            while True:
                try:
                    async with asyncio.timeout(IDLE_SECONDS):
                        entries = await listener.get()
                except TimeoutError:
                    yield []
                    continue
                yield [entry for entry in entries if query.matches(entry)]
        finally:
            self._writer.forget(listener)

    async def ping(self) -> None:
        if not await self._reader.rows("SELECT next FROM counter"):
            raise ProviderError("the store of lines is broken")


def _rowid(query: Query) -> str:
    return "words.rowid" if query.words else "id"


def _entry(row: Row) -> Entry:
    place, at, level, app, message, service, version, replica, env, more, pattern = row
    return Entry(at, level, app, message, service, version, replica, env, more, pattern or "", place)
