"""What was typed and said in a room, as a table for people and pipes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from bellboard import Call, UserError, replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import name as state_name
from bellboard.marks.bus import BusMarks
from bellboard.ranges import resolve

from .. import past
from ..enrolments import HOUSE
from ..policy import Verdict
from ..projection import View
from .bot import bot
from .hall import Hall

DEFAULT = timedelta(hours=1)
ON_CARD = 30
MOST_ROWS = 2_000
MOST_BYTES = 768 * 1024
"""Of what the cells hold; a pipe goes on with 2 MiB."""

LONGEST = 500
"""Characters of a line, and of what came of it."""

BLOB = 512 * 1024
"""Bytes of an answer kept in a blob that is looked into."""

COMMAND, TALK, MISSING = "command", "talk", "missing"
COLUMNS = (
    chat.Column(name="at", type=chat.COLUMN_TYPE_TIME),
    *(chat.Column(name=name) for name in ("kind", "who", "words", "state")),
    chat.Column(name="took", type=chat.COLUMN_TYPE_DURATION),
    *(chat.Column(name=name) for name in ("outcome", "id", "card", "thread", "bot", "picture", "trace")),
)


class Row(NamedTuple):
    """A row of the record, by the columns of `COLUMNS`."""

    at: datetime
    kind: str
    who: str = ""
    words: str = ""
    state: str = ""
    took: timedelta | None = None
    outcome: str = ""
    id: str = ""
    card: str = ""
    thread: str = ""
    bot: str = ""
    picture: str = ""
    trace: str = ""


@bot.command
async def record(call: Call, room: str, range: chat.TimeRange | None, thread: str, *, hall: Hall) -> house_pb2.RecordResponse:
    """List what was typed and said in a room."""
    await _check_behind(call, hall)
    bus, where = hall.dispatch.bus, room or call.room
    span = await resolve(range, now=call.at, marks=BusMarks(bus, HOUSE), default=DEFAULT)
    found = await past.read(hall.board, bus, where, span.start, span.end)
    if thread:
        found = past.in_thread(found, thread)
    rows = [row for view in found.views if view.key.id != call.id and (row := await _command(hall, found, view)) is not None]
    rows += [_talk(line) for line in found.lines]
    if found.missing is not None:
        start, _, why = found.missing
        rows.append(Row(_moment(start), MISSING, words=why))
    rows = _newest(sorted(rows, key=lambda row: row.at))
    blocks = [replies.text(f"{_counted(rows)} in #{where}, {span.text}")]
    if rows and call.person:  # a bot shows what it makes of it
        shown = [(row.at, row.who, row.words, row.state or row.kind) for row in rows[-ON_CARD:]]
        blocks.append(replies.table(["at", "who", "line", "state"], shown))
    return house_pb2.RecordResponse(reply=replies.reply(*blocks), table=replies.table(COLUMNS, rows).table)


async def _check_behind(call: Call, hall: Hall) -> None:
    """Make sure that a bot is told no more than whoever it asks for may see.

    Raises:
        UserError: they may not, or the board does not know yet for whom it asks.
    """
    if call.person:
        return
    await hall.see(call)
    own = hall.board.known(call.id)
    assert own is not None
    for who in hall.behind(own):
        person = hall.people.person(who)
        decision = hall.judge(person, own) if person else None
        if decision is None or decision.verdict is Verdict.DENY:
            raise UserError(f"{who} may not see that record" + (f": {decision.reason}" if decision else ""))


async def _command(hall: Hall, found: past.Past, view: View) -> Row | None:
    """A command; None where it has no card of its own to be seen on: a later stage, a refresh, what had nothing to say."""
    if view.envelope.stage:
        return None
    newest = found.newest_stage(view)
    small = newest.record.outcome.reply_blob.size <= BLOB
    own, card = view.card(), await hall.board.card(newest) if small else newest.card()
    if own.refresh or own.silent:
        return None
    return Row(
        at=_moment(view.began),
        kind=COMMAND,
        who=own.principal,
        words=_short(own.line),
        state=state_name(newest.record.state),
        took=timedelta(seconds=max(0.0, seconds(newest.record.at) - view.began)) if newest.final else None,
        outcome=_short(_outcome(card)),
        id=view.key.id,
        card=own.card_id,
        thread=own.thread,
        bot=own.bot,
        picture=_picture(card),
        trace=own.trace_id,
    )


def _talk(line: pb.RoomLine) -> Row:
    words = " ".join([line.text, *(f"[{ref.name or 'a file'}]" for ref in line.uploads)]).strip()
    picture = next((_address(ref) for ref in line.uploads if ref.media_type.startswith("image/")), "")
    return Row(
        _moment(seconds(line.at)),
        TALK,
        line.person,
        _short(words),
        id=line.id,
        card=line.id,
        thread=line.thread,
        picture=picture,
    )


def _outcome(card: gateway.Card) -> str:
    """What came of a command, in a few words: why it failed, else its first words."""
    for block in card.blocks:
        if block.HasField("failure"):
            return block.failure.text
    for block in card.blocks:
        if words := block.text.text or block.chart.alt or block.image.alt or block.question.text:
            return words
    return card.reason


def _picture(card: gateway.Card) -> str:
    """Where its first picture is, below the address of the page; empty if it has none."""
    refs = (block.chart.picture if block.HasField("chart") else block.image.blob for block in card.blocks)
    return next((_address(ref) for ref in refs if ref.sha256), "")


def _address(ref: chat.BlobRef) -> str:
    return f"/blob/{ref.owner}/{ref.sha256}?type={quote(ref.media_type, safe='')}&size={ref.size}"


def _newest(rows: list[Row]) -> list[Row]:
    """As many of the newest as a pipe takes; what is left out is said."""
    left, kept = MOST_BYTES, 0
    for row in reversed(rows[-MOST_ROWS:]):
        left -= 100 + sum(len(cell.encode("utf-8", "replace")) for cell in row if isinstance(cell, str))
        if left < 0:
            break
        kept += 1
    if kept == len(rows):
        return rows
    newest = rows[len(rows) - kept :]
    return [Row(rows[0].at, MISSING, words=f"{len(rows) - kept:,} rows are left out: too many for one table"), *newest]


def _counted(rows: list[Row]) -> str:
    commands, lines = (sum(row.kind == kind for row in rows) for kind in (COMMAND, TALK))
    gap = "; some could not be had" if any(row.kind == MISSING for row in rows) else ""
    return f"{commands:,} command{'s' * (commands != 1)} and {lines:,} line{'s' * (lines != 1)} of talk{gap}"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
