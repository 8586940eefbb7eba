"""A search, from its question to the card, the file and the mark; and an answer shown again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bellboard import BlobRef, Block, Call, UserError, table, text
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.logs.v1 import logs_pb2 as pb
from bellboard.marks import Draft, Mark, Marks
from bellboard.ranges import Span, resolve
from bellboard.replies import PLAIN, WARNING, reply

from . import answer
from .entries import Entry
from .providers import MOST_COUNTED, LogSource
from .query import Query, understand

DEFAULT = timedelta(minutes=15)
PAGE = 100
"""Lines of a page."""

RAW = 50
"""Lines of an answer that is not masked: it goes into no file and no table, and gets no id."""

REMEMBERED = 7 * 86400.0
"""Seconds that `logs show` looks back for the latest answers."""


async def ask(
    call: Call, marks: Marks, app: str, words: Sequence[str], given: chat.TimeRange | None, level: int, env: str
) -> tuple[Query, Span]:
    """What a person asked for.

    Raises:
        UserError: a regular expression or an id is wrong.
    """
    plain, regexes = understand(words)
    span = await resolve(given, now=call.at, marks=marks, default=DEFAULT)
    return Query(app, span.start, span.end, plain, regexes, level, env), span


async def masked(call: Call, source: LogSource, marks: Marks, query: Query, span: Span, context: int) -> pb.SearchResponse:
    """Search, and answer with everything masked."""
    with call.span("search"):
        found = await source.search(query, limit=MOST_COUNTED)
    entries = await asyncio.to_thread(answer.discreet, found.entries)
    if not entries:
        return pb.SearchResponse(reply=reply(await _nothing(source, query, span)), table=answer.as_table([]).table)
    name = f"{query.app[:40]}.log"
    file = await call.blobs.put(await asyncio.to_thread(answer.as_file, entries), media_type="text/plain", name=name)
    mark = await marks.begin("L", _draft(call, query, span, found.total, file), key=call.id)
    shown = answer.telling(entries)
    lines = [answer.as_line(entry) for entry in shown] if not context else await _beside(source, query, shown, context)
    blocks = [answer.headline(query, found, span.text, mark.id), answer.lines_block(lines)]
    if len(entries) > len(shown):
        blocks.append(text(f"all of it: logs show {mark.id}"))
    table_ = answer.as_table(entries).table
    return pb.SearchResponse(reply=reply(*blocks), table=table_, mark=mark.id, file=file, total=found.total)


async def _nothing(source: LogSource, query: Query, span: Span) -> Block:
    """What to say where no line was found: a name that nothing has may be a wrong one."""
    anything = await source.search(Query(query.app, query.start, query.end, env=query.env), limit=1)
    doubt = "" if anything.entries else "; it said nothing at all"
    return text(f"no lines of {answer.subject(query)}, {span.text}{doubt}", tone=WARNING if doubt else PLAIN)


async def unmasked(call: Call, source: LogSource, query: Query, span: Span, context: int) -> list[Block]:
    """Search, and answer with the newest lines as they are."""
    with call.span("search"):
        found = await source.search(query, limit=RAW)
    if not found.entries:
        return [text(f"no lines of {answer.subject(query)}, {span.text}")]
    lines = [answer.as_line(entry) for entry in found.entries]
    if context:
        lines = await _beside(source, query, found.entries, context, raw=True)
    return [answer.headline(query, found, f"{span.text}, unmasked", ""), answer.lines_block(lines)]


async def _beside(source: LogSource, query: Query, shown: Sequence[Entry], count: int, *, raw: bool = False) -> list[str]:
    """Lines with those around them; ``>`` before those that were looked for."""
    runs: list[list[Entry]] = []
    for entry in shown:
        before, after = await source.beside(query, entry, count)
        if not raw:
            before, after = answer.discreet(before), answer.discreet(after)
        near = [*before, entry, *after]
        overlapping = next((run for run in runs if near[0] in run), None)
        if overlapping is None:
            runs.append(near)
        else:
            overlapping += [one for one in near if one not in overlapping]
    wanted = set(shown)
    said = ["\n".join(f"{'>' if one in wanted else ' '} {answer.as_line(one)}" for one in run) for run in runs]
    return "\n\n".join(said).split("\n")


def _draft(call: Call, query: Query, span: Span, total: int, file: BlobRef) -> Draft:
    detail = {"sha256": file.sha256, "size": str(file.size), "room": call.room, "line": call.line, "when": span.text}
    return Draft(
        title=f"{total:,} lines of {answer.subject(query)}",
        at=span.start,
        until=span.end,
        app=query.app,
        env=query.env,
        person=call.person,
        command=call.id,
        state="succeeded",
        detail=detail,
    )


async def latest(call: Call, marks: Marks) -> Block:
    """The latest answers of this room."""
    found = await marks.between(call.at - REMEMBERED, call.at, kinds=["logs"])
    here = [mark for mark in found if mark.detail.get("room") == call.room][-10:]
    if not here:
        return text("there are no answers yet")
    rows = [(mark.id, mark.title, mark.detail.get("when", "")) for mark in reversed(here)]
    return table(["id", "answer", "when"], rows)


async def page(call: Call, marks: Marks, id: str, number: int) -> list[Block]:
    """A page of an answer as it was kept; nothing is searched again.

    Raises:
        UserError: there is no such answer, or it was given elsewhere to someone else.
    """
    mark = await marks.find(id)
    if mark is None or not _may_see(call, mark):
        raise UserError(f"there is no answer {id[:20]} here", hint="say logs show to see which there are")
    kept = BlobRef(owner=mark.bot, sha256=mark.detail["sha256"], size=int(mark.detail["size"]), media_type="text/plain")
    lines = (await call.blobs.get(kept)).decode("utf-8", "replace").splitlines()
    pages = -(-len(lines) // PAGE)
    if number > pages:
        raise UserError(f"{mark.id} has no page {number}", hint=f"it has {pages}")
    first = (number - 1) * PAGE
    asked = f"{datetime.fromtimestamp(mark.at, UTC):%Y-%m-%d}, {mark.detail.get('when', '')}"
    head = text(f"{mark.id}: {mark.title}, {asked}; page {number} of {pages}")
    return [head, answer.lines_block(lines[first : first + PAGE])]


def _may_see(call: Call, mark: Mark) -> bool:
    return (
        mark.kind == "logs" and "sha256" in mark.detail and (mark.detail.get("room") == call.room or mark.person == call.person)
    )
