"""What is done with an incident once it is known which: its card is kept up to date, and its record asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bellboard import BlobRef, Block, Call, code, reply, text
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.incidents.v1 import incidents_pb2 as pb
from bellboard.keep import Keep
from bellboard.marks import Mark, Marks
from bellboard.replies import GOOD, WARNING

from . import cards
from .book import Book
from .export import document
from .gather import KINDS, Gathered, belonging, gather, span
from .model import Incident
from .record import asked, rows_of

ON_CARD = 48 * 1024
"""Characters of a document that are shown on a card; the file has all."""

MARKDOWN = "text/markdown"
FOLLOWS = "what was typed and said follows"
PATIENCE = 15.0
"""Seconds after which an answer is given without the record of the room."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with.

    Attributes:
        web: the address of the room's page, for links in documents; empty for none.
    """

    keep: Keep
    marks: Marks
    web: str = ""

    def at(self, call: Call) -> Work:
        """The work of one command."""
        return Work(call, self)


class Work:
    """The incidents, for one command."""

    def __init__(self, call: Call, desk: Desk) -> None:
        self.call, self.book = call, Book(call, desk.keep, desk.marks)
        self._desk = desk

    async def meant(self, id: str, line: str, after: str = "", *, closed: bool = False) -> Incident | Block:
        """The incident that is meant, or a question which.

        Args:
            line: the line as it would be with the id behind it; ``after``: what comes then.
            closed: one that is closed may be meant as well.
        """
        found = await self.book.meant(id, closed=closed)
        if isinstance(found, Incident):
            return found
        return cards.which(found, f"{line} ", f" {after}".rstrip()) if found else cards.none_open()

    async def shown(self, incident: Incident) -> list[Block]:
        """An incident as its card has it."""
        return cards.card(incident, await self._marks(incident), self.call.at)

    async def refresh(self, incident: Incident) -> None:
        """Have the incident's card show how it stands, where it has one of its own."""
        opening = incident.opening
        if opening.card == opening.command:
            await self.call.ask(f"incident show {incident.id}", card=opening.card)

    async def ended(self, incident: Incident) -> list[Block]:
        """That it is closed, after how long, and what stayed open."""
        marks = belonging(incident, await self._marks(incident), self.call.at)
        return cards.ended(incident, marks, self.call.at)

    async def asked_timeline(self, id: str) -> pb.TimelineResponse:
        """What is known at once; the rest follows on the same card."""
        incident = await self.meant(id, "incident timeline", closed=True)
        if isinstance(incident, Block):
            return pb.TimelineResponse(reply=reply(incident))
        blocks = cards.timeline(incident, await self._gathered(incident, None))
        table = next(block.table for block in blocks if block.HasField("table"))
        follows = await self._ask_record(incident, export=False)
        shown = [text(f"{incident.id}: {incident.title}; {FOLLOWS}")] if follows else blocks
        return pb.TimelineResponse(reply=reply(*shown), table=table)

    async def asked_export(self, id: str) -> pb.ExportResponse:
        """That the document follows on the same card; where nothing is recorded of the room, the document itself."""
        incident = await self.meant(id, "incident export", closed=True)
        if isinstance(incident, Block):
            return pb.ExportResponse(reply=reply(incident))
        if await self._ask_record(incident, export=True):
            return pb.ExportResponse(reply=reply(text(f"{incident.id}: {incident.title}; {FOLLOWS}")))
        blocks, file = await self._document(incident, None)
        return pb.ExportResponse(reply=reply(*blocks), file=file)

    async def gathered(self, id: str, record: chat.Table | None, *, export: bool) -> pb.GatheredResponse:
        """The timeline or the document, with the record of the room; None where it could not be had."""
        incident = await self.book.read(id)
        if export:
            blocks, file = await self._document(incident, record)
            return pb.GatheredResponse(reply=reply(*blocks), file=file)
        blocks = cards.timeline(incident, await self._gathered(incident, record))
        return pb.GatheredResponse(reply=reply(*blocks), table=next(b.table for b in blocks if b.HasField("table")))

    async def _marks(self, incident: Incident) -> Sequence[Mark]:
        """What has an id and may belong to it."""
        start, end = span(incident, self.call.at)
        return await self._desk.marks.between(start, end, kinds=KINDS)

    async def _gathered(self, incident: Incident, record: chat.Table | None) -> Gathered:
        rows = rows_of(record) if record is not None else None
        if record is not None:
            await self.call.unask(self._key)
        return gather(incident, await self._marks(incident), rows, self.call.at)

    async def _ask_record(self, incident: Incident, *, export: bool) -> bool:
        """Have the room's record brought to `gathered`, whose answer follows on this card; False where there is none.

        If it does not come, `gathered` does without after a while, and says so.
        """
        call = self.call
        if call.rehearsal or call.preview:
            return False  # the gateway's own record can't be rehearsed
        gathered = f"incident gathered {incident.id}{' --export' if export else ''}"
        record = asked(incident.opening.room, *span(incident, call.at), call.at)
        await call.ask(gathered, card=call.card if call.card == call.id else "", at=call.at + PATIENCE, key=self._key)
        await call.ask(f"{record} | {gathered}")
        return True

    @property
    def _key(self) -> str:
        """The name of the timer that does without the record of the room."""
        return f"gather.{self.call.card}"

    async def _document(self, incident: Incident, record: chat.Table | None) -> tuple[list[Block], BlobRef]:
        """The document, on a card and as a file."""
        gathered = await self._gathered(incident, record)
        written = document(incident, gathered, now=self.call.at, web=self._desk.web)
        data = written.encode("utf-8", "replace")
        file = await self.call.blobs.put(data, media_type=MARKDOWN, name=f"{incident.id}.md")
        head = text(f"{incident.id}.md: {len(gathered.happenings)} entries, {len(data):,} bytes", tone=GOOD)
        missing = [text(f"missing: {one}", tone=WARNING) for one in gathered.missing]
        return [head, *missing, code(written[:ON_CARD], language="markdown")], file
