"""What was typed and said in a room, as a table: off the board, and out of the streams where that begins later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.call import Call, CallServices
from bellboard.errors import UserError
from bellboard.ids import command_id
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.talk import MemoryBlobs
from bellboard_gateway import past
from bellboard_gateway.board import Board
from bellboard_gateway.house.record import COLUMNS, Row, _check_behind
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.gateway.stage import Stage, envelope, text
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


def rows(desk: Desk, id: str) -> list[dict[str, str]]:
    """The table that a record hands on."""
    view = desk.gateway.board.known(id)
    assert view is not None
    table = house_pb2.RecordResponse.FromString(view.record.outcome.result).table
    names = [column.name for column in table.columns]
    return [{name: cell.text for name, cell in zip(names, row.cells, strict=True)} for row in table.rows]


async def record(desk: Desk, line: str = "record", **more: str) -> tuple[pb.Card, list[dict[str, str]]]:
    card = await desk.run(line, **more)
    assert card.state == S.STATE_SUCCEEDED, says(card)
    return card, rows(desk, card.command_id)


async def test_it_holds_commands_and_talk_in_order(desk: Desk) -> None:
    """Who, what, how it stands, what came of it, and where more is to be seen."""
    rooms = desk.gateway.rooms
    look = await desk.run("practice look here", "bob", room="ops")
    await rooms.say(room="ops", message="m1", person="cleo", text="is it | the deploy?")
    await rooms.say(room="play", message="m2", person="cleo", text="elsewhere")
    await desk.run("practice climb nothing", room="play")
    await eventually(lambda: desk.gateway.board.lines("ops"))

    card, told = await record(desk, room="ops")

    assert "1 command and 1 line of talk in #ops" in says(card)
    first, second = told
    assert (first["kind"], first["who"], first["words"]) == ("command", "bob", "practice look here")
    assert (first["state"], first["bot"], first["card"]) == ("SUCCEEDED", "practice", look.command_id)
    assert first["outcome"] == says(look)
    assert (second["kind"], second["who"], second["words"], second["id"]) == ("talk", "cleo", "is it | the deploy?", "m1")


async def test_a_thread_is_what_is_in_it(desk: Desk) -> None:
    """The card that opened it, what was typed there, and what was said."""
    root = await desk.run("practice look here", room="ops")
    await desk.run("practice look there", room="ops", thread=root.command_id)
    await desk.run("practice look away", room="ops")
    await desk.gateway.rooms.say(room="ops", message="m1", person="cleo", text="here", thread=root.command_id)
    await eventually(lambda: desk.gateway.board.lines("ops"))

    _, told = await record(desk, f"record in #ops --thread {root.command_id}", room="play")

    assert [row["words"] for row in told] == ["practice look here", "practice look there", "here"]


async def test_a_secret_stays_one(desk: Desk) -> None:
    """The record has what the card has."""
    await desk.run("practice every north 3 --token hunter2hunter2", room="ops")

    card, told = await record(desk, room="ops")

    assert "hunter2hunter2" not in f"{card}{told}"


async def test_it_goes_on_through_a_pipe(desk: Desk) -> None:
    """As any table."""
    await desk.run("practice look here", room="ops")
    root = await desk.command("record in #ops | practice total", room="play")

    def ended() -> bool:
        view = desk.gateway.board.known(root)
        return view is not None and len(pipe := desk.gateway.board.pipe(view)) == 2 and pipe[-1].final

    await eventually(ended, 20)


async def test_a_room_that_is_none_is_not_understood(desk: Desk) -> None:
    """Rooms are those on the list."""
    taken = await desk.take("record in #nowhere")

    assert "nowhere" in f"{taken}"


async def test_a_bot_is_told_nothing_before_it_is_known_for_whom_it_asks(desk: Desk) -> None:
    """The board may be behind the worker; then nobody's rights can be looked at."""
    made = ledger.Envelope(id=command_id("test", "", "", "unseen"), principal=ledger.Principal(bot="incidents"))

    async def nothing(_: ledger.CommandRequest) -> None: ...

    async def steps() -> AsyncIterator[str]:
        return
        yield

    call = Call(made, 1, CallServices(MemoryBlobs("house"), nothing, lambda _: None), steps)
    with pytest.raises(UserError, match="the board is behind"):
        await _check_behind(call, desk.gateway.hall)


async def test_what_the_board_has_forgotten_is_read_again(stage: Stage) -> None:
    """Out of the ledger and the talk, each command as it stands now."""
    began = time.time()
    for number in range(6):
        id = await stage.accept(envelope(f"c{number}", room="ops", line=f"practice fire {number}"))
        await stage.accept(envelope(f"other{number}", room="play"))
        await stage.start(id)
        await stage.finish(id, text(f"fired {number}"))
        await stage.rooms.say(room="ops", message=f"m{number}", person="ann", text=f"said {number}")
    small = Board(stage.bus, stage.blobs, keep=2)
    following = asyncio.create_task(small.run())
    try:
        await small.caught_up.wait()
        await eventually(lambda: len(small.lines("ops")) == 6)
        assert not small.reaches("ops", began)

        found = await past.read(small, stage.bus, "ops", began - 1, time.time() + 1)

        assert [view.envelope.line for view in found.views] == [f"practice fire {number}" for number in range(6)]
        assert all(view.record.state == S.STATE_SUCCEEDED for view in found.views)
        assert found.views[0].card().blocks[0].text.text == "fired 0"
        assert [line.text for line in found.lines] == [f"said {number}" for number in range(6)]
        assert found.missing is None
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_what_is_too_much_is_said_to_be_missing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """From when on, and why."""
    monkeypatch.setattr(past, "MOST_READ", 4)
    monkeypatch.setattr("bellboard.bus.reads.BATCH", 4)
    began = time.time()
    for number in range(6):
        id = await stage.accept(envelope(f"c{number}", room="ops"))
        await stage.start(id)
        await stage.finish(id, text("fired"))
    small = Board(stage.bus, stage.blobs, keep=2)
    following = asyncio.create_task(small.run())
    try:
        await small.caught_up.wait()

        found = await past.read(small, stage.bus, "ops", began - 1, time.time() + 1)

        assert found.missing is not None
        assert found.missing[2] == "too much happened to be read at once"
        assert {"c0", "c4", "c5"} <= {view.key.id for view in found.views}
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_the_columns_are_those_that_the_contract_names() -> None:
    """Whoever takes the table relies on them."""
    assert tuple(column.name for column in COLUMNS) == Row._fields
    assert COLUMNS[0].type == chat.COLUMN_TYPE_TIME
