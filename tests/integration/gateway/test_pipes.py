"""Pipes and rehearsal through a whole gateway, and through several that are killed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import gateway_pb2_grpc
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author
from bellboard.provision import House
from bellboard.rpc import channel, healthy
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard_gateway.api import Api
from bellboard_gateway.lines import Misunderstood, NotAccepted
from bellboard_gateway.projection import View
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh, Process

pytestmark = pytest.mark.integration

POLICY = """
permit (principal in Group::"devs", action in Action::"open-read", resource);
@approval("sre")
permit (principal in Group::"devs", action == Action::"practice.Fire", resource) when { context.args.label == "slow" };
"""


@pytest.fixture
async def desk(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Desk]:
    """A gateway with the practice bot, and a rule by which some fires need somebody's approval."""
    write_people(house)
    (house.policy / "own.cedar").write_text(POLICY)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        yield desk


async def reaches(desk: Desk, root: str, stages: int, *states: ledger.State.ValueType) -> View:
    """The last of so many stages, once it stands in one of these states; in a final one if none is named."""

    def look() -> View | None:
        view = desk.gateway.board.known(root)
        pipe = desk.gateway.board.pipe(view) if view else []
        there = len(pipe) == stages and (pipe[-1].record.state in states if states else pipe[-1].final)
        return pipe[-1] if there else None

    view = await eventually(look, 20, because=f"the {stages} stages of the pipe {root} never came so far")
    assert view is not None
    return view


async def test_a_pipe_hands_its_table_on(desk: Desk, mesh: Mesh) -> None:
    """Each stage is a command of its own, shown on the first one's card."""
    root = await desk.command("practice list 7 | practice total")
    view = await reaches(desk, root, 2)
    card = view.card()
    assert says(card) == "28 in 7 rows"
    assert (card.card_id, card.stage, card.stages) == (root, 1, 2)
    assert (view.envelope.cause, view.envelope.parent) == (ledger.CAUSE_PIPE, root)
    assert (await desk.final(root)).line == "practice list 7 | practice total"


async def test_a_large_table_goes_by_a_blob(desk: Desk, mesh: Mesh) -> None:
    """The handler sees no difference; more than a record holds comes from a blob, too."""
    view = await reaches(desk, await desk.command("practice list 5000 | practice fire a"), 2)
    assert "fired a for 5000 rows" in says(view.card())
    assert view.envelope.HasField("table")
    assert mesh.effects(view.key) == ["fire"]
    view = await reaches(desk, await desk.command("practice list 60000 | practice total"), 2)
    assert "in 60000 rows" in says(view.card())


async def test_a_pipe_of_which_one_stage_is_denied_runs_nothing(desk: Desk, mesh: Mesh) -> None:
    """All of it is judged before any of it runs."""
    card = await desk.run("practice list 3 | practice fire a", "bob")
    assert card.state == S.STATE_DENIED
    assert "practice fire: " in card.reason
    assert [record.state for _, _, record in await desk.gateway.board.history(card.command_id)] == [S.STATE_DENIED]


async def test_the_last_stage_waits_for_its_approval(desk: Desk, mesh: Mesh) -> None:
    """When its turn has come, and it runs with the table that was handed on."""
    root = await desk.command("practice list 3 | practice fire slow", "bob")
    view = await reaches(desk, root, 2, S.STATE_AWAITING_APPROVAL)
    assert mesh.effects(view.key) == []
    approved = await desk.run(f"approve {root}", "cleo")
    assert approved.state == S.STATE_SUCCEEDED, says(approved)
    assert "fired slow for 3 rows" in says((await reaches(desk, root, 2)).card())


async def test_a_stage_that_gives_no_table_ends_the_pipe(desk: Desk) -> None:
    """The card says which, and why."""
    root = await desk.command("practice look here | practice total")
    card = (await reaches(desk, root, 2)).card()
    assert card.state == S.STATE_DENIED
    assert "stage 2 of 2" in card.reason
    assert "practice look gave no table" in card.reason
    told = says(await desk.run(f"why {root}"))
    assert "practice total" in told


async def test_a_preview_of_a_pipe_does_nothing(desk: Desk, mesh: Mesh) -> None:
    """What reads runs."""
    view = await reaches(desk, await desk.command("practice list 3 | practice fire a ?"), 2)
    assert "would fire a" in says(view.card())
    assert mesh.effects(view.key) == []


