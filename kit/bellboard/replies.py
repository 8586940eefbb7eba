"""Builders for the blocks that people see. Each takes plain Python values and returns a block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bellboard.api.chat.v1 import chat_pb2 as chat

Value = str | int | float | datetime | timedelta | None
"""What a cell of a table may hold; None leaves it empty."""

PLAIN, GOOD, WARNING, BAD = chat.TONE_UNSPECIFIED, chat.TONE_GOOD, chat.TONE_WARNING, chat.TONE_BAD
"""How a text or a choice is meant."""


def reply(*blocks: chat.Block) -> chat.Reply:
    """What a command answers with."""
    return chat.Reply(blocks=blocks)


def text(words: str, *, tone: chat.Tone.ValueType = PLAIN, mentions: Iterable[str] = ()) -> chat.Block:
    """Plain text. Nothing in it is markup.

    Args:
        mentions: the ids of the people whose attention it asks for.
    """
    return chat.Block(text=chat.Text(text=words, tone=tone, mentions=mentions))


def table(columns: Sequence[str | chat.Column], rows: Iterable[Sequence[Value]], *, title: str = "") -> chat.Block:
    """A typed table. A column given as a string gets its type from the first cell in it that is not empty.

    Raises:
        ValueError: a row is not as long as there are columns.
    """
    kept = [list(row) for row in rows]
    if any(len(row) != len(columns) for row in kept):
        raise ValueError(f"each row must have {len(columns)} cells")
    heads = [
        column if isinstance(column, chat.Column) else chat.Column(name=column, type=_column_type(row[i] for row in kept))
        for i, column in enumerate(columns)
    ]
    cells = [chat.Row(cells=[_cell(value) for value in row]) for row in kept]
    return chat.Block(table=chat.Table(title=title, columns=heads, rows=cells))


def _column_type(values: Iterable[Value]) -> chat.ColumnType.ValueType:
    for value in values:
        if isinstance(value, datetime):
            return chat.COLUMN_TYPE_TIME
        if isinstance(value, timedelta):
            return chat.COLUMN_TYPE_DURATION
        if isinstance(value, int | float):
            return chat.COLUMN_TYPE_NUMBER
        if value is not None:
            break
    return chat.COLUMN_TYPE_UNSPECIFIED


def _cell(value: Value) -> chat.Cell:
    cell = chat.Cell()
    if isinstance(value, datetime):
        cell.time.FromDatetime(value)
    elif isinstance(value, timedelta):
        cell.duration.FromTimedelta(value)
    elif isinstance(value, int | float):
        cell.number = value
    elif value is not None:
        cell.text = value
    return cell


def code(words: str, *, language: str = "") -> chat.Block:
    """Preformatted text, such as ``code(body, language="json")``."""
    return chat.Block(code=chat.Code(text=words, language=language))


def image(blob: chat.BlobRef, *, alt: str, width: int = 0, height: int = 0) -> chat.Block:
    """A picture kept as a blob. ``alt`` says what it shows; the size is in pixels."""
    return chat.Block(image=chat.Image(blob=blob, alt=alt, width=width, height=height))


def link(url: str, title: str = "") -> chat.Block:
    """A link to a page.

    Raises:
        ValueError: the address is not http or https.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an http address: {url!r}")
    return chat.Block(link=chat.Link(url=url, title=title))


def progress(words: str, done: float | None = None) -> chat.Block:
    """How far a command is. ``done`` is the share from 0 to 1; None means it is not known."""
    return chat.Block(progress=chat.Progress(text=words, done=done))


def question(words: str, *choices: chat.Choice) -> chat.Block:
    """A question. The choice that is taken runs its line as a command of its own.

    It can be answered again, since a card may be about what goes on when its command is over.
    """
    return chat.Block(question=chat.Question(text=words, choices=choices))


def choice(label: str, line: str, *, tone: chat.Tone.ValueType = PLAIN) -> chat.Choice:
    """A button of a question, and the line that it runs."""
    return chat.Choice(label=label, line=line, tone=tone)


def failure(words: str, *, hint: str = "", code: str = "failed", trace_id: str = "") -> chat.Block:
    """Why a command did not work. Handlers raise an error of `bellboard.errors` instead of returning this."""
    return chat.Block(failure=chat.Failure(text=words, hint=hint, code=code, trace_id=trace_id))
