"""Blocks as a terminal shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from rich.console import RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bellboard.api.chat.v1 import chat_pb2 as chat

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TONES = {chat.TONE_GOOD: "green", chat.TONE_WARNING: "yellow", chat.TONE_BAD: "red"}
_SYNTAX = {"json", "yaml", "python", "sql", "diff", "html", "xml", "bash", "sh", "toml"}

BlobUrl = Callable[[chat.BlobRef], str]
"""Where the bytes of a picture can be fetched."""


def plain(text: str) -> str:
    """The text without what would move a terminal's cursor, colour it or turn its direction."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def render(blocks: Iterable[chat.Block], url: BlobUrl) -> Iterator[RenderableType]:
    """Something for rich to print, for every block."""
    for block in blocks:
        match block.WhichOneof("kind"):
            case "text":
                yield Text(plain(block.text.text), style=_TONES.get(block.text.tone, ""))
            case "table":
                yield _table(block.table)
            case "code":
                yield _code(block.code)
            case "image":
                yield _picture(block.image.alt, block.image.blob, url)
            case "chart":
                yield _picture(block.chart.alt, block.chart.picture, url)
            case "link":
                yield Text.assemble(plain(block.link.title), " ", (plain(block.link.url), "underline"))
            case "progress":
                yield Text(progress(block.progress), style="dim")
            case "question":
                yield from _question(block.question)
            case "failure":
                yield from _failure(block.failure)


def progress(block: chat.Progress) -> str:
    """How far it is, on one line."""
    share = f" {block.done:.0%}" if block.HasField("done") else ""
    return f"{plain(block.text)}{share}"


def _table(block: chat.Table) -> Table:
    table = Table(title=plain(block.title) or None, title_justify="left")
    for column in block.columns:
        unit = f" ({plain(column.unit)})" if column.unit else ""
        right = column.type in (chat.COLUMN_TYPE_NUMBER, chat.COLUMN_TYPE_DURATION)
        table.add_column(Text(plain(column.name) + unit), justify="right" if right else "left")
    for row in block.rows:
        table.add_row(*(Text(_cell(cell)) for cell in row.cells))
    return table


def _cell(cell: chat.Cell) -> str:
    match cell.WhichOneof("value"):
        case "text":
            return plain(cell.text)
        case "number":
            return f"{cell.number:,.6g}" if abs(cell.number) < 1e6 else f"{cell.number:,.0f}"
        case "time":
            return cell.time.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ")
        case "duration":
            return str(timedelta(seconds=cell.duration.seconds, microseconds=cell.duration.nanos // 1000))
    return ""


def _code(block: chat.Code) -> RenderableType:
    if block.language in _SYNTAX:
        return Syntax(plain(block.text), block.language, theme="ansi_dark")
    return Text(plain(block.text))


def _picture(alt: str, blob: chat.BlobRef, url: BlobUrl) -> Text:
    words = f"[{plain(alt) or 'picture'}]"
    return Text.assemble(f"{words} ", (plain(url(blob)), "underline")) if blob.sha256 else Text(words)


def _question(block: chat.Question) -> Iterator[Text]:
    yield Text(plain(block.text), style="bold")
    for choice in block.choices:
        yield Text.assemble("  ", plain(choice.label), ":  ", (plain(choice.line), "bold"))


def _failure(block: chat.Failure) -> Iterator[Text]:
    yield Text(plain(block.text), style="red")
    if block.hint:
        yield Text(plain(block.hint), style="yellow")
    if block.trace_id:
        yield Text(f"trace {block.trace_id}", style="dim")
