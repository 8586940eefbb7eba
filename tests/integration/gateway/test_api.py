"""The gateway's door for programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import gateway_pb2_grpc
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.rpc import RpcError, Status, channel, healthy
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


@dataclass
class Door:
    """A gateway and the address of its door."""

    desk: Desk
    target: str

    async def run(self, line: str, *, token: str = "ann-token", **more: Any) -> list[pb.RunLineResponse]:
        """All that is said of a line."""
        async with channel(self.target, token) as opened_channel:
            request = pb.RunLineRequest(line=line, **{"request_id": line, **more})
            return [answer async for answer in stub(opened_channel).RunLine(request, timeout=20)]


def stub(opened_channel: Any) -> Any:
    return gateway_pb2_grpc.GatewayServiceStub(opened_channel)


@pytest.fixture
async def door(house: House, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Door]:
    """A gateway's door, with the practice bot behind it."""
    write_people(house)
    async with opened(house, await bus_as("gw-1"), mesh.practice()) as desk:
        await desk.listed()
        port = await desk.gateway.rpc.start("127.0.0.1", 0)
        yield Door(desk, f"127.0.0.1:{port}")
        await desk.gateway.rpc.stop(0.1)


async def refused(call: Any) -> Status:
    """The status with which a call is refused."""
    with pytest.raises(RpcError) as caught:
        await call
    status: Status = caught.value.code()
    return status


async def test_a_line_is_told_of_until_it_is_final(door: Door) -> None:
    """Cards come as the command goes on; the last is final."""
    answers = await door.run("practice set a 3 --wait 1s")
    assert {answer.WhichOneof("result") for answer in answers} == {"card"}, answers
    assert answers[-1].card.final
    assert answers[-1].card.state == S.STATE_SUCCEEDED
    assert len({answer.card.command_id for answer in answers}) == 1


async def test_the_same_request_id_is_the_same_command(door: Door, mesh: Mesh) -> None:
    """Asked twice at once and once again, it ran once."""
    first, second = await asyncio.gather(*(door.run("practice fire x", request_id="one") for _ in range(2)))
    third = await door.run("practice fire x", request_id="one")
    ids = {answers[-1].card.command_id for answers in (first, second, third)}
    assert len(ids) == 1
    assert len(mesh.effects((await door.desk.view(ids.pop())).key)) == 1


async def test_request_ids_are_each_persons_own(door: Door) -> None:
    """Nobody meets another's command by its request id."""
    anns = await door.run("practice look x", request_id="one")
    bobs = await door.run("practice look x", request_id="one", token="bob-token")
    assert anns[-1].card.command_id != bobs[-1].card.command_id


async def test_a_bad_line_is_explained(door: Door) -> None:
    """With a caret; nothing is published, whatever it is."""
    bus = door.desk.gateway.bus
    end = await bus.end("LED")
    (answer,) = await door.run("practice set a many")
    assert answer.not_understood.code == "not_understood"
    assert answer.not_understood.caret == len("practice set a ")
    for line in (
        "",
        '""',
        "x" * (1 << 20),
        "practice look " + "a " * 10_000,
        "practice look \a",
        "practice look \u202ea",
        "\u0440ractice look",
    ):
        (answer,) = await door.run(line, request_id=f"bad {len(line)}")
        assert (answer.not_understood.code, bool(answer.not_understood.suggestion)) == ("not_understood", True), line[:40]
    assert await bus.end("LED") == end


async def test_a_name_that_is_nobodys_is_explained(door: Door) -> None:
    """With the nearest one."""
    (answer,) = await door.run("practice every north 3 --who @bobb --loud")
    assert (answer.not_understood.code, answer.not_understood.suggestion) == ("not_understood", "@bob")
    assert answer.not_understood.corrected == "practice every north 3 --who @bob --loud"


