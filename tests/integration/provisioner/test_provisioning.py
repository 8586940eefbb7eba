"""A real server is given the accounts and streams of teams, and teams are added while it runs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats as nats_client
import orjson
import pytest
from structlog.testing import capture_logs

from bellboard.bus import Bus
from bellboard.errors import BusError, BusUnavailable, Refused
from bellboard.process import Stop
from bellboard.telemetry import names
from bellboard.testing import eventually
from bellboard_provisioner import reload
from tests.integration.provisioner.shared import SharedBus

pytestmark = pytest.mark.integration


async def stream(bus: Bus, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads((await bus.request(f"$JS.API.STREAM.INFO.{name}")).payload)
    return answer


async def test_streams_are_made_as_soon_as_there_is_a_server(shared: SharedBus) -> None:
    """The provisioner may be there first."""
    making = asyncio.create_task(shared.streams())
    await asyncio.wait([making], timeout=0.5)
    assert not making.done()
    await shared.start()
    await making
    for team in ("alpha", "beta"):
        gateway, memes = await shared.bus(team, "gw-2"), await shared.bus(team, "memes")
        assert await gateway.publish("led.ops-read.memes.one.run", team.encode()) == 1
        async with asyncio.timeout(10):
            assert (await anext(memes.pull("LED", "memes-read"))).payload == team.encode()
        assert await memes.publish("keep.memes.a", b"x") == 1


async def test_streams_that_were_changed_are_as_they_should_be_again(shared: SharedBus) -> None:
    """That is how an upgrade changes them; what they hold stays."""
    await shared.start()
    await shared.streams()
    gateway, provisioner = await shared.bus("alpha", "gw-1"), await shared.bus("alpha", "provisioner")
    await gateway.publish("hook.a", b"kept")
    config = (await stream(provisioner, "HOOK"))["config"] | {"max_age": 0}
    assert b'"error"' not in (await provisioner.request("$JS.API.STREAM.UPDATE.HOOK", orjson.dumps(config))).payload
    await shared.streams()
    assert (await stream(provisioner, "HOOK"))["config"]["max_age"] == 7 * 24 * 3600 * 10**9
    assert (await gateway.last("HOOK", "hook.a")) is not None


async def test_a_bus_that_stays_away_is_given_up(shared: SharedBus) -> None:
    """And the team is named."""
    with pytest.raises(BusUnavailable, match=r"the streams of the team (alpha|beta) can't be made"):
        await shared.streams(patience=0.2)


async def test_a_team_takes_no_more_than_its_limits(shared: SharedBus) -> None:
    """Whoever has its keys: streams that are not there yet are counted."""
    await shared.make("alpha", limits={"storage": 1 << 29, "memory": 0, "streams": 16, "consumers": 9})
    await shared.start()
    await shared.streams()
    provisioner = await shared.bus("alpha", "provisioner")

    async def create(**config: Any) -> dict[str, Any]:
        name = config["name"]
        answer: dict[str, Any] = orjson.loads(
            (await provisioner.request(f"$JS.API.STREAM.CREATE.{name}", orjson.dumps(config))).payload
        )
        return answer

    assert "insufficient memory" in (await create(name="M", subjects=["m"], storage="memory"))["error"]["description"]
    assert "insufficient storage" in (await create(name="F", subjects=["f"], max_bytes=1 << 29))["error"]["description"]
    assert "error" not in await create(name="A", subjects=["a"])
    assert "maximum number of streams" in (await create(name="B", subjects=["b"]))["error"]["description"]


@asynccontextmanager
async def beside(shared: SharedBus) -> AsyncIterator[None]:
    """What runs beside the server, until the end of this."""
    stop = Stop()
    shared.settings.config_file.unlink()  # the server has read it
    following = asyncio.create_task(reload.follow(shared.settings, stop))
    try:
        await eventually(shared.settings.config_file.exists)
        yield
    finally:
        stop.now()
        await following


async def test_a_team_is_added_while_the_server_runs(shared: SharedBus) -> None:
    """It has its streams at once, and its bots their imports; nobody's connection is touched."""
    await shared.start()
    await shared.streams()
    gateway, memes = await shared.bus("alpha", "gw-1"), await shared.bus("alpha", "memes")
    reconnects = names.BUS_RECONNECTS._value.get()
    waiting = asyncio.create_task(anext(memes.pull("LED", "memes-read")))

    async with beside(shared):
        await shared.make("alpha", "beta", "gamma")
        await shared.streams()
        practice = await shared.bus("gamma", "practice")
        await eventually(lambda: reaches(practice), timeout=15)
        newcomer = await shared.bus("gamma", "gw-1")
        sequence = await newcomer.publish("led.ops-work.practice.one.run", b"for gamma")
        async with asyncio.timeout(10):
            delivery = await anext(practice.pull("LED", "practice-work"))
        assert delivery.payload == b"for gamma"
        scope = "led.ops-work.practice.one.>"
        await practice.publish("led.ops-work.practice.one.bot", b"done", expected=sequence, scope=scope)

    await gateway.publish("led.ops-read.memes.two.run", b"for alpha")
    assert (await waiting).payload == b"for alpha"
    assert gateway.connected
    assert memes.connected
    assert names.BUS_RECONNECTS._value.get() == reconnects