async def test_a_pipe_runs_again_as_a_whole(desk: Desk, mesh: Mesh) -> None:
    """Whichever stage is named, or none."""
    root = await desk.command("practice list 3 | practice fire a")
    stage = await reaches(desk, root, 2)
    for line in ("again", f"again {stage.key.id}"):
        again = await desk.run(line)
        assert "practice list | practice fire a runs again" in says(again)
    await eventually(lambda: mesh.effects_file.read_text().count("fire") == 3)


async def test_a_stage_that_runs_is_cancelled_by_the_pipes_id(desk: Desk) -> None:
    """Nobody needs to know the stage's own."""
    root = await desk.command("practice list 3 | practice fire a --wait 20s")
    await reaches(desk, root, 2, S.STATE_STARTED)
    told = await desk.run(f"cancel {root}")
    assert "was asked to stop" in says(told) or "is cancelled" in says(told)


async def test_what_is_no_pipe_is_said_at_once(desk: Desk) -> None:
    """With a caret into the whole line, and nothing in the ledger."""
    for line in ("practice list 3 | ", "practice list 3 | | practice total", "practice fire a | practice total"):
        taken = await desk.take(line)
        assert isinstance(taken, Misunderstood), line
        assert taken.why.line.startswith("practice"), line
    garbage = ("".join(secrets.choice("practice list|'\"?!\u2014 \t") for _ in range(60)) for _ in range(100))
    for line in garbage:
        await desk.take(f"practice list {line}")


async def test_two_replicas_bring_each_stage_once(mesh: Mesh, desk: Desk) -> None:
    """Whoever is first; nothing runs twice."""
    other = await gateway_process(mesh, "gw-2")
    roots = [await desk.command(f"practice list 5 | practice fire p{n}") for n in range(10)]
    for root in roots:
        view = await reaches(desk, root, 2)
        assert view.record.state == S.STATE_SUCCEEDED
        assert mesh.effects(view.key) == ["fire"]
    other.kill()
    await other.ended()


async def test_a_replica_that_sees_it_differently_is_late(desk: Desk, mesh: Mesh) -> None:
    """Whether a stage runs, or why it never does, is written in one place: the first word counts."""
    root = await desk.command("practice list 3 | practice fire a")
    stage = await reaches(desk, root, 2)
    await desk.gateway.dispatch.end((await desk.view(root)).envelope, "its time ran out")
    written = await desk.gateway.bus.lasts("LED", f"led.*.*.{stage.key.id}.>")
    assert {message.subject for message in written} == {stage.key.subject(Author.RUN), stage.key.subject(Author.BOT)}


@pytest.mark.timeout(180)
async def test_a_pipe_goes_on_after_every_gateway_was_killed(house: House, bus_as: BusAs, mesh: Mesh) -> None:
    """Its stages stand in the ledger, and so does the table: whichever gateway starts next goes on, once."""
    write_people(house)
    bus = await bus_as("gw-1")
    practice = await mesh.practice()
    gateways = [await gateway_process(mesh, name) for name in ("gw-1", "gw-2")]
    request = gateway.RunLineRequest(line="practice list 4 | practice fire a", room="general", request_id="r1")

    async def begun() -> str:
        """The pipe's id, once it stands in the ledger and the bot stands still: one that does so for long is gone."""
        practice.thaw()
        await eventually(lambda: answers(gateways[0]), 30, because="the gateway does not know the practice bot")
        practice.freeze()
        answer = await anext(run_line(gateways[0], request), None)
        return answer.card.command_id if answer else ""

    root = await eventually(begun, 60, because="the gateway took no line for a bot that stands still")
    for process in gateways:
        process.kill()
        await process.ended()
    practice.thaw()

    async def done() -> bool:
        said = await bus.last("LED", f"led.ops-read.practice.{root}.bot")
        return said is not None and ledger.Record.FromString(said.payload).state == S.STATE_SUCCEEDED

    await eventually(done, 30, because="the first stage was not run")
    assert not mesh.effects_file.exists()
    gateways = [await gateway_process(mesh, name) for name in ("gw-1", "gw-2")]
    cards = [answer.card async for answer in run_line(gateways[1], request)]
    assert "fired a for 4 rows" in says(cards[-1])
    assert cards[-1].card_id == root
    assert len(mesh.effects_file.read_text().splitlines()) == 1


async def gateway_process(mesh: Mesh, name: str) -> Process:
    """A gateway as a process that can be killed."""
    ports = {"BELLBOARD_WEB_PORT": "0", "BELLBOARD_GRPC_PORT": "0"}
    return await mesh.service(name, name, "bellboard_gateway", {"BELLBOARD_REPLICA": name, **ports}).start()


