"""A bot as a process: how it starts, says so, drains and ends."""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp
import pytest

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.contract import Contract
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.mesh import Gate, Mesh, Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_it_announces_its_contract(gate: Gate, mesh: Mesh) -> None:
    """As it stands in its own descriptors; a gateway needs nothing else."""
    await mesh.practice()

    message = await anext(gate.bus.follow("REG"))
    announced = Contract.from_announcement(registry.Announcement.FromString(message.payload))

    assert message.subject == f"reg.practice.{gate.contract.digest}"
    assert announced.digest == gate.contract.digest


async def test_it_is_ready_when_it_is_known(mesh: Mesh) -> None:
    """Ready, alive, and its metrics tell of its build."""
    bot = await mesh.practice()

    await eventually(lambda: _answers(bot, "/readyz", 200, "ready"))
    await eventually(lambda: _answers(bot, "/healthz", 200, "alive"))
    await eventually(lambda: _answers(bot, "/metrics", 200, "bellboard_build_info"))


async def test_it_counts_what_it_did(gate: Gate, mesh: Mesh) -> None:
    """By bot, verb and state, with the time that it waited and ran."""
    bot = await mesh.practice()
    await gate.final(await gate.accept("practice look"))

    done = 'bellboard_commands_total{bot="practice",state="SUCCEEDED",verb="practice look"} 1.0'
    await eventually(lambda: _answers(bot, "/metrics", 200, done))
    await eventually(lambda: _answers(bot, "/metrics", 200, 'bellboard_queue_wait_seconds_count{bot="practice"} 1.0'))
    await eventually(lambda: _answers(bot, "/metrics", 200, 'bellboard_commands_in_flight{bot="practice"} 0.0'))


async def test_it_is_not_ready_without_the_bus(mesh: Mesh, nats: NatsServer) -> None:
    """And is again when the bus is back."""
    bot = await mesh.practice()
    await eventually(lambda: _answers(bot, "/readyz", 200, "ready"))

    await nats.kill()
    await eventually(lambda: _answers(bot, "/readyz", 503, "bus: the bus can't be reached"))
    await nats.start()
    await eventually(lambda: _answers(bot, "/readyz", 200, "ready"))


async def test_it_finishes_what_it_has_begun_and_takes_nothing_more(gate: Gate, mesh: Mesh) -> None:
    """On SIGTERM: it says at once that it leaves, and another takes what comes."""
    leaving = await mesh.practice("practice-1")
    key = await gate.accept("practice fire a --wait 6s")
    await gate.reaches(key, S.STATE_STARTED)
    beats = gate.bus.listen("hb.practice.practice-1")
    await beats.start()

    leaving.terminate()
    async for message in beats:
        if (beat := registry.Heartbeat.FromString(message.payload)).draining:
            break
    await mesh.practice("practice-2")
    other = await gate.final(await gate.accept("practice look"))
    final = await gate.final(key)

    assert [flight.id for flight in beat.in_flight] == [key.id]
    assert other.worker == "practice-2"
    assert (final.state, final.worker, final.epoch) == (S.STATE_SUCCEEDED, "practice-1", 1)
    assert await leaving.ended() == 0
    assert mesh.effects(key) == ["fire"]


async def test_no_command_fails_in_a_rolling_restart(gate: Gate, mesh: Mesh) -> None:
    """One replica is replaced by another, again and again, while commands come in."""
    leaving = await mesh.practice("practice-0")
    keys = []
    for number in range(1, 4):
        keys += [await gate.accept(f"practice set mark{number} {n} --wait 200ms") for n in range(10)]
        coming = await mesh.practice(f"practice-{number}")
        leaving.terminate()
        keys += [await gate.accept(f"practice fire {number}{n}") for n in range(10)]
        assert await leaving.ended() == 0
        leaving = coming
    finals = [await gate.final(key) for key in keys]

    assert {final.state for final in finals} == {S.STATE_SUCCEEDED}
    assert {final.epoch for final in finals} == {1}
    assert all(len(mesh.effects(key)) == 1 for key in keys)


async def test_a_missing_setting_is_one_line(house: House, mesh: Mesh) -> None:
    """Exit code 78, and the setting is named."""
    bot = await mesh.service("practice", "practice-1", "bellboard_practice", {}).start(ready=False)

    assert await bot.ended() == os.EX_CONFIG
    assert [line["text"] for line in bot.lines()] == [
        "practice: BELLBOARD_PRACTICE_FILE is missing (see the service's README for its settings)"
    ]


async def test_a_taken_health_port_is_one_line(mesh: Mesh) -> None:
    """It says which, and what to do."""
    first = await mesh.practice("practice-1")
    port = str((await first.says("service.ready"))["health_port"])
    env = {"BELLBOARD_PRACTICE_FILE": os.devnull, "BELLBOARD_HEALTH_PORT": port}

    second = await mesh.service("practice", "practice-2", "bellboard_practice", env).start(ready=False)

    assert await second.ended() == os.EX_CONFIG
    assert f"the health port {port} of 127.0.0.1 can't be used" in second.lines()[-1]["text"]
    assert "Traceback" not in str(second.lines())


async def test_no_bus_at_the_start_is_one_line(house: House, tmp_path: Path) -> None:
    """Exit code 69: whoever started it tries again."""
    mesh = Mesh(house, tmp_path)
    env = {"BELLBOARD_PRACTICE_FILE": os.devnull, "BELLBOARD_BUS_URL": "nats://127.0.0.1:1"}
    bot = await mesh.service("practice", "practice-1", "bellboard_practice", env).start(ready=False)

    assert await bot.ended() == os.EX_UNAVAILABLE
    assert "the bus at nats://127.0.0.1:1 can't be reached" in bot.lines()[-1]["text"]


async def test_the_bots_key_opens_nothing_of_others(bus_as: BusAs, mesh: Mesh, gate: Gate) -> None:
    """The worker needs nothing that its account does not permit."""
    bot = await mesh.practice()
    await gate.final(await gate.accept("practice climb north"))
    await gate.final(await gate.accept("practice send practice look"))

    await eventually(lambda: _answers(bot, "/readyz", 200, "ready"))
    assert not [line for line in bot.lines() if line.get("event") == "bus.denied"]


async def _answers(process: Process, path: str, status: int, said: str) -> bool:
    port = (await process.says("service.ready"))["health_port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status == status and said in await answer.text()
