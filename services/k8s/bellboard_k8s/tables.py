"""Kubernetes' own tables, with types: so that a pipe can count, sort and compare what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bellboard import Block, table
from bellboard.replies import Value

from .providers import Column, Fields, Listed, Row

BYTES = 96 * 1024
"""Of what the cells of a table hold: a record of the ledger has to take it."""

WIDEST = 300
_EMPTY = ("<none>", "<unknown>", "<invalid>", "")
_LENGTH = re.compile(r"(?:\d+[ywdhms])+")
_PARTS = re.compile(r"(\d+)([ywdhms])")
_SECONDS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_COUNT = re.compile(r"(\d+)(?: \(.+ ago\))?")
"""Restarts: how many, and when the last was."""


def typed(listed: Listed, *, wide: bool, namespaces: bool, now: datetime) -> Block:
    """A table as Kubernetes shows it, its ages exact, as many of its rows as a record holds.

    Args:
        wide: with the columns that people look at seldom.
        namespaces: with a column that says where each object is.
    """
    rows = listed.rows[: _fitting(listed.rows)]
    heads: list[str] = []
    columns: list[Sequence[Value]] = []
    if namespaces:
        heads.append("namespace")
        columns.append([str(row.meta.get("namespace", "")) for row in rows])
    for number, column in enumerate(listed.columns):
        if column.main or wide:
            heads.append(column.name.casefold())
            columns.append(_values(column, [row.cells[number] for row in rows], rows, now))
    return table(heads, list(zip(*columns, strict=True)) if rows else [])


def moment(text: object) -> datetime | None:
    """A time as Kubernetes writes it."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def age(meta: Fields, now: datetime) -> timedelta | None:
    """How long an object has been there, in whole seconds."""
    made = moment(meta.get("creationTimestamp"))
    return None if made is None else timedelta(seconds=max(0, round((now - made).total_seconds())))


def short(cell: object) -> str:
    """A cell as text."""
    words = " ".join(str(cell).split())
    return words if len(words) <= WIDEST else f"{words[:WIDEST]}…"


def _values(column: Column, cells: Sequence[Any], rows: Sequence[Row], now: datetime) -> Sequence[Value]:
    if column.name == "Age":
        return [age(row.meta, now) for row in rows]
    plain = [None if cell is None or cell in _EMPTY else cell for cell in cells]
    if all(cell is None or isinstance(cell, int | float) for cell in plain):
        return plain
    texts = [None if cell is None else short(cell) for cell in plain]
    return _read(texts, _LENGTH, _length) or _read(texts, _COUNT, lambda text: int(text.split()[0])) or texts


def _read(texts: Iterable[str | None], shape: re.Pattern[str], read: Callable[[str], Value]) -> list[Value] | None:
    """What all of the texts say, if all have the shape."""
    said = list(texts)
    if not all(text is None or shape.fullmatch(text) for text in said):
        return None
    return [None if text is None else read(text) for text in said]


def _length(text: str) -> timedelta:
    return timedelta(seconds=sum(int(count) * _SECONDS[unit] for count, unit in _PARTS.findall(text)))


def _fitting(rows: Sequence[Row]) -> int:
    left = BYTES
    for number, row in enumerate(rows):
        left -= 40 + sum(8 + len(short(cell).encode()) for cell in row.cells)
        if left < 0:
            return number
    return len(rows)


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)