async def run_line(process: Process, request: gateway.RunLineRequest) -> AsyncGenerator[gateway.RunLineResponse, None]:
    """What a gateway tells of a line, once it takes lines."""
    port = (await process.says("service.ready"))["grpc_port"]
    await eventually(lambda: healthy(f"127.0.0.1:{port}"), 30)
    async with channel(f"127.0.0.1:{port}", "ann-token") as opened_channel:
        async for answer in gateway_pb2_grpc.GatewayServiceStub(opened_channel).RunLine(request, timeout=30):
            if answer.HasField("card"):
                yield answer


async def answers(process: Process) -> bool:
    """Whether a gateway has a card for a line of the practice bot, which it may not have heard of yet."""
    look = gateway.RunLineRequest(line="practice look", room="general", request_id=secrets.token_hex(8))
    return [answer async for answer in run_line(process, look)] != []


async def test_a_room_rehearses(desk: Desk, mesh: Mesh) -> None:
    """All that bots run there is a rehearsal, marked as such; the gateway's own commands are for real."""
    assert (await desk.run("rehearse on", "bob")).state == S.STATE_DENIED
    assert "is run against the sandbox" in says(await desk.run("rehearse on"))
    card = await desk.run("practice fire a")
    assert card.rehearsal
    assert mesh.effects((await desk.view(card.command_id)).key) == []
    asked = await desk.run("rehearse")
    assert "ann said so" in says(asked)
    assert not asked.rehearsal
    assert not (await desk.run("practice look", room="ops")).rehearsal
    assert "is for real" in says(await desk.run("rehearse off"))
    assert not (await desk.run("practice look")).rehearsal


async def test_a_pipe_that_begins_in_the_gateway_rehearses(desk: Desk) -> None:
    """The gateway's own stage is for real, and those that follow stay rehearsals whatever the room does meanwhile."""
    await desk.run("rehearse on")
    view = await desk.view(await desk.command("running --all | practice fire a"))
    assert not view.envelope.rehearsal
    assert list(view.envelope.pipe) == ["practice fire a --sandbox"]


async def test_a_line_rehearses_by_itself(desk: Desk, mesh: Mesh) -> None:
    """And with it its whole pipe."""
    assert (await desk.run("practice look --sandbox")).rehearsal
    view = await reaches(desk, await desk.command("practice list 3 --sandbox | practice total"), 2)
    assert view.envelope.rehearsal


async def test_no_replica_runs_anything_for_real_in_a_room_that_rehearses(
    house: House, bus_as: BusAs, mesh: Mesh, desk: Desk
) -> None:
    """Not even one that has just started, or that was there before."""
    await desk.run("rehearse on")
    async with opened(house, await bus_as("gw-2"), name="gw-2") as other:
        await other.listed()
        assert (await other.run("practice fire a")).rehearsal
        await other.run("rehearse off")
        assert not (await desk.run("practice look")).rehearsal
        await other.run("rehearse on")
        assert (await desk.run("practice look")).rehearsal


async def test_what_waits_for_approval_is_not_approved_for_real_in_a_room_that_rehearses(desk: Desk, mesh: Mesh) -> None:
    """It was asked for before."""
    id = await desk.command("practice fire slow", "bob")
    await desk.view(id, S.STATE_AWAITING_APPROVAL)
    await desk.run("rehearse on")
    told = await desk.run(f"approve {id}", "cleo")
    assert "is for real, and this room rehearses" in says(told)
    assert mesh.effects((await desk.view(id)).key) == []


async def test_a_program_hears_of_a_pipe_until_its_end(desk: Desk) -> None:
    """Only the last word is final."""
    parts = desk.gateway
    api = Api("gw-1", parts.people, parts.hall.policy, parts.registry, parts.board, parts.inbox)
    root = await desk.command("practice list 3 | practice total")
    async with asyncio.timeout(20):
        cards: list[gateway.Card] = [card async for card in api._cards(root)]
    assert cards[-1].final
    assert sum(card.final for card in cards) == 1
    assert says(cards[-1]) == "6 in 3 rows"


async def test_a_bus_that_is_gone_keeps_a_line_from_running(desk: Desk) -> None:
    """Whether its room rehearses could not be known."""
    await desk.gateway.bus.close()
    assert isinstance(await desk.take("practice fire a"), NotAccepted)
