"""Incidents through a whole gateway: the room's record comes through a pipe, and no death of a process makes two of one."""

from __future__ import annotations

import secrets
from functools import partial

import pytest
from markdown_it import MarkdownIt

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, says
from tests.integration.incidents.conftest import WEB, incidents
from tests.integration.mesh import Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

RECORD = 'action == Action::"house.Record", resource'


async def below(desk: Desk, root: str, beginning: str) -> pb.Card:
    """The final card of a command that hangs on another's card, by how its line begins."""

    def look() -> View | None:
        hanging = (view for view in desk.gateway.board.views("ops") if view.envelope.card == root and view.final)
        return next((view for view in hanging if view.envelope.line.startswith(beginning)), None)

    found = await eventually(look, 20, because=f"{beginning} never hung on {root}")
    assert found is not None
    return await desk.gateway.board.card(found)


async def opened_with_talk(desk: Desk) -> str:
    """An incident with a note, talk in the room and in its thread, and a command; its card's id."""
    root = await desk.command('incident open "checkout fails" --severity 1', room="ops")
    assert says(await desk.final(root)).startswith("I1: checkout fails")
    rooms = desk.gateway.rooms
    await rooms.say(room="ops", message="talk-1", person="bob", text="is it | the deploy?")
    await rooms.say(room="ops", message="talk-2", person="bob", text="in the thread", thread=root)
    await rooms.say(room="play", message="talk-3", person="bob", text="elsewhere")
    await desk.run("practice look here", room="ops")
    await desk.run("note drained host 2", room="ops", thread=root)
    return root


async def test_the_card_follows_every_change(desk: Desk) -> None:
    """A note in its thread brings it up to date, in place of what it said."""
    root = await opened_with_talk(desk)

    async def follows() -> bool:
        return "1 note" in says(await desk.gateway.board.card(await desk.view(root)))

    await eventually(follows, 20, because="the card does not know of the note")


async def test_a_timeline_holds_what_was_typed_and_said(desk: Desk) -> None:
    """It follows on the card of whoever asked for it."""
    await opened_with_talk(desk)

    asked = await desk.run("incident timeline", room="ops")
    told = says(await below(desk, asked.command_id, "incident gathered"))

    assert "what was typed and said follows" in says(asked)
    for words in ("opened I1: checkout fails", "is it | the deploy?", "in the thread", "practice look here", "drained host 2"):
        assert words in told
    assert "elsewhere" not in told
    assert "missing" not in told


async def test_the_document_is_whole_and_markdown(desk: Desk) -> None:
    """With a link to each card; read back by a parser."""
    root = await opened_with_talk(desk)
    await desk.run("incident close it was the cache", room="ops", thread=root)

    asked = await desk.run("incident export I1", "bob", room="ops")
    card = await below(desk, asked.command_id, "incident gathered")
    (written,) = [block.code.text for block in card.blocks if block.HasField("code")]

    tokens = MarkdownIt("commonmark").enable("table").parse(written.split("\n---\n", 1)[1])
    words = [token.content for token in tokens if token.type == "inline"]
    assert "is it &#124; the deploy?" in words
    assert f"[{root[:6]}]({WEB}/#ops/{root})" in words
    assert "`practice look here`" in words
    assert "## What is missing here" not in written


def forbid(house: House, desk: Desk, whom: str) -> None:
    """Forbid somebody the record, from now on."""
    (house.policy / "own.cedar").write_text(f"forbid ({whom}, {RECORD});")
    desk.gateway.hall.policy._file.look(now=True)


async def test_a_document_comes_even_if_no_record_does(house: House, desk: Desk) -> None:
    """Where the rules forbid the record: after a while it stands on the card, and says what is missing."""
    forbid(house, desk, 'principal == Bot::"incidents"')
    await opened_with_talk(desk)

    asked = await desk.run("incident export", room="ops")

    async def without() -> str:
        said = says(await desk.gateway.board.card(await desk.view(asked.command_id)))
        return said if "missing: what was typed and said in the room" in said else ""

    assert "drained host 2" in await eventually(without, 40, because="no document came")


async def test_a_bot_is_shown_no_more_than_whoever_asked(house: House, desk: Desk) -> None:
    """Who may not see a record does not get it by way of an incident."""
    forbid(house, desk, 'principal == Person::"bob"')
    await opened_with_talk(desk)

    card = await below(desk, (await desk.run("incident timeline", "bob", room="ops")).command_id, "record")

    assert card.state == S.STATE_FAILED
    assert "bob may not see that record" in says(card)


def _final(desk: Desk, id: str) -> View | None:
    view = desk.gateway.board.known(id)
    return view if view is not None and view.final else None


@pytest.mark.timeout(240)
async def test_no_death_makes_two_incidents(desk: Desk, mesh: Mesh) -> None:
    """kill -9 in the middle of opening, again and again, with another replica to take over."""
    await mesh.reaper()
    names = [f"incidents-{number}" for number in range(2, 5)]
    await incidents(mesh, names[0])
    ids = []
    for dying, coming in zip(["incidents-1", *names], names[1:], strict=False):
        ids.append(await desk.command(f"incident open {secrets.token_hex(3)}", room="ops"))
        mesh.process(dying).kill()
        await incidents(mesh, coming)
    for id in ids:
        view = await eventually(partial(_final, desk, id), 60, because=f"{id} never ended")
        assert view is not None
        assert view.record.state == S.STATE_SUCCEEDED
    listed = await desk.run("incident list", room="ops")
    (table,) = [block.table for block in listed.blocks if block.HasField("table")]
    assert sorted(row.cells[0].text for row in table.rows) == [f"I{number}" for number in range(1, len(ids) + 1)]