async def test_a_room_or_person_that_is_none_is_explained(door: Door) -> None:
    """With the nearest one, or what there is."""
    for asked, words in (
        ({"room": "generl"}, "there is no such room; did you mean general?"),
        ({"room": "attic"}, "there is no such room; there are: general, ops, play"),
        ({"as_person": "bobb"}, "there is no person bobb; did you mean bob?"),
    ):
        with pytest.raises(RpcError) as caught:
            await door.run("practice look", **asked)
        assert (caught.value.code(), caught.value.details()) == (Status.NOT_FOUND, words)


async def test_a_quick_line_is_told_of_until_it_is_final_too(door: Door) -> None:
    """Even one that ends while the one before its last state is being told."""
    for count in range(40):
        answers = await door.run("practice look", request_id=f"quick-{count}")
        assert [answer.card.final for answer in answers].index(True) == len(answers) - 1


async def test_nobody_there_is_said_at_once(door: Door) -> None:
    """An enrolled bot that does not run is known by its first word."""
    (answer,) = await door.run("meme list")
    assert (answer.not_understood.code, answer.not_understood.reason) == ("no_bot", "no memes bot is running")


async def test_what_has_an_effect_needs_a_request_id(door: Door) -> None:
    """A READ does not."""
    assert await refused(door.run("practice fire a", request_id="")) == Status.INVALID_ARGUMENT
    assert (await door.run("practice look a", request_id=""))[-1].card.state == S.STATE_SUCCEEDED


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_without_a_token_nothing_is_told(door: Door, token: str) -> None:
    """Every method asks who calls."""
    assert await refused(door.run("practice look a", token=token)) == Status.UNAUTHENTICATED
    async with channel(door.target, token) as opened_channel:
        for call, request in (
            ("ListCommands", pb.ListCommandsRequest()),
            ("GetStatus", pb.GetStatusRequest()),
            ("GetTrace", pb.GetTraceRequest(id="abcd")),
        ):
            assert await refused(getattr(stub(opened_channel), call)(request)) == Status.UNAUTHENTICATED


async def test_owners_on_this_machine_may_speak_for_others(door: Door) -> None:
    """The command is the other person's, with their rights; nobody else may do that."""
    card = (await door.run("practice fire a", as_person="bob"))[-1].card
    assert (card.principal, card.state) == ("bob", S.STATE_DENIED)
    assert await refused(door.run("practice look a", token="bob-token", as_person="ann")) == Status.PERMISSION_DENIED
    assert await refused(door.run("practice look a", as_person="eve")) == Status.NOT_FOUND


async def test_commands_are_listed_by_right(door: Door) -> None:
    """People see what they may run, and what somebody is there to run."""
    listed: dict[str, set[str]] = {}
    for person in ("ann", "bob"):
        async with channel(door.target, f"{person}-token") as opened_channel:
            answer = await stub(opened_channel).ListCommands(pb.ListCommandsRequest())
            listed[person] = {command.phrase for command in answer.commands}
    assert {"practice look", "practice fire", "help"} <= listed["ann"]
    assert "practice look" in listed["bob"]
    assert "practice fire" not in listed["bob"]
    assert "meme" not in listed["ann"]


async def test_status_tells_who_is_there(door: Door) -> None:
    """Replicas with their last heartbeat, and bots without any."""
    async with channel(door.target, "bob-token") as opened_channel:
        answer = await stub(opened_channel).GetStatus(pb.GetStatusRequest())
    bots = {bot.bot: [replica.replica for replica in bot.replicas] for bot in answer.bots}
    assert bots == {"house": ["gw-1"], "memes": [], "practice": ["practice-1"]}
    assert answer.bus
    assert not answer.problems


async def test_a_trace_is_the_commands_life(door: Door) -> None:
    """Spans by start, the first of them the whole command's."""
    card = (await door.run("practice set a 3"))[-1].card
    async with channel(door.target, "ann-token") as opened_channel:
        answer = await stub(opened_channel).GetTrace(pb.GetTraceRequest(id=card.command_id[:8]))
        assert await refused(stub(opened_channel).GetTrace(pb.GetTraceRequest(id="zzzzzz"))) == Status.NOT_FOUND
    assert answer.trace_id == card.trace_id
    assert {"command", "run"} <= {span.name.split()[0] for span in answer.spans}


