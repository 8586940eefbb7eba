"""What steps in by itself where people talk."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.bus import Bus
from bellboard.ledger.state import S
from bellboard.marks import Draft
from bellboard.marks.bus import BusMarks
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.adapters.web_door import Said
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration

TRACKERS = "trackers: [{name: Jira, prefix: OPS-, url: 'https://jira.example.com/browse/{id}'}]"


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot and one tracker."""
    write_people(house)
    trackers = house.folder / "trackers.yaml"
    trackers.write_text(TRACKERS)
    async with opened(house, await bus_as("gw-1"), mesh.practice(), trackers_file=trackers) as desk:
        await desk.listed()
        yield desk


async def talk(desk: Desk, text: str, person: str = "ann", *, id: str = "", room: str = "general", thread: str = "") -> Any:
    """Type a line in the room; it must be talk."""
    said = Said(id or secrets.token_hex(8), room, person, text, thread=thread)
    verdict = await desk.gateway.web.door.say(said)
    assert verdict["kind"] == "talk", verdict
    return verdict


def heard(desk: Desk, room: str = "general") -> list[View]:
    """The commands that were called without being named, also those that have nothing to say."""
    views = desk.gateway.board._all.views.values()
    return sorted((v for v in views if v.envelope.cause == ledger.CAUSE_TRIGGER and v.room == room), key=lambda v: v.began)


async def until_heard(desk: Desk, count: int) -> list[View]:
    """All that was heard, once that is so many commands and they are final."""
    await eventually(lambda: len(heard(desk)) >= count and all(v.final for v in heard(desk)), 20)
    return heard(desk)


async def settled(desk: Desk) -> None:
    """Everything that was brought before is on the board."""
    await desk.run("helpers")


async def test_every_helper_is_off_by_default(desk: Desk) -> None:
    """Whatever is typed, nothing but talk becomes of it."""
    for text in ("see OPS-17 and D1", "@look-out", "@ann++", "ERROR it broke", "runnnig"):
        assert "blocks" not in await talk(desk, text)
    await settled(desk)

    assert heard(desk) == []


async def test_helpers_lists_what_there_is_and_whether_it_is_on(desk: Desk) -> None:
    """The gateway's own, and those of every contract."""
    said = says(await desk.run("helpers"))
    assert all(name in said for name in ("did-you-mean", "ids", "tickets", "looks", "fires"))
    assert "on, by" not in said

    await desk.run("helper on tickets")

    assert "tickets | on, by ann" in says(await desk.run("helpers"))
    assert "on, by" not in says(await desk.run("helpers", room="ops")), "it is about that room alone"


async def test_a_name_that_is_no_helper_is_told_the_nearest(desk: Desk) -> None:
    """And nothing is switched."""
    said = await desk.run("helper on tikcets")

    assert said.state == S.STATE_FAILED
    assert "helper on tickets" in says(said)
    assert "quiet tickets" in says(await desk.run("quiet tikcets")), "whether or not it is on"


async def test_owners_switch_on_and_everybody_may_have_quiet(desk: Desk) -> None:
    """Whoever is disturbed can end it."""
    assert (await desk.run("helper on looks", "bob")).state == S.STATE_DENIED
    await desk.run("helper on looks")
    await talk(desk, "@look-out")
    assert len(await until_heard(desk, 1)) == 1

    assert (await desk.run("quiet looks", "bob")).state == S.STATE_SUCCEEDED
    await talk(desk, "@look-here")
    await settled(desk)

    assert len(heard(desk)) == 1


async def test_what_is_not_in_the_room_is_not_listened_to(desk: Desk) -> None:
    """Other words under the id of a line that stands there are neither stored nor heard."""
    await desk.run("helper on looks")
    id = secrets.token_hex(8)
    await talk(desk, "@look-out", id=id)
    verdict = await desk.gateway.web.door.say(Said(id, "general", "ann", "@look-here"))
    assert verdict == {"kind": "not_accepted", "reason": "another line stands under that id", "final": True}
    await talk(desk, "@look-out", id=id)
    await settled(desk)

    assert len(await until_heard(desk, 1)) == 1


async def test_a_line_calls_a_command_and_stays_talk(desk: Desk) -> None:
    """By whoever typed it, in the thread that it stands in, with what was matched in its field."""
    await desk.run("helper on looks")
    await talk(desk, "would somebody @look-outside, please", "bob", id="line-one", thread="opener-1")

    (view,) = await until_heard(desk, 1)

    assert view.envelope.line == "practice look outside"
    assert (view.envelope.principal.person, view.envelope.origin.thread) == ("bob", "opener-1")
    assert "looked at outside" in says(await desk.final(view.key.id))
    await eventually(lambda: [line.text for line in desk.gateway.board.lines("general")])
    assert [line.id for line in desk.gateway.board.lines("general")] == ["line-one"]


async def test_a_line_that_is_brought_twice_calls_once(desk: Desk, mesh: Mesh) -> None:
    """What must not happen twice does not, though the browser offers its line again."""
    await desk.run("helper on fires")
    for _ in range(3):
        await talk(desk, "@bob++", id="twice")
    await until_heard(desk, 1)
    await settled(desk)

    (view,) = heard(desk)

    assert view.record.state == S.STATE_SUCCEEDED
    assert mesh.effects(view.key) == ["fire"]


async def test_what_one_may_not_do_does_not_happen_and_nothing_is_said(desk: Desk) -> None:
    """Only owners may fire here."""
    await desk.run("helper on fires")
    await talk(desk, "@ann++", "bob")
    await settled(desk)

    assert heard(desk) == []


