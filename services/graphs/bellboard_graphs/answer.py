"""From a question to what people see: lines or bars, their story, their figures, and the picture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from bellboard import Block, Call, UserError, text
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import Failed
from bellboard.marks import Draft, Marks
from bellboard.ranges import Span
from bellboard.replies import WARNING

from . import chart, tables
from .catalogue import Wanted
from .chart import Line
from .figures import figures, say
from .providers import MetricSource, Painter, QuerySource
from .series import Series, step_for
from .story import Event, tell

KINDS = ("deploy", "lock", "incident")
"""What is drawn on every graph."""
MOST_NAMES = 6
LONGEST = 90 * 86400.0
"""Seconds of the longest graph."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is about to be shown: a title, a specification and its story, figures, and how many lines were left out.

    Where there is nothing to draw, the title alone says so.
    """

    title: str
    spec: chart.Spec | None = None
    alt: str = ""
    table: Block | None = None
    left_out: int = 0


def bounded(span: Span) -> Span:
    """The span, if it can be drawn. Raises UserError."""
    if span.end - span.start < 1:
        raise UserError("that is too short to be drawn", hint="such as 15m")
    if span.end - span.start > LONGEST:
        raise UserError(f"that is too long to be drawn: {span.text}", hint="at most 90 days, such as 7d")
    return span


async def measured(
    wanted: Mapping[str, Wanted], app: str, span: Span, vs: timedelta | None, source: MetricSource, marks: Marks
) -> Drawn:
    """What the catalogue means by some short names, each beside what it was some time before if ``vs`` says so.

    Raises:
        UserError: there are too many, or the source has no such measure.
        ProviderError: the source did not answer.
    """
    if len(wanted) > MOST_NAMES:
        raise UserError(f"more than {MOST_NAMES} can't be told apart", hint="draw them in two graphs")
    step = step_for(span.end - span.start)
    found = await asyncio.gather(*(source.series(one, span, step) for one in wanted.values()))
    back = vs.total_seconds() if vs else 0.0
    before = await asyncio.gather(*(source.series(one, _earlier(span, back), step) for one in wanted.values() if back))
    lines = [line for (name, one), new in zip(wanted.items(), found, strict=True) for line in _named(name, one, new)]
    for (name, one), old in zip(wanted.items(), before, strict=False):
        lines += [(f"{label}, before", unit, line.moved(back, "")) for label, unit, line in _named(name, one, old)]
    if not any(line.known for _, _, line in lines):
        return Drawn(f"nothing is known of {', '.join(wanted)} of {app}")
    return await _lines(f"{', '.join(wanted)} of {app}", lines, span, app, marks)


async def queried(query: str, span: Span, source: QuerySource, marks: Marks) -> Drawn:
    """What a query in a source's own language gives. Raises as `measured` does."""
    found = await source.ask(query, span, step_for(span.end - span.start))
    if not any(line.known for line in found):
        return Drawn("that query gives nothing")
    return await _lines(query, [(line.label or "value", "", line) for line in found], span, "", marks)


def of_table(table: chat.Table) -> Drawn:
    """A table as a chart: over time where it has a column of moments, as bars where it has words; both want a number.

    Raises:
        UserError: it has no column of numbers, or no rows.
    """
    kinds = [column.type for column in table.columns]
    numbers = [i for i, kind in enumerate(kinds) if kind in (tables.NUMBER, tables.DURATION)]
    if not numbers or not table.rows:
        raise UserError("there is no number to draw" if table.rows else "the table is empty", hint="count by COLUMN gives one")
    title = table.title or ", ".join(table.columns[i].name for i in numbers)
    if tables.TIME in kinds:
        return _over_time(title, table, kinds.index(tables.TIME), numbers)
    value, name = numbers[0], next((i for i, kind in enumerate(kinds) if not kind), numbers[0])
    column = table.columns[value]
    unit = "s" if column.type == tables.DURATION else column.unit
    rows = [(tables.words(row.cells[name]), tables.number(row.cells[value]) or 0.0) for row in table.rows]
    told = ", ".join(f"{label} {say(number, unit)}" for label, number in rows[:10])
    alt = f"Bars of {column.name}: {told}{', and more' if len(rows) > 10 else ''}."
    return Drawn(title, chart.bars(title, rows, unit), alt, left_out=max(0, len(rows) - chart.MOST_BARS))


