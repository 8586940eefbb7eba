"""Timers: what bots ask for at a moment, over replicas, restarts and clocks that are put forward."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.ids import child_id
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
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


async def ask(desk: Desk, line: str, after: str, **flags: str) -> str:
    """Have the practice bot ask for a line later; the id that its command will have, once the timer stands."""
    said = " ".join(f"--{name} {value}" for name, value in flags.items())
    card = await desk.run(f"practice send --after {after} {said} {line}")
    id = card.blocks[0].text.text.split(" ")[2].rstrip(":")

    def stands() -> bool:
        requests = [kept.timer.request for kept in desk.gateway.timers._kept.values()]
        kept = {child_id(request.parent, request.ordinal) for request in requests}
        return id in kept or desk.gateway.board.known(id) is not None

    await eventually(stands, because="the timer never stood")
    return id


async def waiting(bus: Bus, bot: str = "practice") -> dict[str, str]:
    """The timers that a bot has, as they stand on the bus: their lines by their names."""
    found = [(message.subject, pb.Timer.FromString(message.payload)) for message in await bus.lasts("TIMER", f"tmr.{bot}.*")]
    return {subject.rpartition(".")[2]: timer.request.line for subject, timer in found if timer.request.line}


def put_forward(desk: Desk, seconds: float) -> None:
    """The gateway's clock, which somebody sets right."""
    desk.gateway.dispatch.world = World(now=lambda: time.time() + seconds)


def beats(mesh: Mesh) -> list[str]:
    """The ids of the commands that left a mark, each time that one did."""
    lines = mesh.effects_file.read_text().splitlines() if mesh.effects_file.exists() else []
    return [line.split(" ")[0] for line in lines if line.split(" ")[1] == "beat"]


async def test_what_is_asked_for_at_a_moment_runs_then(desk: Desk, mesh: Mesh) -> None:
    """As the bot, with cause TIMER; the time in which it must start counts from then."""
    id = await ask(desk, "practice beat a", "1s")
    card = await desk.final(id)
    view = await desk.view(id)
    envelope = view.envelope
    assert card.state == S.STATE_SUCCEEDED
    assert (envelope.principal.bot, envelope.cause, card.cause) == ("practice", pb.CAUSE_TIMER, pb.CAUSE_TIMER)
    assert envelope.not_after.seconds > envelope.received_at.seconds + 60
    await eventually(lambda: beats(mesh) == [id])
    await eventually(lambda: _nothing_waits(desk.gateway.bus))


async def _nothing_waits(bus: Bus) -> bool:
    return not await waiting(bus)


async def test_a_timer_far_ahead_waits_and_a_clock_put_forward_is_believed(desk: Desk, mesh: Mesh) -> None:
    """It is the time of day that counts."""
    id = await ask(desk, "practice beat", "1h")
    assert (await waiting(desk.gateway.bus)) == {f"={id}": "practice beat"}
    put_forward(desk, 3700)
    await eventually(lambda: beats(mesh) == [id], 30)


async def test_the_last_word_about_a_name_counts(desk: Desk, mesh: Mesh) -> None:
    """Another time, another line, another command that says so; and what is taken back never runs."""
    first = await ask(desk, "practice beat first", "1h", key="k")
    second = await ask(desk, "practice beat second", "2h", key="k")
    other = await ask(desk, "practice beat other", "2h", key="other.one")
    assert await waiting(desk.gateway.bus) == {"k": "practice beat second", "other_2eone": "practice beat other"}
    await desk.run("practice unsend other.one")
    await desk.run("practice unsend never-was")
    await eventually(lambda: _has(desk.gateway.bus, 1))
    put_forward(desk, 8000)
    await eventually(lambda: second in beats(mesh), 30)
    after = await ask(desk, "practice beat after", "1s")
    await eventually(lambda: after in beats(mesh), 30)
    assert beats(mesh) == [second, after]
    assert not {first, other} & set(desk.gateway.board._all.views)


