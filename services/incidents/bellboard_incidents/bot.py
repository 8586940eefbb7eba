"""The incidents bot: opened, worked on, closed, and written down by itself."""

from __future__ import annotations

from collections.abc import Sequence

from bellboard import Block, Bot, Call, UserError, reply, text
from bellboard.api.chat.v1.chat_pb2 import Table
from bellboard.api.incidents.v1 import incidents_pb2 as pb
from bellboard.plain import plain
from bellboard.replies import GOOD

from . import cards
from .model import ASSIGNED, LONGEST_TITLE, NOTE, STATUS, is_id
from .work import Desk

bot = Bot(pb.DESCRIPTOR.services_by_name["IncidentsService"], version="0.1.0")


@bot.command
async def open_(call: Call, title: Sequence[str], severity: int, *, desk: Desk) -> pb.OpenResponse:  # the contract's word
    """Open an incident."""
    said = plain(" ".join(title))
    if not said or len(said) > LONGEST_TITLE:
        raise UserError("that is no title", hint=f"say what is wrong in at most {LONGEST_TITLE} characters")
    if call.preview:
        return pb.OpenResponse(reply=reply(text(f"would open an incident in #{call.room}, severity {severity}: {said}")))
    work = desk.at(call)
    incident = await work.book.open(said, severity)
    return pb.OpenResponse(reply=reply(*await work.shown(incident)), id=incident.id)


@bot.command
async def assign(call: Call, person: str, role: str, id: str, *, desk: Desk) -> list[Block]:
    """Give a role to a person."""
    role = plain(role).lower()
    if not role:
        raise UserError("which role?", hint="such as --as lead, scribe or comms")
    work = desk.at(call)
    incident = await work.meant(id, f"incident assign @{person} --as {role} --id")
    if isinstance(incident, Block):
        return [incident]
    incident = await work.book.add(incident, ASSIGNED, role=role, person=person)
    await work.refresh(incident)
    return [text(f"{person} is {role} of {incident.id}", tone=GOOD, mentions=[person])]


@bot.command
async def note(call: Call, words: str, id: str, *, desk: Desk) -> list[Block]:
    """Note something down."""
    work = desk.at(call)
    incident = await work.meant(id, "incident note --id", words)
    if isinstance(incident, Block):
        return [incident]
    incident = await work.book.add(incident, NOTE, words=plain(words))
    await work.refresh(incident)
    return [text(f"noted in {incident.id}", tone=GOOD)]


@bot.command
async def status(call: Call, words: str, id: str, severity: int, *, desk: Desk) -> list[Block]:
    """Show it, or say where it stands."""
    work = desk.at(call)
    incident = await work.meant(id, "incident status --id", f"--severity {severity} {words}" if severity else words)
    if isinstance(incident, Block):
        return [incident]
    if not words and not severity:
        return await work.shown(incident)
    incident = await work.book.add(incident, STATUS, words=plain(words), severity=severity)
    await work.refresh(incident)
    return [text(f"so stands {incident.id} now", tone=GOOD)]


@bot.command
async def close(call: Call, id: str, words: str, *, desk: Desk) -> list[Block]:
    """Close it."""
    if id and not is_id(id):
        id, words = "", f"{id} {words}".strip()
    work = desk.at(call)
    incident = await work.meant(id, "incident close", words)
    if isinstance(incident, Block):
        return [incident]
    incident, mine = await work.book.close(incident, plain(words))
    await work.refresh(incident)
    if not mine and incident.closing is not None:
        raise UserError(f"{incident.id} is closed already, by {incident.closing.by}", hint=f"incident export {incident.id}")
    return await work.ended(incident)


@bot.command
async def list_(call: Call, all: bool, *, desk: Desk) -> pb.ListResponse:  # the contract's word
    """List incidents."""
    blocks = cards.listed(await desk.at(call).book.openings(), call.at, everything=all)
    return pb.ListResponse(reply=reply(*blocks), table=blocks[0].table)


@bot.command
async def timeline(call: Call, id: str, *, desk: Desk) -> pb.TimelineResponse:
    """What happened, in order."""
    return await desk.at(call).asked_timeline(id)


@bot.command
async def export(call: Call, id: str, *, desk: Desk) -> pb.ExportResponse:
    """Write the post-mortem, as Markdown."""
    return await desk.at(call).asked_export(id)


@bot.command
async def gathered(call: Call, id: str, export: bool, table: Table | None, *, desk: Desk) -> pb.GatheredResponse:
    """What else happened, as a table."""
    return await desk.at(call).gathered(id, table, export=export)


@bot.command
async def show(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """Show an incident as its card has it."""
    work = desk.at(call)
    return await work.shown(await work.book.read(id))
