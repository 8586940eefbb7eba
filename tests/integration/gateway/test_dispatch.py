"""From a line to the ledger, whatever becomes of the bus."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_gateway.lines import Command, Misunderstood, NotAccepted, Taken, Talk
from tests.integration.gateway.staff import Desk, opened, says, within, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def test_a_line_is_answered_by_a_bot(desk: Desk) -> None:
    """The whole way, from the line to the card."""
    card = await desk.run("practice look here")
    assert card.state == S.STATE_SUCCEEDED
    assert "here" in says(card)
    assert card.principal == "ann"
    assert len(card.trace_id) == 32


async def test_the_same_message_is_the_same_command(desk: Desk, mesh: Mesh) -> None:
    """Brought three times, also at once: it runs once."""
    taken = await asyncio.gather(*(desk.take("practice fire a", message="m1") for _ in range(2)))
    again = await desk.take("practice fire a", message="m1")
    ids = {answer.id for answer in (*taken, again) if isinstance(answer, Command)}
    assert len(ids) == 1
    id = ids.pop()
    assert (await desk.final(id)).state == S.STATE_SUCCEEDED
    assert len(mesh.effects((await desk.view(id)).key)) == 1


async def test_talk_is_told_from_commands(desk: Desk) -> None:
    """A known phrase, a prefix, or an adapter that says so makes a command."""
    assert isinstance(await desk.take("good morning, practice is at nine"), Talk)
    assert isinstance(await desk.take("... well"), Talk)
    assert isinstance(await desk.take("good morning", explicit=True), Misunderstood)
    assert isinstance(await desk.take(".gibberish"), Misunderstood)
    for line in ("practice look", ".practice look", "!practice look", "@bell practice look", "Practice LOOK"):
        assert isinstance(await desk.take(line), Command), line


async def test_an_edit_corrects_only_what_reads(desk: Desk) -> None:
    """On the card of the first line; anything else is refused."""
    first = await desk.command("practice look a", message="m1")
    edited = await desk.command("practice look b", message="m1", revision=1)
    assert (await desk.final(edited)).card_id == first
    refused = await desk.take("practice set a 3", message="m1", revision=2)
    assert isinstance(refused, NotAccepted)
    assert refused.final


async def test_nobody_unknown_is_heard(desk: Desk) -> None:
    """A person or a room that is not in the people's file."""
    assert isinstance(await desk.take("practice look", "eve"), NotAccepted)
    assert isinstance(await desk.take("practice look", room="attic"), NotAccepted)


async def test_a_denied_command_is_recorded(desk: Desk, mesh: Mesh) -> None:
    """Its card says which rule, and who may."""
    card = await desk.run("practice fire a", "bob")
    assert card.state == S.STATE_DENIED
    assert "people in owners may" in card.reason
    assert mesh.effects((await desk.view(card.command_id)).key) == []


async def test_a_preview_does_nothing(desk: Desk, mesh: Mesh) -> None:
    """It travels with the reads."""
    card = await desk.run("practice fire a ?")
    view = await desk.view(card.command_id)
    assert card.state == S.STATE_SUCCEEDED
    assert view.key.lane == "ops-read"
    assert mesh.effects(view.key) == []


async def test_a_secret_is_sealed_and_masked(desk: Desk) -> None:
    """Neither the ledger nor the card shows it, and the bot gets it."""
    card = await desk.run("practice every north 3 --token hush-hush")
    assert card.state == S.STATE_SUCCEEDED
    history = await desk.gateway.board.history(card.command_id)
    first = history[0][2].SerializeToString()
    assert b"hush-hush" not in first
    assert "hush" not in card.line


async def test_a_bus_that_is_gone_is_said_at_once(desk: Desk, nats: NatsServer) -> None:
    """Nothing was sent, and nothing runs when it is back."""
    await nats.kill()
    await eventually(lambda: not desk.gateway.bus.connected)
    async with within(3):
        answer = await desk.take("practice fire a", message="m1")
    assert isinstance(answer, NotAccepted)
    assert answer.final
    assert "nothing will run" in answer.reason