async def _has(bus: Bus, count: int) -> bool:
    return len(await waiting(bus)) == count


async def test_a_timer_that_is_put_off_again_and_again_takes_no_more_room(
    desk: Desk, mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was put off from is forgotten before its moment comes; the last word stands."""
    monkeypatch.setattr("bellboard_gateway.timers.FORGOTTEN", 10)
    timers, now = desk.gateway.timers, time.time()
    above = (await desk.view((await desk.run("practice look")).command_id)).envelope
    for number in range(100):
        request = pb.CommandRequest(
            parent=above.id, ordinal=number, line="practice beat", key="k", at=timestamp(now + 3600 + number)
        )
        await timers.take(above, request, 1000 + number)
    last = child_id(above.id, 99)
    await eventually(lambda: [kept.timer.request.ordinal for kept in timers._kept.values()] == [99])
    assert len(timers._due) < 20
    put_forward(desk, 3800)
    await eventually(lambda: beats(mesh) == [last], 30)


async def test_a_rehearsal_replaces_no_timer_that_is_for_real(desk: Desk) -> None:
    """And takes none back, though it calls its own by the same name."""
    await ask(desk, "practice beat", "1h", key="k")
    await desk.run("practice send --sandbox --after 2h --key k practice beat rehearsed")
    await eventually(lambda: _has(desk.gateway.bus, 2))
    await desk.run("practice unsend k --sandbox")
    await eventually(lambda: _has(desk.gateway.bus, 1))
    assert await waiting(desk.gateway.bus) == {"k": "practice beat"}


async def test_an_older_word_that_comes_late_changes_nothing(desk: Desk) -> None:
    """A request may be handed to a gateway again; what was said since stands."""
    timers, now = desk.gateway.timers, time.time()
    above = (await desk.view((await desk.run("practice look")).command_id)).envelope
    request = pb.CommandRequest(parent=above.id, ordinal=1, line="practice beat", key="k", at=timestamp(now + 3600))
    await timers.take(above, request, 5)
    await timers.take(above, pb.CommandRequest(parent=above.id, ordinal=2, key="k"), 7)
    await timers.take(above, request, 5)
    assert await waiting(desk.gateway.bus) == {}


async def test_two_replicas_fire_each_timer_once(house: House, bus_as: BusAs, mesh: Mesh) -> None:
    """Hundreds of them, all at the same moment."""
    write_people(house)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(opened(house, await bus_as("gw-1"), mesh.practice()))
        two = await stack.enter_async_context(opened(house, await bus_as("gw-2"), name="gw-2"))
        await one.listed()
        await two.listed()
        above = (await one.view((await one.run("practice look")).command_id)).envelope
        at, ids = time.time() + 3600, []
        for number in range(300):
            request = pb.CommandRequest(parent=above.id, ordinal=number, line=f"practice beat b{number}", at=timestamp(at))
            await one.gateway.timers.take(above, request, 1000 + number)
            ids.append(child_id(above.id, number))
        await eventually(lambda: two.gateway.timers.count("practice") == 300)
        for desk in (one, two):
            put_forward(desk, 3601)
        await eventually(lambda: set(ids) <= set(beats(mesh)), 60)
        await eventually(lambda: one.gateway.timers.count("practice") == 0)
        assert sorted(beats(mesh)) == sorted(ids)


async def test_a_timer_outlives_kill_9_of_everything(house: House, nats: NatsServer, mesh: Mesh) -> None:
    """Its moment passes while nobody is there; it runs as soon as somebody is, once."""
    write_people(house)
    practice, gateway = await mesh.practice(), await mesh.gateway("gw-1")
    bus = await nats.bus("gw-2")
    async with opened(house, bus, name="gw-2") as desk:
        await desk.listed()
        id = await ask(desk, "practice beat", "8s")
        await eventually(lambda: _has(bus, 1))
        due = time.time() + 8
    for process in (gateway, practice):
        process.kill()
        await process.ended()
    await bus.close(drain=False)
    await nats.restart()
    await eventually(lambda: time.time() > due, 30)
    await mesh.practice("practice-2")
    for name in ("gw-1", "gw-2"):
        await mesh.gateway(name)
    await eventually(lambda: beats(mesh) == [id], 30)


async def test_a_gateway_killed_right_after_firing_fires_nothing_twice(house: House, nats: NatsServer, mesh: Mesh) -> None:
    """The timer was not cleared any more; its command stands in the ledger already."""
    write_people(house)
    bus = await nats.bus("gw-1")
    async with opened(house, bus, mesh.practice()) as desk:
        await desk.listed()
        id = await ask(desk, "practice beat", "1h", key="k")
        (message,) = await bus.lasts("TIMER", "tmr.practice.k")
        put_forward(desk, 3700)
        await eventually(lambda: beats(mesh) == [id], 30)
        await eventually(lambda: _nothing_waits(bus))
        await bus.publish("tmr.practice.k", message.payload)  # as if it had never been cleared
        await eventually(lambda: _nothing_waits(bus))
    await bus.close(drain=False)
    assert beats(mesh) == [id]


async def test_a_timer_waits_for_its_bot(desk: Desk, mesh: Mesh) -> None:
    """A bot that is being restarted misses nothing."""
    id = await ask(desk, "practice beat", "1h")
    practice = mesh.process("practice-1")
    practice.kill()
    await practice.ended()
    await eventually(lambda: not desk.gateway.registry.available("practice"), 30)
    put_forward(desk, 3700)
    came = time.time()
    await eventually(lambda: time.time() > came + 2, 5)  # it is tried in vain
    assert desk.gateway.board.known(id) is None
    await mesh.practice("practice-2")
    await eventually(lambda: beats(mesh) == [id], 20)


async def test_what_is_denied_when_its_moment_comes_stands_in_the_ledger(desk: Desk, house: House) -> None:
    """It is judged by the rules of that moment."""
    id = await ask(desk, "practice beat", "1h")
    (house.policy / "calm.cedar").write_text('@id("calm") forbid (principal, action == Action::"practice.Beat", resource);')
    policy = desk.gateway.dispatch.policy
    await eventually(lambda: "calm" in {rule.name for rule in policy._file.value.rules.rules}, 30)
    put_forward(desk, 3700)
    view: View = await desk.view(id, S.STATE_DENIED)
    assert "calm" in view.record.reason
    await eventually(lambda: _nothing_waits(desk.gateway.bus))


async def test_a_card_is_brought_up_to_date_at_a_moment(desk: Desk) -> None:
    """Though the command that asked ran in no room that shows it."""
    root = await desk.run("practice look first", room="ops")
    id = await ask(desk, "practice look later", "1s", card=root.command_id)
    await desk.final(id)
    card = await desk.final(root.command_id)
    assert [block.text.text for block in card.blocks] == ["looked at later"]


async def test_what_began_for_real_goes_on_for_real_in_a_room_that_rehearses_by_then(desk: Desk) -> None:
    """A page does not stop being escalated because somebody practises where it came in; what people type is rehearsed."""
    root = await desk.run("practice look first")
    id = await ask(desk, "practice beat", "1h")
    refresh = await ask(desk, "practice look later", "1h", card=root.command_id)
    await desk.run("rehearse on")
    put_forward(desk, 3700)
    assert not (await desk.final(id)).rehearsal
    await desk.final(refresh)
    card = await desk.final(root.command_id)
    assert [block.text.text for block in card.blocks] == ["looked at later"]
    assert (await desk.run("practice look")).rehearsal


async def test_a_bot_has_no_more_timers_than_it_may(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is refused on the card of the command that asked."""
    monkeypatch.setattr("bellboard_gateway.door.MOST", 1)
    await ask(desk, "practice beat", "1h")
    await eventually(lambda: desk.gateway.timers.count("practice") == 1)
    view = await desk.view(await ask(desk, "practice beat b", "1h"), S.STATE_DENIED)
    assert view.record.reason == "practice has 1 timers already"
