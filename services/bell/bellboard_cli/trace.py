"""`bell trace ID`: the spans of one command, with times."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bellboard.api.gateway.v1 import gateway_pb2 as gateway

from .client import Client
from .render import plain
from .runfile import Find


async def trace(find: Find, id: str) -> None:
    """Print the spans of a command, given its id or the beginning of it. Raises UserError, Away."""
    async with Client.at(find()) as client:
        answer = await client.trace(id)
    console = Console(highlight=False)
    console.print(f"trace {answer.trace_id}")
    if answer.trace_url:
        console.print(plain(answer.trace_url))
    if not answer.spans:
        return
    origin = answer.spans[0].start.ToNanoseconds()
    table = Table("start", "took", "span", "service", "state", box=None)
    depth: dict[str, int] = {}
    for span in answer.spans:
        depth[span.span_id] = depth.get(span.parent_id, -1) + 1
        name = "  " * depth[span.span_id] + span.name
        cells = (f"+{(span.start.ToNanoseconds() - origin) / 1e6:.1f} ms", _took(span), name, span.service, span.state)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    console.print(table)


def _took(span: gateway.Span) -> str:
    if not span.HasField("end"):
        return "goes on"
    return f"{(span.end.ToNanoseconds() - span.start.ToNanoseconds()) / 1e6:.1f} ms"
