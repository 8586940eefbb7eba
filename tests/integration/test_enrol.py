"""Making a house's bus, and admitting a bot while it runs."""

from __future__ import annotations

import asyncio
import re

import orjson
import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.errors import BusUnavailable
from bellboard.keep.bus import BusKeep
from bellboard.marks import Draft
from bellboard.marks.bus import BusMarks
from bellboard.provision import House, admit, enrol
from bellboard.provision.layout import streams as layout
from bellboard.telemetry import names
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration

WEATHER = enrol.enrolment(
    "weather", module="", package="weather.v1", phrases=["weather"], effects=[options.EFFECT_READ], open=True
)


async def streams(provisioner: Bus) -> dict[str, dict[str, object]]:
    found = {}
    for stream in layout(["memes", "practice"]):
        answer = await provisioner.request(f"$JS.API.STREAM.INFO.{stream.name}")
        found[stream.name] = orjson.loads(answer.payload)["config"]
    return found


async def test_the_streams_keep_what_they_are_given(bus_as: BusAs) -> None:
    """On disk. In all but progress nothing can be deleted or purged, and what is full refuses instead of forgetting."""
    configs = await streams(await bus_as("provisioner"))
    progress = configs.pop("PROG")
    assert (progress["storage"], progress["discard"], progress["max_age"]) == ("file", "old", 24 * 3600 * 10**9)
    contracts = configs.pop("REG")
    assert contracts["max_msgs_per_subject"] == 1
    for bot in ("memes", "practice"):
        keep = configs.pop(f"KEEP_{bot}")
        assert (keep["storage"], keep["max_msgs_per_subject"], keep["allow_msg_ttl"]) == ("file", 1, True)
        assert keep["deny_delete"] is keep["deny_purge"] is True
    assert configs["MARK"].pop("max_msg_size") == 16 * 1024
    for name in ("TIMER", "FEED"):
        newest = configs.pop(name)
        assert (newest["storage"], newest["max_msgs_per_subject"], newest["deny_delete"]) == ("file", 1, True)
    assert configs["HOOK"]["max_age"] == 7 * 24 * 3600 * 10**9
    for config in configs.values():
        assert (config["storage"], config["retention"], config["discard"]) == ("file", "limits", "new")
        assert config["deny_delete"] is config["deny_purge"] is config["allow_direct"] is True
        assert config.get("max_msg_size", 256 * 1024) == 256 * 1024
        assert config.get("persist_mode", "default") != "async"


async def test_provisioning_again_changes_nothing(nats: NatsServer, bus_as: BusAs) -> None:
    """What is stored stays, and so does what was acknowledged."""
    provisioner, gateway = await bus_as("provisioner"), await bus_as("gw-1")
    await gateway.publish("led.ops-read.memes.one.run", b"x")
    await (await anext((await bus_as("memes")).pull("LED", "memes-read"))).ack()
    before = await streams(provisioner)
    await nats.provision()
    assert await streams(provisioner) == before
    consumer = orjson.loads((await provisioner.request("$JS.API.CONSUMER.INFO.LED.memes-read")).payload)
    assert (consumer["num_pending"], consumer["num_ack_pending"]) == (0, 0)
    assert await gateway.end("LED") == 1


async def test_a_bot_is_admitted_while_everything_runs(nats: NatsServer, house: House, bus_as: BusAs) -> None:
    """Its account is there at once; nobody else's connection is touched."""
    gateway, memes, practice = [await bus_as(user) for user in ("gw-1", "memes", "practice")]
    reconnects = names.BUS_RECONNECTS._value.get()
    pull = memes.pull("LED", "memes-read")
    waiting = asyncio.create_task(anext(pull))
    await asyncio.wait([waiting], timeout=0.2)

    await admit(house, WEATHER)

    weather = await bus_as("weather")
    await gateway.publish("led.ops-read.weather.one.run", b"for weather")
    async with asyncio.timeout(10):
        delivery = await anext(weather.pull("LED", "weather-read"))
    await delivery.ack()
    await weather.publish("led.ops-read.weather.one.bot", b"done", expected=1, scope="led.ops-read.weather.one.>")
    assert await BusKeep(weather, "weather").put("a", b"sunny", expected=0)
    assert (await BusMarks(weather, "weather").begin("I", Draft(title="rain", at=0.0), key="a")).id == "I1"
    await gateway.publish("led.ops-read.memes.two.run", b"for memes")
    assert (await waiting).payload == b"for memes"
    log = (house.logs / "nats.log").read_text()
    assert "Reloaded server configuration" in log
    for bus in (gateway, memes, practice):
        assert bus.connected
    assert names.BUS_RECONNECTS._value.get() == reconnects


async def test_who_is_not_enrolled_is_not_let_in(nats: NatsServer, house: House) -> None:
    """Enrolling alone is not enough: the server has to be told."""
    house.enrol(WEATHER)
    with pytest.raises(BusUnavailable):
        await Bus.connect(nats.url, name="weather", nkey_seed=house.seed("weather"), patience=0.5)
    await admit(house, WEATHER)
    bus = await Bus.connect(nats.url, name="weather", nkey_seed=house.seed("weather"))
    await bus.close()


async def test_admitting_a_bot_to_a_bus_that_does_not_run_is_for_the_next_start(nats: NatsServer, house: House) -> None:
    """It is enrolled, and there when the bus is."""
    await nats.kill()
    await admit(house, WEATHER)
    await nats.start()
    await nats.provision()
    bus = await nats.bus("weather")
    assert await bus.publish("led.ops-read.weather.one.bot", b"x") == 1
    await bus.close()


async def test_the_bus_listens_on_loopback_alone(nats: NatsServer, house: House) -> None:
    """And on the one port that it was given."""
    log = (house.logs / "nats.log").read_text()
    assert re.findall(r"Listening for .* on (\S+)", log) == [f"127.0.0.1:{house.port}"]


async def test_what_was_stored_outlives_the_server(nats: NatsServer, bus_as: BusAs) -> None:
    """Acknowledged means on disk: a killed server has it when it comes back."""
    gateway = await bus_as("gw-1")
    for n in range(20):
        await gateway.publish(f"led.ops-read.memes.c{n}.run", b"x")
    await nats.restart()
    await eventually(lambda: gateway.connected)
    assert await gateway.end("LED") == 20
