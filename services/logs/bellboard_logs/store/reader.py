"""Reads the embedded store: a query as SQL, in threads of their own, each with a limit of time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bellboard import ProviderError, UserError

from ..query import Query, tokens
from .schema import first_id, open_to_read

THREADS = 3
SECONDS = 15.0
"""How long one question may take."""

STEPS = 20_000
"""Instructions of SQLite between two looks at the clock."""

Row = tuple[Any, ...]


class Reader:
    """A few connections that only read. To be closed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._own = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="logs-reader")

    async def rows(self, sql: str, values: Sequence[object] = (), query: Query | None = None) -> list[Row]:
        """The rows of a statement, in which ``matches(message)`` holds the query's regular expressions.

        Raises:
            UserError: it took too long.
            ProviderError: the store can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, sql, values, query)

    def _read(self, sql: str, values: Sequence[object], query: Query | None) -> list[Row]:
        end = time.monotonic() + SECONDS
        try:
            db = self._connection()
            if query is not None and query.regexes:
                regexes = query.regexes
                db.create_function("matches", 1, lambda text: all(regex.finds(text) for regex in regexes), deterministic=True)
            db.set_progress_handler(lambda: time.monotonic() > end, STEPS)
            return db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if time.monotonic() > end:
                raise UserError(f"it took longer than {SECONDS:g} s", hint="look at less time, or for rarer words") from error
            raise ProviderError("the store of lines can't be read") from error
        except sqlite3.Error as error:
            raise ProviderError("the store of lines can't be read") from error

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._own, "db", None)
        if db is None:
            db = self._own.db = open_to_read(self._file)
            self._open.append(db)
        return db

    async def close(self) -> None:
        """Close every connection; in the threads that made them."""
        barrier = threading.Barrier(THREADS)

        def end() -> None:
            barrier.wait(timeout=SECONDS + 1)
            db: sqlite3.Connection | None = getattr(self._own, "db", None)
            if db is not None:
                db.close()

        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._pool, end) for _ in range(THREADS)))
        self._pool.shutdown()


def condition(query: Query) -> tuple[str, list[object]]:
    """What stands behind SELECT … so that just the query's lines are left: FROM and WHERE, and the values in them.

    Words of people go in as values alone, and there as quoted strings of the index's own language.
    """
    first, behind = first_id(query.start), first_id(query.end)
    if query.words:
        sql = "FROM words JOIN line ON line.id = words.rowid WHERE words MATCH ? AND words.rowid >= ? AND words.rowid < ?"
        values: list[object] = [match(query.words), first, behind]
    else:
        sql, values = "FROM line WHERE id >= ? AND id < ?", [first, behind]
    sql += " AND stream IN (SELECT id FROM stream WHERE app = ? AND (? = '' OR env = ?))"
    values += [query.app, query.env, query.env]
    if query.level:
        sql += " AND level >= ? AND level >= 3" if query.level >= 3 else " AND level >= ?"
        values.append(query.level)
    if query.regexes:
        sql += " AND matches(message)"
    return sql, values


def match(words: Sequence[str]) -> str:
    """The words in the language of the index; each is one string in it, whatever it holds."""
    return " AND ".join(f'"{" ".join(tokens(word))}"{" *" if word.endswith("*") else ""}' for word in words)
