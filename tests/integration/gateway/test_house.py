"""The commands that the gateway answers itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def test_help_lists_what_one_may_run(desk: Desk) -> None:
    """An owner sees everything that somebody is there to run."""
    said = says(await desk.run("help"))
    assert "practice fire" in said
    assert "cancel" in said
    assert "meme" not in said, "nobody is there to run it"


async def test_help_hides_what_no_rule_could_permit(desk: Desk) -> None:
    """Without rules of one's own, only owners see what has an effect."""
    said = says(await desk.run("help", "bob"))
    assert "practice look" in said
    assert "practice fire" not in said


async def test_help_on_a_command_tells_its_arguments(desk: Desk) -> None:
    """Help comes from the contract."""
    said = says(await desk.run("help practice set"))
    assert "practice set MARK" in said
    assert "to what" in said


async def test_help_on_what_is_no_command_fails_with_the_nearest(desk: Desk) -> None:
    """A program that asks can tell."""
    card = await desk.run("help practice frie")
    assert card.state == S.STATE_FAILED
    assert "did you mean “help practice fire”?" in says(card)


async def test_running_lists_what_is_not_done(desk: Desk) -> None:
    """A slow command is listed where it runs, and elsewhere with --all."""
    id = await desk.command("practice look slow --wait 20s")
    await desk.view(id)
    assert id[:6] in says(await desk.run("running"))
    assert id[:6] not in says(await desk.run("running", room="ops"))
    assert id[:6] in says(await desk.run("running --all", room="ops"))
    await desk.run("cancel")


async def test_running_may_find_nothing(desk: Desk) -> None:
    """It does not list itself."""
    assert says(await desk.run("running")) == "Nothing is running here."


async def test_cancel_stops_ones_last_command(desk: Desk) -> None:
    """Without an id it is the person's last command in the room."""
    id = await desk.command("practice look slow --wait 20s")
    await desk.run("cancel")
    assert (await desk.final(id)).state == S.STATE_CANCELLED


async def test_cancel_stops_what_is_not_done_though_something_was_run_since(desk: Desk) -> None:
    """What is done can't be meant."""
    slow = await desk.command("practice look slow --wait 20s")
    await desk.run("practice look quick")
    await desk.run("cancel")
    assert (await desk.final(slow)).state == S.STATE_CANCELLED


async def test_cancel_asks_the_worker_of_what_has_started(desk: Desk) -> None:
    """What can be stopped in the middle is."""
    id = await desk.command("practice set slow 3 --wait 20s")
    await desk.view(id, S.STATE_STARTED)
    assert "asked to stop" in says(await desk.run(f"cancel {id[:8]}"))
    assert (await desk.final(id)).state == S.STATE_CANCELLED


async def test_nobody_cancels_what_they_may_not_run(desk: Desk) -> None:
    """A stranger to a command is told no."""
    id = await desk.command("practice set slow 3 --wait 3s")
    card = await desk.run(f"cancel {id}", "bob")
    assert card.state == S.STATE_FAILED
    assert "may not touch" in says(card)
    assert (await desk.final(id)).state == S.STATE_SUCCEEDED


async def test_what_is_over_can_not_be_cancelled(desk: Desk) -> None:
    """The answer says where it stands."""
    await desk.run("practice look x")
    card = await desk.run("cancel")
    assert card.state == S.STATE_FAILED
    assert "it is SUCCEEDED" in says(card)


async def test_why_tells_the_life_of_a_command(desk: Desk) -> None:
    """Every record, who asked, and the rule that let it through."""
    await desk.run("practice set a 3")
    said = says(await desk.run("why"))
    for word in ("RECEIVED", "CLAIMED", "STARTED", "SUCCEEDED", "ann asked for it (line)", "owners", "Trace "):
        assert word in said


async def test_again_is_a_new_command_of_the_same_line(desk: Desk) -> None:
    """It is a child of the command that asked for it, and is judged anew."""
    first = await desk.command("practice set a 3")
    await desk.final(first)
    again = await desk.command("again")
    assert (await desk.final(again)).state == S.STATE_SUCCEEDED
    children = [view for view in desk.gateway.board.views("general") if view.envelope.parent == again]
    assert [view.envelope.line for view in children] == ["practice set a 3"]
    assert children[0].key.id != first
    assert (await desk.final(children[0].key.id)).card_id == again


async def test_again_refuses_what_held_a_secret(desk: Desk) -> None:
    """A secret is not kept readable."""
    await desk.run("practice every north 3 --token hush")
    assert "held a secret" in says(await desk.run("again"))


async def test_an_id_that_fits_several_is_a_question(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choices offer each of them."""
    for word in "ab":
        await desk.run(f"practice look {word}")
    views = desk.gateway.board.views("general")
    monkeypatch.setattr(desk.gateway.board, "matching", lambda prefix: views)
    card = await desk.run("why abcd")
    lines = [choice.line for block in card.blocks for choice in block.question.choices]
    assert lines == [f"why {view.key.id}" for view in sorted(views, key=lambda view: view.began, reverse=True)]


@pytest.mark.parametrize(("line", "said"), [("why abc", "too short"), ("why zzzzzzzz", "there is no command")])
async def test_a_wrong_id_is_explained(desk: Desk, line: str, said: str) -> None:
    """Short ones, and those that name nothing."""
    card = await desk.run(line)
    assert card.state == S.STATE_FAILED
    assert said in says(card)


async def test_can_i_explains_the_rules(desk: Desk) -> None:
    """Yes and by which rule; no and who may."""
    assert "Yes" in says(await desk.run("can I practice fire a"))
    said = says(await desk.run("can I practice fire a", "bob"))
    assert "No: no rule permits it; people in owners may" in said
    assert "there is no command" in says(await desk.run("can I dance", "bob"))


async def test_can_i_keeps_no_secret_of_the_line_in_mind(desk: Desk) -> None:
    """Nobody seals it there: it is hidden before it is written."""
    card = await desk.run("can I practice every north 3 --token hush-hush")
    assert "Yes" in says(card)
    assert "hush" not in card.line
    history = await desk.gateway.board.history(card.command_id)
    assert all(b"hush" not in record.SerializeToString() for _, _, record in history)


async def test_only_what_is_unknown_can_be_resolved(desk: Desk) -> None:
    """A known outcome stays."""
    id = await desk.command("practice set a 3")
    await desk.final(id)
    card = await desk.run(f"resolve {id} failed")
    assert card.state == S.STATE_FAILED
    assert "it is SUCCEEDED" in says(card)
