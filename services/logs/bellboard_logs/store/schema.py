"""The tables of the embedded store, and how its file is opened.

A line's id holds its time: milliseconds since 1970, shifted by `SHIFT`, and a number that tells lines of one millisecond
apart. So a stretch of time is a stretch of ids, in the table and in the index alike, and the newest come first for nothing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bellboard import SettingsError

SHIFT = 22
VERSION = 1
BUSY_SECONDS = 10.0
MAPPED = 1 << 30
"""Bytes of the file that a reader sees as memory: hits lie far apart, and a page of each costs no read and no copy."""

_TABLES = """
CREATE TABLE stream (
  id INTEGER PRIMARY KEY, env TEXT NOT NULL, app TEXT NOT NULL, service TEXT NOT NULL, version TEXT NOT NULL,
  replica TEXT NOT NULL, UNIQUE (env, app, service, version, replica));
CREATE INDEX stream_app ON stream (app);
CREATE TABLE pattern (
  id INTEGER PRIMARY KEY, app TEXT NOT NULL, template TEXT NOT NULL, first REAL NOT NULL);
CREATE INDEX pattern_app ON pattern (app, first);
CREATE TABLE line (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, stream INTEGER NOT NULL, level INTEGER NOT NULL, pattern INTEGER NOT NULL,
  message TEXT NOT NULL, more TEXT NOT NULL, tags TEXT NOT NULL);
CREATE INDEX line_bad ON line (level, id) WHERE level >= 3;
CREATE VIEW indexed AS SELECT id, message || ' ' || more || ' ' || tags AS text FROM line;
CREATE VIRTUAL TABLE words USING fts5 (
  text, content='indexed', content_rowid='id', tokenize="unicode61 remove_diacritics 0 tokenchars '_-'");
CREATE TABLE place (path TEXT PRIMARY KEY, inode INTEGER NOT NULL, offset INTEGER NOT NULL, head TEXT NOT NULL);
CREATE TABLE counter (next INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
"""

LATEST = float(1 << 31)
"""Seconds since 1970 that still fit into an id; what claims to be later has the id of that moment (2038)."""


def first_id(at: float) -> int:
    """The least id that a line of that time can have."""
    return int(min(max(at, 0.0), LATEST) * 1000) << SHIFT


def open_to_write(file: Path) -> sqlite3.Connection:
    """Open the store, made if it is not there. What is committed survives kill -9 and loss of power.

    Raises:
        SettingsError: it can't be opened, or is of another version.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
        db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
            "PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864;"
        )
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    except (sqlite3.Error, OSError) as error:
        raise SettingsError(f"{file} can't be opened as a store of lines: {error}") from error
    if version not in (0, VERSION):
        raise SettingsError(f"{file} was made by another version", hint="move it away to begin anew")
    file.chmod(0o600)
    return db


def open_to_read(file: Path) -> sqlite3.Connection:
    """Open the store for a reader; it never waits for the writer."""
    db = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    db.executescript(
        f"PRAGMA query_only = ON; PRAGMA mmap_size = {MAPPED}; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
    )
    return db
