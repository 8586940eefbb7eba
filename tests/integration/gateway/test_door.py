"""The door by which bots ask for other commands."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.ids import child_id
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def child(desk: Desk, parent: str, ordinal: int = 0) -> View:
    """The command that another one asked for."""
    return await desk.view(child_id(parent, ordinal))


async def test_a_bot_has_another_line_run(desk: Desk) -> None:
    """As the bot, on the card of the command that asked, in the same trace."""
    parent = await desk.run("practice send practice look x")
    asked = (await child(desk, parent.command_id)).envelope
    assert (asked.principal.bot, asked.cause) == ("practice", ledger.CAUSE_BOT)
    assert (asked.parent, asked.card) == (parent.command_id, parent.command_id)
    assert asked.traceparent.split("-")[1] == parent.trace_id
    assert (await desk.final(asked.id)).state == S.STATE_SUCCEEDED


async def test_a_bot_has_its_own_rights_and_nobody_elses(desk: Desk, mesh: Mesh) -> None:
    """An owner's command does not lend its bot the owner's rights; the denial is recorded."""
    parent = await desk.run("practice send practice fire x")
    asked = await child(desk, parent.command_id)
    assert asked.record.state == S.STATE_DENIED
    assert mesh.effects(asked.key) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [("practice lok x", "there is no command “practice lok”"), ("practice every north 99 --token hush-hush", "COUNT takes")],
)
async def test_what_a_bot_asks_for_in_vain_is_seen(desk: Desk, line: str, reason: str) -> None:
    """A line that is no command is refused on the card of the command that asked, without its secrets."""
    parent = await desk.run(f"practice send {line}")
    refused = await child(desk, parent.command_id)
    card = await desk.final(refused.key.id)
    assert card.state == S.STATE_DENIED
    assert reason in card.reason
    assert (card.card_id, card.principal) == (parent.command_id, "practice")
    assert "hush" not in refused.envelope.line


async def test_a_bot_asks_only_in_its_own_name(desk: Desk, bus_as: BusAs) -> None:
    """A request that names another bot's command, or is not what its subject says, is dropped."""
    id = await desk.command("practice look x")
    await desk.final(id)
    memes = await bus_as("memes")
    for subject, request in (
        (f"req.memes.{id}.0", ledger.CommandRequest(parent=id, line="practice look forged")),
        (f"req.memes.{id}.1", ledger.CommandRequest(parent=id, ordinal=7, line="practice look forged")),
    ):
        await memes.publish(subject, request.SerializeToString())
    await memes.publish(f"req.memes.{id}.2", b"\xff\xff")
    honest = await desk.run("practice send practice look honest")
    await child(desk, honest.command_id)
    lines = [view.envelope.line for view in desk.gateway.board.views("general")]
    assert "practice look forged" not in lines


async def test_commands_do_not_call_each_other_for_ever(desk: Desk) -> None:
    """The chain is cut after a few."""
    parent = await desk.command("practice send " * 12 + "practice look end")
    await desk.final(parent)

    def chain() -> list[str]:
        return [view.envelope.line for view in desk.gateway.board.views("general") if view.envelope.card == parent]

    await eventually(lambda: len(chain()) == 8, 20)
    await desk.run("practice look after")
    assert len(chain()) == 8
