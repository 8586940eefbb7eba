"""The record of a room: how it is asked for, and what it holds. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from bellboard.api.chat.v1 import chat_pb2 as chat

AFTER = 86400.0
"""Seconds behind the end of an incident in which its thread is looked at."""

TALK, MISSING = "talk", "missing"
"""Kinds of rows: what was said, and what could not be had; all others are commands."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a room's record, by the columns of the house's command `record`; ``at`` is in seconds since 1970."""

    at: float
    kind: str
    who: str = ""
    words: str = ""
    state: str = ""
    outcome: str = ""
    id: str = ""
    card: str = ""
    thread: str = ""
    bot: str = ""
    picture: str = ""


_TEXTS = frozenset(field.name for field in fields(Row)) - {"at"}


def rows_of(table: chat.Table) -> Sequence[Row]:
    """The rows of a record; columns that are not known are passed over."""
    names = [column.name for column in table.columns]
    return [_row(dict(zip(names, row.cells, strict=False))) for row in table.rows]


def _row(cells: Mapping[str, chat.Cell]) -> Row:
    at = cells["at"].time.ToDatetime(UTC).timestamp() if "at" in cells else 0.0
    return Row(at, **{"kind": "", **{name: cell.text for name, cell in cells.items() if name in _TEXTS}})


def asked(room: str, start: float, end: float, now: float) -> str:
    """The line that asks for the record of a stretch of time, and of what came shortly after it."""
    moments = (datetime.fromtimestamp(moment, UTC) for moment in (start, min(end + AFTER, now) + 1))
    return f'record in #{room} --since "{"..".join(f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in moments)}"'
