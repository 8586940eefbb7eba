"""Commands that somebody else must approve."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from tests.integration.gateway.staff import PEOPLE, Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration

RULES = """
@id("fire-with-a-second-pair-of-eyes") @approval("sre")
permit (principal in Group::"devs", action in Action::"bot:practice", resource);
"""


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway where devs need the approval of sre."""
    write_people(house)
    (house.policy / "practice.cedar").write_text(RULES)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def waiting(desk: Desk, person: str = "bob") -> str:
    """A command that waits for approval."""
    id = await desk.command("practice fire a", person)
    await desk.view(id, S.STATE_AWAITING_APPROVAL)
    return id


async def test_an_approved_command_runs_once(desk: Desk, mesh: Mesh) -> None:
    """The card waits, then goes on; the record says who approved."""
    id = await waiting(desk)
    assert "approved" in says(await desk.run(f"approve {id}", "cleo"))
    assert (await desk.final(id)).state == S.STATE_SUCCEEDED
    history = await desk.gateway.board.history(id)
    approved = next(record for _, _, record in history if record.state == S.STATE_APPROVED)
    assert approved.by == "cleo"
    assert approved.approval.nonce
    assert len(mesh.effects((await desk.view(id)).key)) == 1
    second = await desk.run(f"approve {id}", "cleo")
    assert second.state == S.STATE_FAILED


async def test_nobody_approves_their_own(desk: Desk) -> None:
    """Being in the group does not help."""
    id = await waiting(desk, "dan")
    card = await desk.run(f"approve {id}", "dan")
    assert card.state == S.STATE_FAILED
    assert "yourself" in says(card)


async def test_nobody_approves_their_own_through_a_bot(desk: Desk, house: House) -> None:
    """The person behind the bot that asks counts as the one who asks."""
    rules = house.policy / "bots.cedar"
    rules.write_text('@id("bots") @approval("sre") permit (principal is Bot, action in Action::"bot:practice", resource);')
    desk.gateway.hall.policy._file.look(now=True)
    parent = await desk.command("practice send practice fire a", "dan")
    if desk.gateway.board.known(parent) and (await desk.view(parent)).record.state == S.STATE_AWAITING_APPROVAL:
        await desk.run(f"approve {parent}", "cleo")

    def child() -> str:
        return next((v.key.id for v in desk.gateway.board.views("general") if v.envelope.parent == parent), "")

    id = await eventually(child)
    await desk.view(id, S.STATE_AWAITING_APPROVAL)
    assert "yourself" in says(await desk.run(f"approve {id}", "dan"))
    await desk.run(f"approve {id}", "cleo")
    assert (await desk.final(id)).state == S.STATE_SUCCEEDED


async def test_only_the_group_approves_or_rejects(desk: Desk) -> None:
    """Not even an owner who is not in it."""
    id = await waiting(desk)
    for verb in ("approve", "reject"):
        assert "people in sre can" in says(await desk.run(f"{verb} {id}", "ann"))


async def test_a_rejected_command_never_runs(desk: Desk, mesh: Mesh) -> None:
    """The reason stands on the card."""
    id = await waiting(desk)
    await desk.run(f"reject {id} not on a Friday", "cleo")
    card = await desk.final(id)
    assert card.state == S.STATE_REJECTED
    assert "not on a Friday" in card.reason
    assert mesh.effects((await desk.view(id)).key) == []
    assert (await desk.run(f"approve {id}", "cleo")).state == S.STATE_FAILED


async def test_an_approval_is_bound_to_the_rules_of_its_asking(desk: Desk, house: House) -> None:
    """Where the rules changed since, it has to be asked for anew."""
    id = await waiting(desk)
    (house.policy / "more.cedar").write_text('@id("more") permit (principal in Group::"none", action, resource);')
    desk.gateway.hall.policy._file.look(now=True)
    assert "rules have changed" in says(await desk.run(f"approve {id}", "cleo"))


async def test_a_requester_who_lost_the_right_is_not_approved(desk: Desk, house: House) -> None:
    """Whoever asked must still be let through when it is approved."""
    id = await waiting(desk)
    write_people(house, {**PEOPLE, "bob": []})
    desk.gateway.people._file.look(now=True)
    assert "would not be let through" in says(await desk.run(f"approve {id}", "cleo"))


async def test_a_preview_needs_no_approval(desk: Desk) -> None:
    """It does nothing."""
    assert (await desk.run("practice fire a ?", "bob")).state == S.STATE_SUCCEEDED