async def reaches(bot: Bus) -> bool:
    """Whether a bot's questions come through to its team's streams: nothing does before the server has joined its imports."""
    try:
        return await bot.last("LED", "led.ops-work.practice.none.bot") is None
    except (BusError, Refused):
        return False


async def test_a_team_that_is_taken_out_is_let_in_no_more(shared: SharedBus) -> None:
    """What it stored stays. Should it come back, it is there once the server has started anew: 2.15 does not do it before."""
    await shared.start()
    await shared.streams()
    await (await shared.bus("beta", "gw-1")).publish("room.general.line.1", b"kept")
    await shared.close_clients()
    seed = shared.seed("beta", "gw-1")
    inside = await nats_client.connect(shared.url, nkeys_seed=str(seed), allow_reconnect=False)

    async with beside(shared):
        await shared.make("alpha")
        await eventually(lambda: inside.is_closed, timeout=15)
        with pytest.raises(BusUnavailable):
            await Bus.connect(shared.url, name="beta", nkey_seed=seed, patience=0.5)
    await shared.make("alpha", "beta")
    await shared.kill()
    await shared.start()
    beta = await shared.bus("beta", "gw-1")
    assert (await beta.last("ROOM", "room.general.line.1")) is not None


async def test_what_kubernetes_mounts_is_followed(shared: SharedBus, tmp_path: Path) -> None:
    """A mounted ConfigMap is a link to a link, and the inner one is swapped."""
    mount = tmp_path / "mount"
    source = shared.settings.accounts_file

    def publish(version: str) -> None:
        (mount / version).mkdir(parents=True)
        shutil.copy(source, mount / version / source.name)
        (mount / "..data_tmp").symlink_to(version)
        (mount / "..data_tmp").rename(mount / "..data")

    publish("..1")
    (mount / source.name).symlink_to(f"..data/{source.name}")
    shared.settings = shared.settings.model_copy(update={"accounts_file": mount / source.name})
    await shared.start()
    async with beside(shared):
        await shared.make("alpha", "beta", "gamma")
        publish("..2")
        await shared.streams()


async def test_accounts_that_are_broken_change_nothing(shared: SharedBus) -> None:
    """The server keeps those that it has, and the next good ones are taken."""
    await shared.start()
    async with beside(shared):
        good = shared.settings.config_file.read_bytes()
        shared.settings.accounts_file.write_bytes(b"garbage")
        with capture_logs() as told:
            await eventually(lambda: [line for line in told if line["event"] == "file.refused"])
        assert shared.settings.config_file.read_bytes() == good
        await shared.make("alpha", "beta", "gamma")
        await shared.streams()


async def test_the_process_does_it_all(shared: SharedBus, tmp_path: Path) -> None:
    """Twice at the same time, and it ends with 0; what it did stands in its log."""
    await shared.start()
    told = {
        "BELLBOARD_TEAMS_FILE": str(tmp_path / "teams.json"),
        "BELLBOARD_OBJECTS_DIR": str(tmp_path / "objects"),
        "BELLBOARD_BUS_URL": shared.url,
    }

    async def run() -> tuple[int | None, list[dict[str, Any]]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bellboard_provisioner", "provision", env={**os.environ, **told}, stderr=-1, stdout=-1
        )
        out, errors = await process.communicate()
        return process.returncode, [json.loads(line) for line in (out + errors).splitlines()]

    (first, one), (second, two) = await asyncio.gather(run(), run())
    assert (first, second) == (0, 0), (one, two)
    provisioned = [line for line in (*one, *two) if line["event"] == "provision.streams"]
    assert sorted(line["team"] for line in provisioned) == ["alpha", "alpha", "beta", "beta"]
    assert {name for line in provisioned for name in line["made"]} >= {"LED", "KEEP_house", "KEEP_memes", "KEEP_practice"}
    gateway = await shared.bus("beta", "gw-1")
    assert await gateway.publish("led.ops-read.memes.one.run", b"x") == 1
