"""Values in words, and lines where there are no pictures: sparklines and a few figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bellboard import Block, table
from bellboard.api.chat.v1 import chat_pb2 as chat

from .series import Series

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 24
"""Characters of a sparkline."""


def scale_of(unit: str, largest: float) -> tuple[float, str]:
    """What values are divided by to be read easily, and the unit that they then have."""
    if unit == "s" and largest < 1:
        return 0.001, "ms"
    if unit == "bytes":
        for size, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if largest >= size:
                return float(size), name
        return 1.0, "bytes"
    return 1.0, unit


def say(value: float, unit: str) -> str:
    """A value in words, such as "23 %", "180 ms" or "1.2 /s"."""
    size, name = scale_of(unit, abs(value))
    if value == 0:
        return "0 %" if unit == "%" else "0"
    return f"{_short(value / size)} {name}".strip()


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """Values as a row of small bars, from 0 or the least to the largest; where nothing is known there is a dot."""
    if not values:
        return ""
    width = min(width, len(values))
    cells = [_mean(values[len(values) * i // width : len(values) * (i + 1) // width]) for i in range(width)]
    seen = [cell for cell in cells if cell is not None]
    low, high = min([0.0, *seen]), max([0.0, *seen])
    spread = (high - low) or 1.0
    return "".join("·" if cell is None else BARS[round((cell - low) / spread * 7)] for cell in cells)


def figures(lines: Sequence[tuple[str, str, Series]]) -> Block:
    """A table with a row for each line: its trend, least, average, largest and last value.

    Args:
        lines: what each is called, its unit, and its values. Where all have one unit it stands in the headings, else
            behind the names.
    """
    scales = {unit: scale_of(unit, _largest(line for _, own, line in lines if own == unit)) for _, unit, _ in lines}
    alone = next(iter(scales.values()))[1] if len(scales) == 1 else ""
    number = [chat.Column(name=name, type=chat.COLUMN_TYPE_NUMBER, unit=alone) for name in ("min", "avg", "max", "now")]
    rows = []
    for name, unit, line in lines:
        size, shown = scales[unit]
        rows.append(_row(name if alone or not shown else f"{name} ({shown})", line, size))
    return table(["series", "trend", *number], rows)


def _largest(lines: Iterable[Series]) -> float:
    return max((abs(value) for line in lines for _, value in line.known), default=0.0)


def _row(name: str, line: Series, size: float) -> Sequence[str | float | None]:
    values = [value / size for _, value in line.known]
    if not values:
        return [name, "", None, None, None, None]
    now = next((value / size for value in line.values[-3:][::-1] if value is not None), None)
    told = (min(values), sum(values) / len(values), max(values), now)
    return [name, sparkline(line.values), *(None if value is None else float(f"{value:.3g}") for value in told)]


def moment(at: float, span: float = 0.0) -> str:
    """A moment in words, in UTC: with its seconds in short spans, with its day in long ones."""
    form = "%H:%M:%S" if 0 < span <= 600 else "%d %b %H:%M" if span > 86400 else "%H:%M"
    return datetime.fromtimestamp(at, UTC).strftime(form)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _short(value: float) -> str:
    """Three digits that count, without a power of ten as far as people read them."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