async def test_a_bus_that_hangs_leaves_no_ghost(desk: Desk, nats: NatsServer, mesh: Mesh) -> None:
    """Unconfirmed within 3 s; then accepted or closed, and the same for whoever asks again."""
    nats.freeze()
    try:
        async with within(3):
            answer = await desk.take("practice fire a", message="m1")
    finally:
        nats.thaw()
    assert isinstance(answer, NotAccepted)
    assert not answer.final

    async def verdict() -> Command | NotAccepted | None:
        told = await desk.take("practice fire a", message="m1")
        return told if isinstance(told, Command) or (isinstance(told, NotAccepted) and told.final) else None

    told = await eventually(verdict, 20)
    if isinstance(told, Command):
        assert (await desk.final(told.id)).state in (S.STATE_SUCCEEDED, S.STATE_EXPIRED)
    else:
        assert not mesh.effects_file.exists(), "it can never run, and it did"


async def test_a_bus_that_hangs_for_long_makes_nobody_absent(desk: Desk, nats: NatsServer) -> None:
    """The bot is there; it is the bus that does not answer, which is said within 3 s, and that nothing runs."""
    answers: list[Taken] = []

    async def refused_for_ever() -> bool:
        async with within(3):
            answers.append(await desk.take("practice look"))
        return isinstance(answers[-1], NotAccepted) and answers[-1].final

    nats.freeze()
    try:
        await eventually(refused_for_ever, 20)
        assert not desk.gateway.registry.reachable
    finally:
        nats.thaw()
    assert all(isinstance(answer, NotAccepted) for answer in answers)
    assert isinstance(answers[-1], NotAccepted)
    assert "the message bus does not answer" in answers[-1].reason
    await eventually(lambda: desk.gateway.ill() is None)
    assert (await desk.run("practice look")).state == S.STATE_SUCCEEDED


async def test_a_bus_that_stores_nothing_is_known(desk: Desk, nats: NatsServer) -> None:
    """After a failed write it answers, and takes nothing more until it is started anew; then all is well."""
    dispatch = desk.gateway.dispatch
    resource.prlimit(nats.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    assert isinstance(await desk.take("practice fire a"), NotAccepted)

    said = await eventually(dispatch.health, 20)

    assert said is not None
    assert "stores nothing" in said
    assert desk.gateway.registry.reachable
    await nats.restart()
    await eventually(lambda: dispatch.health() is None, 20)


async def test_one_person_can_not_flood_the_bus(desk: Desk) -> None:
    """Beyond the burst a line is refused politely; others go on."""
    desk.gateway.dispatch.buckets.burst, desk.gateway.dispatch.buckets.rate = 3, 0.01
    for number in range(3):
        await desk.command(f"practice look {number}", "bob")
    refused = await desk.take("practice look more", "bob")
    assert isinstance(refused, NotAccepted)
    assert "faster" in refused.reason
    await desk.command("practice look", "cleo")


async def test_two_replicas_share_one_house(desk: Desk, house: House, bus_as: BusAs) -> None:
    """A message brought to both is one command, and both show its card."""
    async with opened(house, await bus_as("gw-2"), name="gw-2") as other:
        await other.listed()
        one, two = await asyncio.gather(
            desk.command("practice set a 3", message="m1"), other.command("practice set a 3", message="m1")
        )
        assert one == two
        cards = [await replica.final(one) for replica in (desk, other)]
        assert cards[0].state == cards[1].state == S.STATE_SUCCEEDED
        assert "practice set" in says(await other.run("why", message="m2"))


async def test_the_envelope_says_who_and_why(desk: Desk) -> None:
    """What bots, audit and cards rely on."""
    id = await desk.command("practice set a 3", thread="t1", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    envelope = (await desk.view(id)).envelope
    assert envelope.principal.person == "ann"
    assert envelope.cause == ledger.CAUSE_LINE
    assert (envelope.card, envelope.parent) == (id, "")
    assert envelope.origin.thread == "t1"
    assert list(envelope.rules) == ["owners"]
    assert envelope.traceparent.split("-")[1] == "a" * 32
    assert envelope.not_after.seconds - envelope.received_at.seconds == 60
