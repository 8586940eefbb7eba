"""The graphs bot: graphs of what is measured, and what can be done with any table."""

from __future__ import annotations

from datetime import timedelta

from bellboard import Block, Bot, Call, UserError, table
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.graphs.v1 import graphs_pb2 as pb
from bellboard.marks import Marks
from bellboard.ranges import Span, resolve

from . import answer, tables
from .catalogue import Catalogue
from .providers import Graphite, MetricSource, Painter, Prometheus, QuerySource

bot = Bot(pb.DESCRIPTOR.services_by_name["GraphsService"], version="0.1.0")

DEFAULT = timedelta(minutes=15)
AROUND = timedelta(minutes=3)
"""A deploy that was rolled back after seconds is still to be seen in it."""


@bot.command
async def graph(
    call: Call,
    names: str,
    app: str,
    range: chat.TimeRange,
    by: str,
    vs: timedelta | None,
    table: chat.Table | None,
    *,
    catalogue: Catalogue,
    source: MetricSource,
    marks: Marks,
    painter: Painter,
) -> pb.GraphResponse:
    """Draw what is measured, or a piped table."""
    if table is not None:
        drawn = answer.of_table(table)
        span = Span(call.at, call.at, "")
    elif not names or not app:
        raise UserError("what of which app?", hint="such as graph errors shop, or see graph list")
    else:
        wanted = {name: catalogue.want(name, app, by) for name in dict.fromkeys(names.lower().split(",")) if name}
        span = answer.bounded(await resolve(range, now=call.at, marks=marks, default=DEFAULT, around=AROUND))
        drawn = await answer.measured(wanted, app, span, vs, source, marks)
    id, reply = await answer.finish(call, drawn, span, app, marks, painter)
    return pb.GraphResponse(reply=reply, id=id)


@bot.command
async def promql(
    call: Call, query: str, range: chat.TimeRange, *, source: Prometheus, marks: Marks, painter: Painter
) -> pb.PromqlResponse:
    """Draw a query to Prometheus."""
    id, reply = await _asked(call, query, range, source, marks, painter)
    return pb.PromqlResponse(reply=reply, id=id)


@bot.command
async def target(
    call: Call, target: str, range: chat.TimeRange, *, source: Graphite, marks: Marks, painter: Painter
) -> pb.TargetResponse:
    """Draw a target of Graphite."""
    id, reply = await _asked(call, target, range, source, marks, painter)
    return pb.TargetResponse(reply=reply, id=id)


@bot.command
async def list_(call: Call, *, catalogue: Catalogue) -> Block:
    """Show what can be drawn by a short name."""
    return table(["name", "shows", "unit"], catalogue.rows(), title="graph NAME APP")


@bot.command
async def count(call: Call, column: str, table: chat.Table) -> Block:
    """Count the rows of a piped table."""
    return Block(table=tables.count(table, column))


@bot.command
async def top(call: Call, what: str, column: str, table: chat.Table) -> Block:
    """Keep the largest rows, or the commonest values."""
    return Block(table=tables.top(table, what, column))


@bot.command
async def filter(call: Call, condition: str, table: chat.Table) -> Block:
    """Keep the rows of a piped table that match."""
    return Block(table=tables.keep(table, condition))


@bot.command
async def sort(call: Call, column: str, desc: bool, table: chat.Table) -> Block:
    """Put the rows of a piped table in order."""
    return Block(table=tables.sort(table, column, desc=desc))


@bot.command
async def table_(call: Call, columns: str, table: chat.Table) -> Block:
    """Keep some columns of a piped table."""
    return Block(table=tables.pick(table, columns))


async def _asked(
    call: Call, query: str, range: chat.TimeRange, source: QuerySource, marks: Marks, painter: Painter
) -> tuple[str, chat.Reply]:
    """What a query in a source's own language gives, drawn."""
    span = answer.bounded(await resolve(range, now=call.at, marks=marks, default=DEFAULT, around=AROUND))
    drawn = await answer.queried(query, span, source, marks)
    return await answer.finish(call, drawn, span, "", marks, painter)
