"""A bot as a process works on the commands that stand in the ledger."""

from __future__ import annotations

import base64
import os
import time
from typing import Any

import orjson
import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.envelope import Signer
from bellboard.ledger.gate import Asked, cancel
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author
from bellboard.provision import House
from bellboard.provision.keys import write
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer
from tests.integration.mesh import WORLD, Gate, Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_a_read_costs_two_records(gate: Gate, mesh: Mesh) -> None:
    """One by the gateway, one by the worker, and nothing in between."""
    await mesh.practice()

    key = await gate.accept("practice look stars")
    final = await gate.final(key)

    assert final.outcome.reply.blocks[0].text.text == "looked at stars"
    assert final.worker == "practice-1"
    assert [author for author, _ in await gate.history(key)] == [Author.RUN, Author.BOT]


async def test_an_effect_is_claimed_and_started_before_it_happens(gate: Gate, mesh: Mesh) -> None:
    """The ledger says that something may happen before it does."""
    await mesh.practice()

    key = await gate.accept("practice fire a")
    await gate.final(key)

    assert await gate.states(key) == ["RECEIVED", "CLAIMED", "STARTED", "SUCCEEDED"]
    assert mesh.effects(key) == ["fire"]


async def test_steps_are_recorded_one_by_one(gate: Gate, mesh: Mesh) -> None:
    """Each before it begins; the last is done with the command."""
    await mesh.practice()

    key = await gate.accept("practice climb north")
    final = await gate.final(key)

    assert await gate.states(key) == ["RECEIVED", "CLAIMED", "STARTED", "STEP", "STEP", "STEP", "SUCCEEDED"]
    assert [step.state for step in final.steps] == [pb.STEP_STATE_DONE] * 3
    assert mesh.effects(key) == ["boots", "rope", "top"]


async def test_what_fails_for_certain_is_failed(gate: Gate, mesh: Mesh) -> None:
    """And nothing happened."""
    await mesh.practice()

    key = await gate.accept("practice fire a --fail")
    final = await gate.final(key)

    assert final.state == S.STATE_FAILED
    assert final.outcome.reply.blocks[0].failure.text == "a did not go off"
    assert mesh.effects(key) == []


async def test_a_preview_writes_no_more_than_a_read_and_does_nothing(gate: Gate, mesh: Mesh) -> None:
    """Though what it shows would be done only once."""
    await mesh.practice()

    key = await gate.accept("practice fire a ?")
    final = await gate.final(key)

    assert final.outcome.reply.blocks[0].text.text == "would fire a"
    assert await gate.states(key) == ["RECEIVED", "SUCCEEDED"]
    assert mesh.effects(key) == []


async def test_fifty_slow_commands_do_not_hold_up_a_quick_one(gate: Gate, mesh: Mesh) -> None:
    """They run at the same time."""
    await mesh.practice()

    slow = [await gate.accept(f"practice set mark{number} 1 --wait 5s") for number in range(50)]
    await gate.reaches(slow[-1], S.STATE_STARTED)
    quick = await gate.accept("practice set quick 1")
    await gate.final(quick)
    unfinished = [key for key in slow if (await gate.newest(key)).state == S.STATE_STARTED]
    finals = [await gate.final(key) for key in slow]

    assert unfinished
    assert {final.state for final in finals} == {S.STATE_SUCCEEDED}


async def test_progress_is_shown_while_it_runs(gate: Gate, mesh: Mesh) -> None:
    """On a stream of its own, with the attempt that the final record names."""
    await mesh.practice()

    key = await gate.accept("practice climb north --wait 300ms")
    final = await gate.final(key)
    shown = []
    end = await gate.bus.end("PROG")
    async for message in gate.bus.follow("PROG"):
        shown.append(pb.ProgressRecord.FromString(message.payload))
        if message.sequence >= end:
            break

    assert [record.index for record in shown] == list(range(1, len(shown) + 1))
    assert {record.attempt for record in shown} == {final.outcome.attempt}
    assert {record.id for record in shown} == {key.id}
    assert shown[0].blocks[0].progress.text == "boots on north"


async def test_a_running_command_stops_at_a_persons_wish(gate: Gate, mesh: Mesh) -> None:
    """The gateway asks over the bus; the worker stops the handler."""
    await mesh.practice()
    key = await gate.accept("practice fire a --wait 30s")
    await gate.reaches(key, S.STATE_STARTED)

    async def stop(_: object) -> None:
        wish = pb.CancelRequest(id=key.id, by="ann")
        await gate.bus.send(f"ctl.practice.{key.id}", wish.SerializeToString())

    async def cancelled() -> bool:
        asked = await gate.store.drive(cancel(key, "ann", "changed my mind", WORLD), stop)
        return not isinstance(asked, Asked)

    await eventually(cancelled)
    final = await gate.final(key)

    assert final.state == S.STATE_CANCELLED
    assert mesh.effects(key) == []


async def test_a_command_asked_for_by_a_bot_waits_at_the_door(gate: Gate, mesh: Mesh) -> None:
    """It is stored for the gateway, with its parent."""
    await mesh.practice()

    key = await gate.accept("practice send practice look b")
    await gate.final(key)
    message = await anext(gate.bus.follow("REQ"))
    request = pb.CommandRequest.FromString(message.payload)

    assert (request.parent, request.line) == (key.id, "practice look b")
    assert message.subject == f"req.practice.{key.id}.{request.ordinal}"


