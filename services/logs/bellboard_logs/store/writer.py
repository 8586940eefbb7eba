"""The one writer of the embedded store: a thread that takes batches, and commits as many at once as wait."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from bellboard import ProviderError
from bellboard.telemetry import logs, names

from ..drain import Drain
from ..entries import LEVELS, Entry
from .schema import SHIFT, first_id, open_to_write

AT_ONCE = 20_000
"""Lines of one transaction, unless a single batch is larger."""

DROP_AT_ONCE = 5_000
TRIES = 3


class Place(NamedTuple):
    """How far a followed file was read. ``head`` tells whether it is still the same file."""

    path: str
    inode: int
    offset: int
    head: str


@dataclass(frozen=True, slots=True)
class _Batch:
    entries: Sequence[Entry]
    place: Place | None
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop

    def settle(self, error: Exception | None) -> None:
        def tell() -> None:
            if self.done.cancelled():
                return
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)

        self.loop.call_soon_threadsafe(tell)


@dataclass
class Writer:
    """Writes lines; an async context manager. ``max_bytes``, ``max_age`` (seconds): beyond them the oldest are dropped."""

    file: Path
    max_bytes: int = 2 * 2**30
    max_age: float = 14 * 86400.0
    _waiting: queue.SimpleQueue[_Batch | None] = field(default_factory=queue.SimpleQueue, init=False)
    _listeners: set[asyncio.Queue[Sequence[Entry]]] = field(default_factory=set, init=False)
    _streams: dict[tuple[str, str, str, str, str], int] = field(default_factory=dict, init=False)
    _drains: defaultdict[str, Drain] = field(default_factory=lambda: defaultdict(Drain), init=False)
    _next: int = field(default=0, init=False)
    _stale: bool = field(default=True, init=False)

    async def __aenter__(self) -> Self:
        self._db = await asyncio.to_thread(open_to_write, self.file)
        self._thread = threading.Thread(target=self._run, name="logs-writer", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        self._db.close()

    async def write(self, entries: Sequence[Entry], place: Place | None = None) -> None:
        """Store lines, and with them how far their file was read. When it returns they are on the disk.

        Raises:
            ProviderError: they could not be written; none of them is stored.
        """
        loop = asyncio.get_running_loop()
        batch = _Batch(entries, place, loop.create_future(), loop)
        self._waiting.put(batch)
        await batch.done
        for listener in self._listeners:
            if listener.full():
                listener.get_nowait()
            listener.put_nowait(entries)

    def listen(self) -> asyncio.Queue[Sequence[Entry]]:
        """A queue of what is written from now on; the oldest is dropped where nobody takes it. To be given to `forget`."""
        listener: asyncio.Queue[Sequence[Entry]] = asyncio.Queue(1000)
        self._listeners.add(listener)
        return listener

    def forget(self, listener: asyncio.Queue[Sequence[Entry]]) -> None:
        """Hear no more."""
        self._listeners.discard(listener)

    def _restore(self) -> None:
        """Know what the file knows; of use at the start, and when what was known since then was not kept."""
        if not self._stale:
            return
        self._streams.clear()
        self._drains.clear()
        (self._next,) = self._db.execute("SELECT next FROM counter").fetchone()
        for id, *key in self._db.execute("SELECT id, env, app, service, version, replica FROM stream"):
            self._streams[key[0], key[1], key[2], key[3], key[4]] = id
        for id, app, template in self._db.execute("SELECT id, app, template FROM pattern"):
            self._drains[app].restore(template, id)
        self._stale = False

    def _run(self) -> None:
        ended = False
        while not ended:
            batches, ended = self._take()
            if batches:
                error = self._commit(batches)
                for batch in batches:
                    batch.settle(error)
            self._drop_oldest(sum(len(batch.entries) for batch in batches))

    def _take(self) -> tuple[list[_Batch], bool]:
        """What waits, up to `AT_ONCE` lines, and whether that is the end."""
        batches: list[_Batch] = []
        lines = 0
        try:
            item = self._waiting.get(timeout=1.0)
            while item is not None:
                batches.append(item)
                lines += len(item.entries)
                if lines >= AT_ONCE:
                    return batches, False
                item = self._waiting.get_nowait()
        except queue.Empty:
            return batches, False
        return batches, True

    def _commit(self, batches: Sequence[_Batch]) -> Exception | None:
        for _ in range(TRIES):
            try:
                self._restore()
                self._db.execute("BEGIN IMMEDIATE")
                self._write(batches)
                self._db.execute("COMMIT")
            except sqlite3.IntegrityError:
                self._undo()
                self._db.execute("UPDATE counter SET next = next + ?", (AT_ONCE,))  # another clock used these numbers up
            except Exception as error:  # noqa: BLE001  # a task boundary: the thread lives on
                self._undo()
                logs.emit(names.LOGS_NOT_STORED, exc=error, lines=sum(len(batch.entries) for batch in batches))
                return ProviderError("the lines could not be stored", hint="see whether the disk is full")
            else:
                return None
        return ProviderError("the lines could not be stored", hint="their times are all the same")

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._stale = True

    def _write(self, batches: Sequence[_Batch]) -> None:
        entries = sorted((entry for batch in batches for entry in batch.entries), key=lambda entry: entry.at)
        rows, texts = [], []
        number, mask, tags = self._next, (1 << SHIFT) - 1, _Tags()
        for entry in entries:
            id = first_id(entry.at) | number & mask
            number += 1
            cluster = self._drains[entry.app].learn(entry.message)
            if not cluster.id:
                cluster.id = self._new_pattern(entry)
            tag = tags[entry.level, entry.service, entry.version, entry.replica]
            rows.append((id, entry.at, self._stream(entry), entry.level, cluster.id, entry.message, entry.more, tag))
            texts.append((id, f"{entry.message} {entry.more} {tag}"))
        rows.sort()
        texts.sort()
        self._db.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", texts)
        self._keep_patterns()
        places = [batch.place for batch in batches if batch.place is not None]
        self._db.executemany("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)", places)
        self._db.execute("UPDATE counter SET next = ?", (number,))
        self._next = number

    def _stream(self, entry: Entry) -> int:
        key = (entry.env, entry.app, entry.service, entry.version, entry.replica)
        found = self._streams.get(key)
        if found is None:
            row = self._db.execute(
                "INSERT INTO stream (env, app, service, version, replica) VALUES (?, ?, ?, ?, ?) RETURNING id", key
            ).fetchone()
            found = self._streams[key] = int(row[0])
        return found

    def _new_pattern(self, entry: Entry) -> int:
        sql = "INSERT INTO pattern (app, template, first) VALUES (?, '', ?) RETURNING id"
        return int(self._db.execute(sql, (entry.app, entry.at)).fetchone()[0])

    def _keep_patterns(self) -> None:
        for drain in self._drains.values():
            for cluster in drain.changed:
                self._db.execute("UPDATE pattern SET template = ? WHERE id = ?", (cluster.template, cluster.id))
            drain.changed.clear()

    def _drop_oldest(self, written: int) -> None:
        """Drop what is too old, and if the store is too large some more than has just been written."""
        try:
            limit = first_id(time.time() - self.max_age)
            (oldest,) = self._db.execute("SELECT min(id) FROM line").fetchone()
            if oldest is not None and (oldest < limit or self._bytes() > self.max_bytes):
                newest = limit if oldest < limit else (1 << 63) - 1
                self._drop(newest, DROP_AT_ONCE + written + written // 4)
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            logs.emit(names.LOGS_NOT_STORED, exc=error, lines=0)

    def _drop(self, before: int, most: int) -> None:
        chosen = "SELECT id FROM line WHERE id < ? ORDER BY id LIMIT ?"
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM indexed"  # noqa: S608
            f" WHERE id IN ({chosen})",
            (before, most),
        )
        self._db.execute(f"DELETE FROM line WHERE id IN ({chosen})", (before, most))  # noqa: S608
        self._db.execute("COMMIT")

    def _bytes(self) -> int:
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (size,) = self._db.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * size)


class _Tags(dict[tuple[int, str, str, str], str]):
    """What is looked for in a line besides its own text: its level's word, and who said it."""

    def __missing__(self, key: tuple[int, str, str, str]) -> str:
        level, service, version, replica = key
        self[key] = tag = f"{LEVELS[level]} {service} {version} {replica}"
        return tag