async def finish(call: Call, drawn: Drawn, span: Span, app: str, marks: Marks, painter: Painter) -> tuple[str, chat.Reply]:
    """Give it an id, have it drawn, and say what there is. A graph that can't be drawn still tells its story.

    Returns:
        The id, such as G3, and what people see. What has nothing to draw has no id.
    """
    if drawn.spec is None:
        return "", chat.Reply(blocks=[text(f"{drawn.title}, {span.text}", tone=WARNING)])
    draft = Draft(
        title=drawn.title[:120], at=span.start, until=span.end, app=app, person=call.person, command=call.id, state="succeeded"
    )
    mark = await marks.begin("G", draft, key=call.id)
    blocks = [text(f"{mark.id}: {drawn.title}{f', {span.text}' if span.text else ''}")]
    spec = orjson.dumps(drawn.spec).decode()
    picture = None
    try:
        png = await painter.draw(spec)
        picture = await call.blobs.put(png, media_type="image/png", name=f"{mark.id}.png")
    except Failed as error:
        blocks.append(text(f"{error.text}; in words: {drawn.alt}"))
    blocks.append(Block(chart=chat.Chart(spec=spec, alt=drawn.alt, picture=picture)))
    if drawn.left_out:
        blocks.append(text(f"{drawn.left_out} more are not drawn"))
    return mark.id, chat.Reply(blocks=[*blocks, *([drawn.table] if drawn.table else [])])


async def _lines(title: str, lines: Sequence[Line], span: Span, app: str, marks: Marks) -> Drawn:
    """Lines with what happened meanwhile; the largest of them, if they are too many."""
    found = await marks.between(span.start, span.end, app=app, kinds=KINDS)
    events = [Event(mark.id, mark.kind, mark.at, mark.title) for mark in found if mark.at >= span.start]
    most = sorted(lines, key=lambda one: -max((abs(value) for _, value in one[2].known), default=0.0))[: chart.MOST_LINES]
    kept = [one for one in lines if any(one is other for other in most)]
    spec = chart.lines(title, span.text, kept, events)
    return Drawn(title, spec, tell(f"{title}, {span.text}", kept, events), figures(kept), len(lines) - len(kept))


def _named(name: str, wanted: Wanted, found: Sequence[Series]) -> list[Line]:
    return [
        (f"{name} of {line.label or 'none'}" if wanted.by or line.label else name, wanted.entry.unit, line) for line in found
    ]


def _earlier(span: Span, seconds: float) -> Span:
    return Span(span.start - seconds, span.end - seconds, span.text)


def _over_time(title: str, table: chat.Table, when: int, numbers: Sequence[int]) -> Drawn:
    rows = sorted(
        ((at, row) for row in table.rows if (at := tables.number(row.cells[when])) is not None), key=lambda pair: pair[0]
    )
    times = tuple(at for at, _ in rows)
    if len(set(times)) < 2:
        raise UserError("one moment is no line", hint="a table with more rows, or without the time")
    lines: list[Line] = []
    for i in numbers:
        column = table.columns[i]
        unit = "s" if column.type == tables.DURATION else column.unit
        lines.append((column.name, unit, Series(column.name, times, tuple(tables.number(row.cells[i]) for _, row in rows))))
    first, last = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" for at in (times[0], times[-1]))
    kept = lines[: chart.MOST_LINES]
    spec = chart.lines(title, f"{first} to {last} UTC", kept, ())
    return Drawn(title, spec, tell(title, kept, ()), left_out=len(lines) - len(kept))
