"""Workers are killed, and every command still comes to its end: what must not repeat does not, and is called UNKNOWN."""

from __future__ import annotations

import asyncio
import time

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.mesh import WORLD, Gate, Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def hurry(short_ack_wait: None) -> None:
    """Lost commands are handed out again after 4 s in all of these tests."""


async def test_what_must_not_repeat_is_called_unknown_and_not_run_again(gate: Gate, mesh: Mesh) -> None:
    """Its worker was killed before anything happened; nobody knows that, so it stays UNKNOWN."""
    await mesh.practice()
    await mesh.practice("practice-2")
    await mesh.reaper()
    key = await gate.accept("practice fire a --wait 60s")
    record = await gate.reaches(key, S.STATE_STARTED)

    mesh.process(record.worker).kill()
    final = await gate.final(key)

    assert final.state == S.STATE_UNKNOWN
    assert "not run again" in final.reason
    assert mesh.effects(key) == []


async def test_the_probe_finds_out_what_became_of_it(gate: Gate, mesh: Mesh) -> None:
    """The effect was had, and its worker killed before it could say so: another asks the world."""
    worker = await mesh.practice()
    await mesh.reaper()
    key = await gate.accept("practice fire a --wait 60s")
    await gate.reaches(key, S.STATE_STARTED)

    worker.kill()
    mesh.effects_file.write_text(f"{key.id} fire 1\n")
    await mesh.practice("practice-2")
    final = await gate.resolved(key)

    assert final.state == S.STATE_RESOLVED_SUCCEEDED
    assert "probe" in final.reason
    assert await gate.states(key) == ["RECEIVED", "CLAIMED", "STARTED", "UNKNOWN", "RESOLVED_SUCCEEDED"]


@pytest.mark.parametrize("line", ["practice set a 1 --wait 6s", "practice look --wait 6s"], ids=["idempotent", "read"])
async def test_what_may_repeat_is_run_again_by_another(gate: Gate, mesh: Mesh, line: str) -> None:
    """It was lost halfway, and nobody has to know."""
    worker = await mesh.practice()
    key = await gate.accept(line)
    await _in_hand(gate, key)

    worker.kill()
    await mesh.practice("practice-2")
    final = await gate.final(key)

    assert (final.state, final.worker) == (S.STATE_SUCCEEDED, "practice-2")


async def test_a_command_that_was_only_claimed_is_taken_over(gate: Gate, mesh: Mesh, bus_as: BusAs) -> None:
    """Nothing had happened, so even what must not repeat is run by another."""
    key = await gate.accept("practice fire a")
    received = await gate.newest(key)
    claimed = WORLD.record(S.STATE_CLAIMED, received, epoch=1, worker="practice-0", effect=received.effect)
    bus = await bus_as("practice")
    await bus.publish(key.subject(Author.BOT), claimed.SerializeToString())

    await mesh.practice()
    final = await gate.final(key)

    assert (final.state, final.epoch) == (S.STATE_SUCCEEDED, 2)
    assert mesh.effects(key) == ["fire"]


async def test_steps_go_on_where_they_stopped(gate: Gate, mesh: Mesh) -> None:
    """A worker is killed in a step that may repeat: those before it are not run again."""
    worker = await mesh.practice()
    await mesh.reaper()
    key = await gate.accept("practice climb north --wait 4s")
    await eventually(lambda: len(mesh.effects(key)) == 2)
    await eventually(lambda: _begun(gate, key, 3))

    worker.kill()
    await mesh.practice("practice-2")
    final = await gate.final(key)

    assert (final.state, final.worker) == (S.STATE_SUCCEEDED, "practice-2")
    assert mesh.effects(key) == ["boots", "rope", "top"]


async def test_a_step_that_must_not_repeat_leaves_the_command_unknown(gate: Gate, mesh: Mesh) -> None:
    """A worker is killed in it."""
    worker = await mesh.practice()
    await mesh.reaper()
    key = await gate.accept("practice climb north --wait 4s")
    await eventually(lambda: _begun(gate, key, 2))

    worker.kill()
    await mesh.practice("practice-2")
    final = await gate.final(key)

    assert final.state == S.STATE_UNKNOWN
    assert mesh.effects(key) == ["boots"]


async def test_a_worker_that_slept_reports_late(gate: Gate, mesh: Mesh) -> None:
    """It was stopped beyond its lease and called lost; then it went on, and what it says resolves the command."""
    worker = await mesh.practice()
    await mesh.reaper()
    key = await gate.accept("practice fire a --wait 5s")
    await gate.reaches(key, S.STATE_STARTED)

    worker.freeze()
    await gate.reaches(key, S.STATE_UNKNOWN)
    worker.thaw()
    final = await gate.resolved(key)

    assert final.state == S.STATE_RESOLVED_SUCCEEDED
    assert mesh.effects(key) == ["fire"]


async def test_a_long_command_of_a_living_worker_is_let_be(gate: Gate, mesh: Mesh) -> None:
    """It runs for longer than the lease; its worker's beats say that it is in hand."""
    await mesh.practice()
    await mesh.reaper()

    key = await gate.accept("practice fire a --wait 6s")

    assert (await gate.final(key)).state == S.STATE_SUCCEEDED


async def test_a_command_that_nobody_answers_expires(gate: Gate, mesh: Mesh) -> None:
    """There is no worker at all."""
    await mesh.reaper()

    key = await gate.accept("practice fire a", not_after=1)
    final = await gate.final(key)

    assert final.state == S.STATE_EXPIRED
    assert "nothing was run" in final.reason