async def test_what_is_no_command_is_dropped_and_counted(gate: Gate, mesh: Mesh) -> None:
    """Garbage, no signature, a stranger's, for another id or lane, too large: none of it runs, none of it does harm."""
    bot = await mesh.practice()
    stranger = Signer("gw-1", os.urandom(32))
    unsigned, forged, copied, moved = (gate.envelope(f"practice fire {label}") for label in "abcd")
    await gate.put(unsigned, pb.SignedEnvelope(envelope=unsigned.SerializeToString(), key_id="gw-1"))
    await gate.put(forged, stranger.sign(forged))
    await gate.put(copied, gate.signer.sign(gate.envelope("practice fire c")))
    moved.lane = "ops-read"
    signed = gate.signer.sign(moved)
    moved.lane = "ops-work"
    await gate.put(moved, signed)
    await gate.bus.publish("led.ops-work.practice.garbage.run", b"\xff\xfe not a record")
    await gate.bus.publish("led.ops-read.practice.large.run", bytes(255 * 1024))
    await gate.bus.publish("led.ops-read.practice.started.run", pb.Record(state=S.STATE_STARTED).SerializeToString())

    key = await gate.accept("practice look")
    final = await gate.final(key)
    await eventually(lambda: len(_refused(bot.lines())) == 7)

    assert final.state == S.STATE_SUCCEEDED
    assert sorted(_refused(bot.lines())) == ["envelope", "envelope", "envelope", "garbage", "garbage", "lane", "state"]
    assert not mesh.effects_file.exists()


def _refused(lines: list[dict[str, str]]) -> list[str]:
    return [line["reason"] for line in lines if line.get("event") == "command.refused"]


async def test_a_command_of_another_contract_is_handed_back(gate: Gate, mesh: Mesh) -> None:
    """A replica that knows it may come along."""
    bot = await mesh.practice()

    key = await gate.accept("practice look", digest="0123456789abcdef")
    line = await bot.says("command.handed_back")

    assert line["reason"] == "digest"
    assert await gate.states(key) == ["RECEIVED"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"request": b"\xff\xff\xff"}, "can't be read"),
        ({"method": "Nothing"}, "no such command"),
        ({"sealed": b"x" * 64}, "can't be opened"),
    ],
    ids=["request", "method", "secrets"],
)
async def test_a_request_that_is_none_fails(gate: Gate, mesh: Mesh, fields: dict[str, Any], said: str) -> None:
    """It is signed, so the person hears of it."""
    await mesh.practice()

    final = await gate.final(await gate.accept("practice fire a", **fields))

    assert final.state == S.STATE_FAILED
    assert said in final.reason
    assert final.outcome.reply.blocks[0].failure.code == "bad_request"


async def test_a_command_that_waited_too_long_is_not_started(gate: Gate, mesh: Mesh) -> None:
    """Its time was over before there was a worker."""
    key = await gate.accept("practice fire a", not_after=-1)
    await mesh.practice()

    assert (await gate.final(key)).state == S.STATE_EXPIRED
    assert mesh.effects(key) == []


async def test_a_lost_bus_does_not_lose_the_result(gate: Gate, mesh: Mesh, nats: NatsServer) -> None:
    """The worker goes on, and writes what came of it when the bus is back; then it takes the next command."""
    await mesh.practice()
    key = await gate.accept("practice fire a --wait 5s")
    await gate.reaches(key, S.STATE_STARTED)

    await nats.kill()
    await eventually(lambda: mesh.effects(key) == ["fire"])
    await nats.start()
    await eventually(lambda: gate.bus.connected)
    final = await gate.final(key)
    after = await gate.final(await gate.accept("practice look"))

    assert (final.state, final.epoch) == (S.STATE_SUCCEEDED, 1)
    assert after.state == S.STATE_SUCCEEDED


async def test_beats_tell_what_is_in_flight(gate: Gate, mesh: Mesh) -> None:
    """And which attempt of it."""
    await mesh.practice()
    key = await gate.accept("practice fire a --wait 30s")

    async for message in gate.bus.listen("hb.>"):
        beat = registry.Heartbeat.FromString(message.payload)
        if any(flight.epoch for flight in beat.in_flight):  # one that is not claimed yet is of no attempt
            break

    assert message.subject == "hb.practice.practice-1"
    assert beat.digest == gate.contract.digest
    assert [(flight.id, flight.epoch) for flight in beat.in_flight] == [(key.id, 1)]


async def test_work_goes_on_past_the_ack_wait(short_ack_wait: None, gate: Gate, mesh: Mesh) -> None:
    """The worker says that it is still at it, so nobody else is given the command."""
    await mesh.practice()
    await mesh.practice("practice-2")
    began = time.monotonic()

    key = await gate.accept("practice set a 1 --wait 6s")
    final = await gate.final(key)

    assert final.epoch == 1
    assert mesh.effects(key) == ["set"]
    assert time.monotonic() - began > 6


async def test_a_command_with_a_key_that_is_made_known_later_runs(gate: Gate, mesh: Mesh, house: House) -> None:
    """It is handed back until then: a gateway may be the first that has its new key."""
    bot = await mesh.practice()
    newcomer = Signer("gw-1.2", os.urandom(32))
    envelope = gate.envelope("practice look")
    key = await gate.put(envelope, newcomer.sign(envelope))
    await eventually(lambda: [line for line in bot.lines() if line.get("reason") == "key"])
    trust = orjson.loads(house.trust.read_bytes())
    trust["keys"]["gw-1.2"] = base64.b64encode(newcomer.public).decode()
    write(house.trust, orjson.dumps(trust).decode(), 0o644)
    assert (await gate.final(key)).state == S.STATE_SUCCEEDED
