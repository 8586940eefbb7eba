"""What can be done with any typed table: count, top, filter, sort, fewer columns. All of it is pure."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from bellboard import UserError
from bellboard.api.chat.v1 import chat_pb2 as chat

TOP = 10
MOST_DIGITS = 4
_CONDITION = re.compile(r"(!=|>=|<=|=|>|<)")
_LENGTH = re.compile(r"([0-9.]{1,20}) ?(ms|s|min|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_HOLDS: dict[str, Callable[[int | float, int | float], bool]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
NUMBER, TIME, DURATION = chat.COLUMN_TYPE_NUMBER, chat.COLUMN_TYPE_TIME, chat.COLUMN_TYPE_DURATION


def column(table: chat.Table, name: str) -> int:
    """The place of a column, whatever the case. Raises UserError with the nearest."""
    names = [one.name.casefold() for one in table.columns]
    wanted = name.strip().casefold()
    if wanted in names:
        return names.index(wanted)
    near = difflib.get_close_matches(wanted, names, 1)
    known = ", ".join(one.name for one in table.columns)
    raise UserError(f"there is no column {name.strip()[:40]!r}", hint=near[0] if near else f"there are {known[:200]}")


def count(table: chat.Table, name: str) -> chat.Table:
    """How often each value of a column occurs, the commonest first; without a column, how many rows there are."""
    if not name:
        row = chat.Row(cells=[chat.Cell(number=len(table.rows))])
        return chat.Table(title=table.title, columns=[chat.Column(name="count", type=NUMBER)], rows=[row])
    at = column(table, name)
    held: dict[bytes, chat.Cell] = {}
    counted: Counter[bytes] = Counter()
    for row in table.rows:
        key = row.cells[at].SerializeToString(deterministic=True)
        held[key] = row.cells[at]
        counted[key] += 1
    rows = [chat.Row(cells=[held[key], chat.Cell(number=number)]) for key, number in counted.most_common()]
    return chat.Table(title=table.title, columns=[table.columns[at], chat.Column(name="count", type=NUMBER)], rows=rows)


def top(table: chat.Table, what: str, name: str) -> chat.Table:
    """The largest rows by a column, or where it holds words its commonest values.

    Args:
        what: how many; or the column, where ``name`` is empty.

    Raises:
        UserError: there is no such column, or that is no number.
    """
    if name and not (what.isascii() and what.isdigit() and len(what) <= MOST_DIGITS and int(what)):
        raise UserError(f"{what[:40]!r} is no number of rows", hint=f"top {TOP} by {name[:40]}")
    most, by = (int(what), name) if name else (TOP, what)
    ordered = sort(table, by, desc=True) if _comparable(table, column(table, by)) else count(table, by)
    return chat.Table(title=table.title, columns=ordered.columns, rows=ordered.rows[:most])


def sort(table: chat.Table, name: str, *, desc: bool) -> chat.Table:
    """The rows in order of a column; those in which it is empty come last. Raises UserError."""
    at = column(table, name)
    given = [row for row in table.rows if row.cells[at].WhichOneof("value")]
    empty = [row for row in table.rows if not row.cells[at].WhichOneof("value")]
    if _comparable(table, at):
        given.sort(key=lambda row: number(row.cells[at]) or 0.0, reverse=desc)
    else:
        given.sort(key=lambda row: words(row.cells[at]).casefold(), reverse=desc)
    return chat.Table(title=table.title, columns=table.columns, rows=[*given, *empty])


def pick(table: chat.Table, names: str) -> chat.Table:
    """Some of the columns, in the order given. Raises UserError."""
    places = [column(table, name) for name in names.split(",") if name.strip()]
    rows = [chat.Row(cells=[row.cells[at] for at in places]) for row in table.rows]
    return chat.Table(title=table.title, columns=[table.columns[at] for at in places], rows=rows)


def keep(table: chat.Table, condition: str) -> chat.Table:
    """The rows that meet a condition such as ``version=v2``, ``took > 5m`` or ``by != ann``. Raises UserError."""
    parts = _CONDITION.split(condition, maxsplit=1)
    if len(parts) != 3:
        raise UserError("that is no condition", hint="such as version=v2, took > 5m or count != 0")
    at, sign, value = column(table, parts[0]), parts[1], parts[2].strip().strip("\"'")
    if sign in "!=":
        rows = [row for row in table.rows if _same(row.cells[at], value) == (sign == "=")]
    else:
        limit, holds = _limit(value, table.columns[at]), _HOLDS[sign]
        rows = [row for row in table.rows if (held := number(row.cells[at])) is not None and holds(held, limit)]
    return chat.Table(title=table.title, columns=table.columns, rows=rows)


def number(cell: chat.Cell) -> float | None:
    """A cell as a number: lengths and moments in seconds. None for words that are none, and for an empty cell."""
    kind = cell.WhichOneof("value")
    if kind == "number":
        return cell.number
    if kind == "time":
        return cell.time.ToDatetime(UTC).timestamp()
    if kind == "duration":
        return cell.duration.ToTimedelta().total_seconds()
    return _parsed(cell.text)


def words(cell: chat.Cell) -> str:
    """A cell as people read it."""
    kind = cell.WhichOneof("value")
    if kind == "number":
        return f"{cell.number:g}"
    if kind == "time":
        return f"{cell.time.ToDatetime(UTC):%Y-%m-%d %H:%M:%S}"
    if kind == "duration":
        return f"{cell.duration.ToTimedelta().total_seconds():g} s"
    return cell.text


def _comparable(table: chat.Table, at: int) -> bool:
    return table.columns[at].type in (NUMBER, TIME, DURATION)


def _same(cell: chat.Cell, value: str) -> bool:
    if words(cell).casefold() == value.casefold():
        return True
    held, wanted = number(cell), _parsed(value)
    return held is not None and held == wanted and cell.WhichOneof("value") != "text"


def _limit(value: str, at: chat.Column) -> float:
    limit = _parsed(value)
    if limit is None:
        example = {DURATION: "5m", TIME: "2026-11-22T10:00"}.get(at.type, "10")
        raise UserError(f"{value[:40]!r} can't be compared with {at.name!r}", hint=f"such as {at.name} > {example}")
    return limit


def _parsed(value: str) -> float | None:
    """A number, a length of time in seconds, or an ISO moment (UTC) in seconds."""
    text = value.strip()
    if found := _LENGTH.fullmatch(text):
        base, factor = found[1], _SECONDS[found[2]]
    else:
        base, factor = text.removesuffix("%").strip(), 1.0
    try:
        given = float(base) * factor if len(base) <= 40 else float("nan")
    except ValueError:
        return _moment(text)
    return given if given == given else None


def _moment(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
