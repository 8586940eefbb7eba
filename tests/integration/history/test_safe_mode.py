"""Services in safe mode: nothing runs twice after the bus was restored from an old copy, and a person ends it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from bellboard.history import AllOfIt, History, Keeper, Seen
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_gateway.lines import Command, NotAccepted
from tests.integration.gateway.staff import opened, says, write_people
from tests.integration.history.restoring import copy, restore
from tests.integration.mesh import Gate, Mesh

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def test_what_ran_after_the_copy_was_made_is_not_run_again(
    short_ack_wait: None, gate: Gate, mesh: Mesh, nats: NatsServer, tmp_path: Path
) -> None:
    """In the copy it waits for a worker that has run it since. It is handed back, and then called UNKNOWN; so is no READ."""
    key = await gate.accept("practice fire a", not_after=600.0)
    await copy(nats, tmp_path / "old")
    bot = await mesh.practice()
    await gate.final(key)
    assert mesh.effects(key) == ["fire"]

    await restore(nats, tmp_path / "old")
    await bot.says("history.lost", timeout=60)

    await eventually(lambda: any(line.get("reason") == "history" for line in bot.lines()), 20)
    assert await gate.states(key) == ["RECEIVED"]
    read = await gate.accept("practice look stars")
    assert (await gate.final(read)).state == S.STATE_SUCCEEDED
    assert mesh.effects(key) == ["fire"]


async def test_a_worker_that_was_killed_too_knows_what_it_began(
    short_ack_wait: None, gate: Gate, mesh: Mesh, nats: NatsServer, tmp_path: Path
) -> None:
    """It has kept that on disk before it began."""
    key = await gate.accept("practice fire a", not_after=600.0)
    await copy(nats, tmp_path / "old")
    bot = await mesh.practice()
    await eventually(lambda: mesh.effects(key) == ["fire"], 20)
    bot.kill()
    await bot.ended()
    await restore(nats, tmp_path / "old")

    again = await mesh.practice("practice-2")

    await again.says("history.lost", timeout=60)
    assert await gate.states(key) == ["RECEIVED"]
    assert mesh.effects(key) == ["fire"]


async def test_a_gateway_refuses_until_an_owner_accepts(house: House, nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> None:
    """READs run, effects don't, only owners end it; and what was asked for before is not run by that."""
    write_people(house)
    await copy(nats, tmp_path / "old")
    Keeper(house.folder / "bots" / "gw-1").save(Seen(sequence=9, subject="led.ops-work.practice.x.run", digest="d", at=1e12))
    mesh = Mesh(house, tmp_path)
    bus = await bus_as("gw-1")
    try:
        async with opened(house, bus, mesh.practice()) as desk:
            await desk.listed()
            bot = mesh.process("practice-1")
            await eventually(lambda: desk.gateway.history.lost, because="the loss was not noticed")
            refused = await desk.take("practice fire a")
            assert isinstance(refused, NotAccepted)
            assert refused.final
            assert "the bus lost history (it ends at record 0, and record 9 was seen)" in refused.reason
            assert isinstance(await desk.take("practice set m 1"), NotAccepted)
            assert says(await desk.run("practice look stars")) == "looked at stars"
            assert isinstance(await desk.take("practice fire a ?"), Command)
            await bot.says("history.lost")
            assert desk.gateway.problems()[0].startswith("safe mode: ")

            denied = await desk.run("accept history", "bob")
            accepted = await desk.run("accept history")

            assert denied.state == S.STATE_DENIED
            assert "commands run again" in says(accepted)
            assert await bot.ended() == 0  # it starts anew, with nothing left of what it knew
            await mesh.practice("practice-2")
            await desk.listed()
            card = await desk.run("practice fire b")
            assert card.state == S.STATE_SUCCEEDED
            assert not desk.gateway.problems()
            assert "no history is missing" in says(await desk.run("accept history"))
    finally:
        await mesh.close()


async def test_what_was_asked_for_before_an_accepted_loss_becomes_unknown(
    short_ack_wait: None, gate: Gate, mesh: Mesh, nats: NatsServer, bus_as: BusAs, tmp_path: Path
) -> None:
    """Its probe finds out what became of it, or a person does. What is IDEMPOTENT fails, and may be typed again."""
    fired, set_ = [await gate.accept(line, not_after=600.0) for line in ("practice fire a", "practice set m 1")]
    await copy(nats, tmp_path / "old")
    bot = await mesh.practice()
    for key in (fired, set_):
        await gate.final(key)
    await restore(nats, tmp_path / "old")
    await bot.says("history.lost", timeout=60)

    await _accept(bus_as)
    assert await bot.ended() == 0
    await mesh.practice("practice-2")

    assert (await gate.resolved(fired)).state == S.STATE_RESOLVED_SUCCEEDED
    assert "may have been run since" in (await gate.final(set_)).reason
    assert (mesh.effects(fired), mesh.effects(set_)) == (["fire"], ["set"])


async def test_a_reaper_says_of_nothing_that_it_was_not_run(
    short_ack_wait: None, gate: Gate, mesh: Mesh, nats: NatsServer, bus_as: BusAs, tmp_path: Path
) -> None:
    """It judges nothing in safe mode; after that, where no worker comes, it says that nobody knows."""
    key = await gate.accept("practice fire a", not_after=2.0)
    await copy(nats, tmp_path / "old")
    bot = await mesh.practice()
    await gate.final(key)
    bot.kill()
    reaper = await mesh.reaper()
    await restore(nats, tmp_path / "old")
    await reaper.says("history.lost", timeout=30)
    assert await reaper.ended() == 70
    assert await gate.states(key) == ["RECEIVED"]

    await _accept(bus_as)
    await mesh.reaper("reaper-2")

    expired = await gate.final(key, timeout=40)
    assert expired.state == S.STATE_EXPIRED
    assert "whether it was run is not known" in expired.reason


async def test_a_gateway_that_finds_a_loss_starts_anew(
    house: House, gate: Gate, mesh: Mesh, nats: NatsServer, tmp_path: Path
) -> None:
    """What it has read of the ledger holds no more. It says so at its health port, and stays ready: READs run."""
    write_people(house)
    await copy(nats, tmp_path / "old")
    gateway = await mesh.gateway("gw-1")
    await gate.accept("practice fire a")
    await eventually(lambda: Keeper(house.folder / "bots" / "gw-1").load().sequence == 1)
    await restore(nats, tmp_path / "old")

    assert await gateway.ended() == 70
    again = await mesh.gateway("gw-1")
    port = (await again.says("service.ready"))["health_port"]
    async with aiohttp.ClientSession() as http:

        async def ready() -> str:
            async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return await answer.text() if answer.status == 200 else ""

        assert "safe mode: the bus lost history" in await eventually(ready, 20)
        async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert "bellboard_safe_mode 1.0" in await answer.text()


async def _accept(bus_as: BusAs) -> None:
    """As a gateway does, for an owner."""
    bus = await bus_as("gw-2")
    history = History(bus, AllOfIt(bus), Keeper(None), tells=True)
    await history.begin()
    await history.accept("ann")
