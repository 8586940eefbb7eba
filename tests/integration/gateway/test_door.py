"""The door by which bots ask for other commands."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.lines import Misunderstood
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.integration.mesh import Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def child(desk: Desk, parent: str) -> View:
    """The command that another one asked for."""

    def look() -> View | None:
        views = [desk.gateway.board.known(id) for id in asked_by(desk, parent)]
        return next((view for view in views if view), None)

    view = await eventually(look, because="nothing came of what was asked for")
    assert view is not None
    return view


def asked_by(desk: Desk, parent: str) -> list[str]:
    """The ids of the commands that one asked for, as its card says."""
    view = desk.gateway.board.known(parent)
    assert view is not None
    return [word for block in view.card().blocks for word in block.text.text.split(" ")[2:3] for word in [word.rstrip(":")]]


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
    parent = await desk.run("practice send rehearse on")
    asked = await child(desk, parent.command_id)
    assert asked.record.state == S.STATE_DENIED


async def test_a_bots_own_commands_are_its_own(desk: Desk) -> None:
    """What it asks of itself it may do, by a rule of its own name."""
    parent = await desk.run("practice send practice fire x")
    asked = await child(desk, parent.command_id)
    assert list(asked.envelope.rules) == ["own"]
    assert (await desk.final(asked.key.id)).state == S.STATE_SUCCEEDED


async def test_a_rule_that_forbids_wins(desk: Desk, house: House) -> None:
    """Even over what a bot asks of itself."""
    rule = '@id("calm") forbid (principal is Bot, action == Action::"practice.Fire", resource);'
    (house.policy / "calm.cedar").write_text(rule)
    await eventually(lambda: desk.gateway.dispatch.policy.digest and _knows(desk, "calm"), 10)
    parent = await desk.run("practice send practice fire x")
    asked = await child(desk, parent.command_id)
    assert asked.record.state == S.STATE_DENIED
    assert "calm" in asked.record.reason


def _knows(desk: Desk, rule: str) -> bool:
    return rule in {one.name for one in desk.gateway.dispatch.policy._file.value.rules.rules}


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


async def test_what_only_bots_run_is_not_typed(desk: Desk) -> None:
    """A person is told so; a bot that asks for it has it run."""
    taken = await desk.take("practice beat hello")
    assert isinstance(taken, Misunderstood)
    assert taken.why.reason == "“practice beat” is for bots"
    parent = await desk.run("practice send practice beat hello")
    assert (await desk.final((await child(desk, parent.command_id)).key.id)).state == S.STATE_SUCCEEDED


async def test_a_bot_has_a_card_of_its_own_in_another_room(desk: Desk) -> None:
    """It is judged and shown there."""
    parent = await desk.run("practice send --room ops --thread t1 practice look x")
    asked = (await child(desk, parent.command_id)).envelope
    assert (asked.origin.room, asked.origin.thread, asked.card) == ("ops", "t1", asked.id)
    assert (asked.parent, asked.origin.message) == (parent.command_id, "")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ("--room nowhere", "there is no room “nowhere”"),
        (f"--thread {'t' * 65}", "there is no such thread"),
        ("--card '*'", "there is no such card"),
        ("--room nowhere --after 1h --key k", "there is no room “nowhere”"),
    ],
)
async def test_where_nothing_can_be_shown_nothing_runs(desk: Desk, flags: str, reason: str) -> None:
    """It is refused on the card of the command that asked, also where it was asked for later."""
    parent = await desk.run(f"practice send {flags} practice look x")
    refused = await child(desk, parent.command_id)
    assert refused.record.state == S.STATE_DENIED
    assert refused.record.reason == reason
    assert refused.envelope.card == parent.command_id


async def test_a_card_is_brought_up_to_date_by_its_own_bot(desk: Desk) -> None:
    """What the newest says stands on it, and in its place the one before is shown no more."""
    root = await desk.run("practice look first", room="ops")
    for word in ("second", "third"):
        parent = await desk.run(f"practice send --card {root.command_id} practice look {word}")
        asked = (await child(desk, parent.command_id)).envelope
        assert (asked.card, asked.refresh, asked.origin.room) == (root.command_id, True, "ops")
        await desk.final(asked.id)
    card = await desk.final(root.command_id)
    assert [block.text.text for block in card.blocks] == ["looked at third"]
    assert [view.envelope.line for view in desk.gateway.board.views("ops")] == ["practice look first"]


async def test_a_card_too_old_for_the_board_is_found_in_the_ledger(desk: Desk) -> None:
    """A bot may come back to it after days."""
    root = await desk.run("practice look first", room="ops")
    del desk.gateway.board._all.views[root.command_id]
    parent = await desk.run(f"practice send --card {root.command_id} practice look second")
    asked = await child(desk, parent.command_id)
    assert (asked.envelope.refresh, asked.envelope.origin.room) == (True, "ops")


async def test_no_bot_writes_on_the_card_of_another(desk: Desk) -> None:
    """The refusal stands on the card of the command that asked."""
    other = await desk.run("help")
    parent = await desk.run(f"practice send --card {other.command_id} practice look forged")
    refused = await child(desk, parent.command_id)
    assert refused.record.state == S.STATE_DENIED
    assert refused.record.reason == f"the card {other.command_id[:6]} is house's"
    assert "forged" not in str((await desk.final(other.command_id)).blocks)


async def test_what_has_no_card_of_its_own_is_not_brought_up_to_date(desk: Desk) -> None:
    """A child is shown on the card of another."""
    parent = await desk.run("practice send practice look x")
    asked = await child(desk, parent.command_id)
    again = await desk.run(f"practice send --card {asked.key.id} practice look y")
    refused = await child(desk, again.command_id)
    assert refused.record.reason == f"{asked.key.id[:6]} has no card of its own"
