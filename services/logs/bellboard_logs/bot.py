"""The logs bot: what the apps said, found, counted, and kept from telling secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from bellboard import Block, Bot, Call, reply, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.api.ledger.v1.ledger_pb2 import CAUSE_TRIGGER
from bellboard.api.logs.v1 import logs_pb2 as pb
from bellboard.keep import Keep
from bellboard.marks import Marks
from bellboard.replies import GOOD, WARNING

from . import answer
from . import search as searching
from . import seen as seeing
from . import tail as tailing
from .providers import LogSource
from .query import Query, understand
from .seen import Kinds

bot = Bot(pb.DESCRIPTOR.services_by_name["LogsService"], version="0.1.0")

BY = {pb.BY_LEVEL: "level", pb.BY_SERVICE: "service", pb.BY_VERSION: "version", pb.BY_PATTERN: "pattern"}
PATTERNS, IN_TABLE = 20, 200
"""Patterns on a card, and in a table for pipes."""


@bot.command
async def search(
    call: Call, app: str, words: Sequence[str], range: TimeRange | None, level: pb.Level.ValueType, context: int, env: str,
    *, source: LogSource, marks: Marks,
) -> pb.SearchResponse:  # fmt: skip
    """Find lines of an app."""
    query, span = await searching.ask(call, marks, app, words, range, level, env)
    return await searching.masked(call, source, marks, query, span, context)


@bot.command
async def raw(
    call: Call, app: str, words: Sequence[str], range: TimeRange | None, level: pb.Level.ValueType, context: int, env: str,
    *, source: LogSource, marks: Marks,
) -> list[Block]:  # fmt: skip
    """Find lines, secrets unmasked; needs a right of its own."""
    query, span = await searching.ask(call, marks, app, words, range, level, env)
    return await searching.unmasked(call, source, query, span, context)


@bot.command
async def tail(
    call: Call, app: str, words: Sequence[str], level: pb.Level.ValueType, length: timedelta, env: str,
    *, source: LogSource, keep: Keep,
) -> AsyncIterator[list[Block]]:  # fmt: skip
    """Show new lines as they come."""
    plain, regexes = understand(words)
    query = Query(app, call.at, call.at, plain, regexes, level, env)
    async for blocks in tailing.follow(call, source, keep, query, length):
        yield blocks


@bot.command
async def stop(call: Call, *, keep: Keep) -> Block:
    """End your tails in this room."""
    await tailing.stop(call, keep)
    return text("your tails in this room end within two seconds", tone=GOOD)


@bot.command
async def count(
    call: Call, app: str, words: Sequence[str], by: pb.By.ValueType, range: TimeRange | None, level: pb.Level.ValueType,
    env: str, *, source: LogSource, marks: Marks,
) -> pb.CountResponse:  # fmt: skip
    """Count lines by level, service, version or pattern."""
    query, span = await searching.ask(call, marks, app, words, range, level, env)
    counts = await source.count(query, BY[by])
    shown = answer.counts_table(BY[by], counts)
    said = text(f"{sum(n for _, n in counts):,} lines of {answer.subject(query)}, {span.text}")
    return pb.CountResponse(reply=reply(said, shown) if counts else reply(said), table=shown.table)


@bot.command
async def top(
    call: Call, app: str, words: Sequence[str], range: TimeRange | None, level: pb.Level.ValueType, env: str,
    *, source: LogSource, marks: Marks,
) -> pb.TopResponse:  # fmt: skip
    """Show the most frequent patterns."""
    query, span = await searching.ask(call, marks, app, words, range, level, env)
    found = await source.patterns(query)
    lines = answer.plural(sum(p.count for p in found), "line")
    said = text(f"{answer.plural(len(found), 'pattern')} in {lines} of {answer.subject(query)}, {span.text}")
    blocks = [said, answer.patterns_table(found, PATTERNS)] if found else [said]
    return pb.TopResponse(reply=reply(*blocks), table=answer.patterns_table(found, IN_TABLE).table)


@bot.command
async def new(
    call: Call, app: str, words: Sequence[str], range: TimeRange | None, level: pb.Level.ValueType, env: str,
    *, source: LogSource, marks: Marks,
) -> pb.NewResponse:  # fmt: skip
    """Show patterns never seen before."""
    query, span = await searching.ask(call, marks, app, words, range, level, env)
    found = await source.patterns(query, new=True)
    many = answer.plural(len(found), "new pattern")
    said = text(f"{many} of {answer.subject(query)}, {span.text}", tone=WARNING if found else GOOD)
    blocks = [said, answer.patterns_table(found, PATTERNS)] if found else [said]
    return pb.NewResponse(reply=reply(*blocks), table=answer.patterns_table(found, IN_TABLE).table)


@bot.command
async def show(call: Call, mark: str, page: int, *, marks: Marks) -> list[Block]:
    """Show an earlier answer again, page by page."""
    return await searching.page(call, marks, mark, page) if mark else [await searching.latest(call, marks)]


@bot.command
async def seen(call: Call, error: str, *, kinds: Kinds, marks: Marks) -> pb.SeenResponse:
    """Say how often an error was seen, and since when."""
    return await seeing.answer(error, kinds, marks, unasked=call.cause == CAUSE_TRIGGER)