async def test_a_line_that_is_a_command_is_not_listened_to(desk: Desk) -> None:
    """It was called by its name."""
    await desk.run("helper on looks")
    await desk.gateway.web.door.say(Said("command-1", "general", "ann", "practice look @look-out"))
    await settled(desk)

    assert heard(desk) == []


async def made(bus: Bus, command: str = "") -> str:
    """A mark of the practice bot's."""
    draft = Draft(
        title="shop v1 → v2", at=1_800_000_000.0, app="shop", env="prod", person="bob", command=command, state="failed"
    )
    return (await BusMarks(bus, "practice").begin("D", draft, key=secrets.token_hex(4))).id


async def test_an_id_is_unfurled_once_an_hour(desk: Desk, bus_as: BusAs) -> None:
    """What it is, how it stands, whose it is; again only in another thread or when asked for."""
    card = await desk.command("practice look")
    mark = await made(await bus_as("practice"), card)
    await desk.run("helper on ids")
    await talk(desk, f"was it {mark}?")
    (first,) = await until_heard(desk, 1)
    said = await desk.final(first.key.id)
    assert f"{mark} | shop v1 → v2 | failed | bob | shop in prod" in says(said)
    assert said.blocks[1].link.url == f"#general/{card}"

    await talk(desk, f"I think it was {mark}", "bob")
    await talk(desk, f"no, {mark} was not it", thread="opener-1")
    _, again, elsewhere = await until_heard(desk, 3)

    assert not (await desk.final(again.key.id)).blocks
    assert (await desk.final(elsewhere.key.id)).blocks
    assert "shop v1 → v2" in says(await desk.run(f"unfurl {mark}"))


async def test_a_ticket_is_linked_and_what_is_none_is_left_alone(desk: Desk) -> None:
    """By the file of trackers; other words that look alike say nothing."""
    await desk.run("helper on tickets")
    await desk.run("helper on ids")
    await talk(desk, "OPS-17 in UTF-8, as of D99")

    views = await until_heard(desk, 3)

    cards = {view.envelope.line: await desk.final(view.key.id) for view in views}
    assert cards["unfurl OPS-17"].blocks[0].link.url == "https://jira.example.com/browse/OPS-17"
    assert not cards["unfurl UTF-8"].blocks
    assert not cards["unfurl D99"].blocks
    assert says(await desk.run("unfurl UTF-8")) == "Nothing is known of UTF-8."


async def test_a_slip_is_offered_to_whoever_typed_it(desk: Desk) -> None:
    """With a button that runs it; nothing runs by itself, and nobody else is told."""
    await desk.run("helper on did-you-mean")

    (block,) = (await talk(desk, "practice loko north"))["blocks"]

    assert block["question"]["choices"][0]["line"] == "practice look north"
    assert "blocks" not in await talk(desk, "good morning")
    assert "blocks" not in await talk(desk, "practice frie north", "bob"), "bob may not fire"
    await settled(desk)
    assert all("look" not in view.envelope.line for view in desk.gateway.board.views("general"))


async def test_who_says_it_is_talk_is_offered_nothing(desk: Desk) -> None:
    """They said what they meant."""
    await desk.run("helper on did-you-mean")

    verdict = await desk.gateway.web.door.say(Said("said-so1", "general", "ann", "practice loko", talk=True))

    assert verdict == {"kind": "talk"}


async def test_two_gateways_hear_a_line_once_and_keep_quiet(desk: Desk, house: House, bus_as: BusAs, mesh: Mesh) -> None:
    """A page that changes gateways brings its line to both; what is switched at one holds at the other at once."""
    trackers = desk.gateway.settings.trackers_file
    async with opened(house, await bus_as("gw-2"), name="gw-2", trackers_file=trackers) as other:
        await other.listed()
        await desk.run("helper on fires")
        await asyncio.gather(talk(desk, "@bob++", id="both-01"), talk(other, "@bob++", id="both-01"))
        await until_heard(other, 1)
        (view,) = await until_heard(desk, 1)
        assert mesh.effects(view.key) == ["fire"]

        await other.run("quiet fires")
        await asyncio.gather(talk(desk, "@bob++"), talk(other, "@bob++"))
        for one in (desk, other):
            await settled(one)
            assert len(heard(one)) == 1


async def asked(desk: Desk, line: str) -> View:
    """What became of a line that a bot asked for."""
    parent = await desk.command(f"practice send {line}")

    def look() -> View | None:
        views = desk.gateway.board._all.views.values()
        return next((view for view in views if view.envelope.parent == parent and view.final), None)

    view = await eventually(look)
    assert view is not None
    return view


async def test_what_nobody_asked_for_comes_only_where_it_is_wanted(desk: Desk) -> None:
    """A bot's own initiative is a helper too; who types the line gets it anyway."""
    view = await asked(desk, "practice ask a")
    assert (view.record.state, view.record.reason) == (S.STATE_DENIED, "the helper asks is off here")
    assert (await desk.run("practice ask a")).state == S.STATE_SUCCEEDED

    await desk.run("helper on asks")

    assert (await asked(desk, "practice ask a")).record.state == S.STATE_SUCCEEDED


async def test_resolve_needs_a_word_for_a_command_and_the_bot_for_an_alert(desk: Desk) -> None:
    """Where there is no bot for it, that is said."""
    id = await desk.command("practice look")
    assert "say what became of it" in says(await desk.run(f"resolve {id[:8]}"))
    said = await desk.run("resolve A3 the disk was full")

    assert said.state == S.STATE_FAILED
    assert "alert" in says(said)