async def test_the_callers_trace_goes_on(door: Door) -> None:
    """A W3C context that comes in is the command's."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with channel(door.target, "ann-token") as opened_channel:
        metadata = [("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01")]
        answers = stub(opened_channel).RunLine(pb.RunLineRequest(line="practice look"), metadata=metadata)
        assert {answer.card.trace_id async for answer in answers} == {trace_id}


async def test_a_room_can_be_watched(door: Door) -> None:
    """Cards of other people's commands come as they change."""
    async with channel(door.target, "bob-token") as opened_channel:
        call = stub(opened_channel).WatchRoom(pb.WatchRoomRequest(room="ops"))
        id = await door.desk.command("practice look seen", room="ops")
        async with asyncio.timeout(30), aclosing(aiter(call)) as events:
            async for event in events:
                if event.card.command_id == id and event.card.final:
                    break
        assert (
            await refused(anext(aiter(stub(opened_channel).WatchRoom(pb.WatchRoomRequest(room="attic"))))) == Status.NOT_FOUND
        )


async def test_health_tells_the_truth(door: Door, nats: NatsServer) -> None:
    """SERVING with the bus, NOT_SERVING without it, and SERVING again."""
    service = "bellboard.api.gateway.v1.GatewayService"
    assert await healthy(door.target, service)
    await nats.kill()

    async def ill() -> bool:
        return not await healthy(door.target, service)

    await eventually(ill)
    (answer,) = await door.run("practice look x")
    assert answer.not_understood.code == "not_accepted"
    assert "nothing will run" in answer.not_understood.reason
    await nats.start()
    await eventually(lambda: healthy(door.target, service), 20)


async def test_the_service_can_be_reflected(door: Door) -> None:
    """Programs find the service without its proto."""
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async with channel(door.target) as opened_channel:
        ask = reflection_pb2_grpc.ServerReflectionStub(opened_channel).ServerReflectionInfo  # type: ignore[no-untyped-call]
        call = ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        names = {service.name async for answer in call for service in answer.list_services_response.service}
    assert {"bellboard.api.gateway.v1.GatewayService", "grpc.health.v1.Health"} <= names


async def test_status_tells_what_to_put_right(door: Door, house: House) -> None:
    """A rule file that is wrong keeps the old rules, and is shown."""
    (house.policy / "bad.cedar").write_text("permit (principal")
    door.desk.gateway.hall.policy._file.look(now=True)
    async with channel(door.target, "ann-token") as opened_channel:
        answer = await stub(opened_channel).GetStatus(pb.GetStatusRequest())
    assert any("bad.cedar:1" in problem for problem in answer.problems)
    assert says((await door.run("practice look a"))[-1].card)


async def test_whoever_wants_to_is_told_of_what_a_command_asked_for(door: Door) -> None:
    """After its own card is final; others hear of nothing but the command."""
    alone = await door.run("practice send practice look a", request_id="r1")
    assert {answer.card.line for answer in alone} == {"practice send practice look a"}
    told = await door.run("practice send practice send practice look b", request_id="r2", follow=True)
    ends = [answer.card.line for answer in told if answer.card.final]
    assert ends == ["practice send practice send practice look b", "practice send practice look b", "practice look b"]
    later = await door.run("practice send --after 1h practice look c", request_id="r3", follow=True)
    assert len({answer.card.command_id for answer in later}) == 1


async def test_what_only_bots_run_is_not_listed(door: Door) -> None:
    """It can't be typed."""
    async with channel(door.target, "ann-token") as opened_channel:
        listed = await stub(opened_channel).ListCommands(pb.ListCommandsRequest(), timeout=20)
    assert "practice send" in {command.phrase for command in listed.commands}
    assert "practice beat" not in {command.phrase for command in listed.commands}