async def test_an_approval_that_never_came_expires(gate: Gate, mesh: Mesh) -> None:
    """Nobody approved it in time."""
    await mesh.reaper()
    envelope = gate.envelope("practice fire a")
    key = Key(envelope.lane, envelope.bot, envelope.id)
    approval = pb.Approval(plan="x", not_after=timestamp(WORLD.now() + 1))
    record = WORLD.record(
        S.STATE_AWAITING_APPROVAL, command=gate.signer.sign(envelope), effect=envelope.effect, approval=approval
    )
    await gate.bus.publish(key.subject(Author.GATEWAY), record.SerializeToString(), expected=0, scope=key.pattern)

    assert (await gate.final(key)).state == S.STATE_EXPIRED


async def test_a_command_that_kills_every_worker_is_poison(gate: Gate, mesh: Mesh) -> None:
    """After five it is given up."""
    stop = asyncio.Event()

    async def supervise() -> None:
        process = await mesh.practice("practice-1", "tests.integration.poisoned")
        while not stop.is_set():
            await process.ended()
            await process.start(ready=False)

    supervising = asyncio.create_task(supervise())
    key = await gate.accept("practice look")
    final = await gate.final(key, timeout=90)
    stop.set()
    supervising.cancel()
    await asyncio.gather(supervising, return_exceptions=True)

    assert final.state == S.STATE_FAILED
    assert final.reason == "poison: 5 workers were lost while they had it"


async def test_turns_are_taken_in_order(gate: Gate, mesh: Mesh) -> None:
    """One climber a hill at a time, first come, first served; another hill is free."""
    await mesh.practice()
    await mesh.reaper()
    first = await gate.accept("practice climb north --wait 2s")
    await gate.reaches(first, S.STATE_STEP)
    waiting = []
    for _ in range(3):
        waiting.append(await gate.accept("practice climb north"))
        await gate.reaches(waiting[-1], S.STATE_QUEUED)
    elsewhere = await gate.final(await gate.accept("practice climb south"))
    finals = [await gate.final(key, timeout=30) for key in (first, *waiting)]

    order = [line.split(" ")[0] for line in mesh.effects_file.read_text().splitlines() if " boots " in line]
    assert {final.state for final in (elsewhere, *finals)} == {S.STATE_SUCCEEDED}
    assert [id for id in order if id in {first.id, *(key.id for key in waiting)}] == [first.id, *(key.id for key in waiting)]
    assert await gate.states(waiting[0]) == [
        "RECEIVED", "QUEUED", "READY", "CLAIMED", "STARTED", "STEP", "STEP", "STEP", "SUCCEEDED",
    ]  # fmt: skip


async def test_a_reaper_that_slept_judges_nobody_by_what_it_missed(gate: Gate, mesh: Mesh) -> None:
    """It was stopped beyond the lease of a living worker."""
    await mesh.practice()
    reaper = await mesh.reaper()
    key = await gate.accept("practice fire a --wait 7s")
    await gate.reaches(key, S.STATE_STARTED)

    reaper.freeze()
    frozen = time.monotonic()
    await eventually(lambda: time.monotonic() - frozen > 5)
    reaper.thaw()
    final = await gate.final(key)
    await reaper.says("reaper.paused")

    assert final.state == S.STATE_SUCCEEDED


async def test_a_bus_that_stood_still_makes_nobody_lost(gate: Gate, mesh: Mesh, nats: NatsServer) -> None:
    """No beat was heard for longer than the lease, and none could have been."""
    await mesh.practice()
    await mesh.reaper()
    key = await gate.accept("practice fire a --wait 5s")
    await gate.reaches(key, S.STATE_STARTED)

    nats.freeze()
    frozen = time.monotonic()
    await eventually(lambda: mesh.effects(key) and time.monotonic() - frozen > 5)
    nats.thaw()
    await eventually(lambda: gate.bus.connected)
    final = await gate.final(key)

    assert final.state == S.STATE_SUCCEEDED


async def test_two_reapers_do_not_disturb_each_other(gate: Gate, mesh: Mesh) -> None:
    """Both judge; the ledger takes one word."""
    worker = await mesh.practice()
    await mesh.reaper()
    await mesh.reaper("reaper-2")
    key = await gate.accept("practice fire a --wait 60s")
    await gate.reaches(key, S.STATE_STARTED)

    worker.kill()
    await gate.final(key)

    assert (await gate.states(key)).count("UNKNOWN") == 1


async def test_a_reaper_that_starts_late_knows_what_was_before(gate: Gate, mesh: Mesh) -> None:
    """It reads the ledger from its beginning."""
    worker = await mesh.practice()
    done = await gate.accept("practice look")
    await gate.final(done)
    key = await gate.accept("practice fire a --wait 60s")
    await gate.reaches(key, S.STATE_STARTED)
    worker.kill()

    await mesh.reaper()

    assert (await gate.final(key)).state == S.STATE_UNKNOWN
    assert await gate.states(done) == ["RECEIVED", "SUCCEEDED"]


async def _in_hand(gate: Gate, key: Key) -> None:
    """A worker says that it is working on the command."""
    async for message in gate.bus.listen("hb.>"):
        if key.id.encode() in message.payload:
            return


async def _begun(gate: Gate, key: Key, count: int) -> bool:
    record = await gate.newest(key)
    return sum(step.state != pb.STEP_STATE_UNSPECIFIED for step in record.steps) == count
