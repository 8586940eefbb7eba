"""Connecting, losing the connection, and closing it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bellboard.bus import Bus
from bellboard.errors import BusUnavailable, SettingsError
from bellboard.provision import keys
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer, free_port

pytestmark = pytest.mark.integration


async def test_an_absent_bus_is_said_to_be_absent() -> None:
    """The client library tries sixty times and prints tracebacks; here it is one error after the time given."""
    with pytest.raises(BusUnavailable, match="can't be reached"):
        await Bus.connect(f"nats://127.0.0.1:{free_port()}", name="x", patience=0.5)


async def test_a_bus_that_comes_late_is_waited_for(nats: NatsServer) -> None:
    """Services start in any order."""
    await nats.kill()
    connecting = asyncio.create_task(nats.bus("gw-1"))
    await asyncio.wait([connecting], timeout=0.3)
    await nats.start()
    bus = await connecting
    assert bus.connected
    await bus.close()


async def test_a_stranger_is_not_let_in(nats: NatsServer, tmp_path: Path) -> None:
    """A key that the server does not know."""
    keys.bus_user(tmp_path / "stranger.nk")
    with pytest.raises(BusUnavailable, match="does it know this key"):
        await Bus.connect(nats.url, name="x", nkey_seed=tmp_path / "stranger.nk", patience=0.5)
    with pytest.raises(BusUnavailable, match="does it know this key"):
        await Bus.connect(nats.url, name="x", patience=0.5)


async def test_a_broken_key_is_a_matter_of_settings(tmp_path: Path) -> None:
    """One line that names the file, and never what is in it."""
    with pytest.raises(SettingsError, match=r"missing\.nk can't be read"):
        await Bus.connect("nats://127.0.0.1:1", name="x", nkey_seed=tmp_path / "missing.nk")
    for seed in ("", "SUNOSEED", "x" * 58):
        with pytest.raises(SettingsError, match="not an nkey seed"):
            await Bus.connect("nats://127.0.0.1:1", name="x", nkey_seed=seed)


async def test_the_connection_comes_back_as_often_as_it_is_lost(nats: NatsServer, bus_as: BusAs) -> None:
    """Every kill -9 is noticed, and outlived."""
    bus = await bus_as("gw-1")
    for n in range(1, 4):
        await nats.kill()
        await eventually(lambda: not bus.connected)
        await nats.start()
        await eventually(lambda: bus.connected)
        assert await bus.publish(f"led.ops-read.memes.c{n}.run", b"x") == n


async def test_a_frozen_bus_is_noticed(nats: NatsServer, bus_as: BusAs) -> None:
    """The client library would call it connected for four minutes; the pings here find out in about nine seconds."""
    bus = await bus_as("gw-1")
    nats.freeze()
    await eventually(lambda: not bus.connected, timeout=20)
    nats.thaw()
    await eventually(lambda: bus.connected)
    assert await bus.publish("led.ops-read.memes.one.run", b"x") == 1


async def test_who_is_thrown_out_for_good_is_told(nats: NatsServer) -> None:
    """On an error that it does not know the client library closes for ever and says nothing; the process must then end."""
    ended: list[str] = []
    async with await asyncio.start_server(_throw_out, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bus = await Bus.connect(f"nats://127.0.0.1:{port}", name="x", on_closed=lambda: ended.append("closed"))
        heard = bus.listen("x")
        with pytest.raises(StopAsyncIteration):
            await anext(heard)
        await eventually(lambda: ended == ["closed"])
        assert bus.closed
        assert not bus.connected
        with pytest.raises(BusUnavailable):
            await bus.publish("x", b"x")
        await bus.close()


async def _throw_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that throws out whoever subscribes twice."""
    info = {"server_id": "x", "version": "2.15.1", "max_payload": 1024, "headers": True}
    writer.write(f"INFO {json.dumps(info)}\r\n".encode())
    subscriptions = 0
    while line := await reader.readline():
        if line.startswith(b"PING"):
            writer.write(b"PONG\r\n")
        subscriptions += line.startswith(b"SUB")
        if subscriptions == 2:
            writer.write(b"-ERR 'User Authentication Expired'\r\n")
            break
    await writer.drain()
    writer.close()


async def test_closing_ends_every_iteration(bus_as: BusAs) -> None:
    """Whoever iterates comes to an end, and closing twice does nothing."""
    bus = await bus_as("gw-1")
    waiting = [
        asyncio.create_task(anext(bus.listen("hb.>"), None)),
        asyncio.create_task(anext(bus.pull("LED", "house-read"), None)),
        asyncio.create_task(anext(bus.follow("LED"), None)),
    ]
    await asyncio.wait(waiting, timeout=0.2)
    await bus.close()
    assert await asyncio.gather(*waiting) == [None, None, None]
    await bus.close()
    assert await anext(bus.listen("hb.>"), None) is None


async def test_closing_does_not_wait_for_a_frozen_bus(nats: NatsServer, bus_as: BusAs) -> None:
    """A service can always stop."""
    bus = await bus_as("gw-1")
    nats.freeze()
    async with asyncio.timeout(30):
        await bus.close()
    assert bus.closed


async def test_what_is_said_is_heard_across_accounts(bus_as: BusAs) -> None:
    """A bot's heartbeats reach the gateway and the reaper, a gateway's cancel reaches the bot."""
    gateway, reaper, bot = await bus_as("gw-1"), await bus_as("reaper"), await bus_as("memes")
    beats = [bus.listen("hb.>") for bus in (gateway, reaper)]
    cancels = bot.listen("ctl.memes.>")
    for one in (*beats, cancels):
        await one.start()
    for bus in (gateway, reaper, bot):
        await bus.flush()
    await bot.send("hb.memes.r1", b"beat")
    await gateway.send("ctl.memes.id", b"cancel")
    assert (await anext(cancels)).payload == b"cancel"
    for heard in beats:
        beat = await anext(heard)
        assert (beat.subject, beat.payload) == ("hb.memes.r1", b"beat")


async def test_a_flush_overtakes_nothing() -> None:
    """The client library's ping goes straight to the socket; what was sent before it may still wait to be written."""
    heard: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "x", "version": "2.15.1", "max_payload": 1024, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            heard.append(line.split()[0])
            if heard[-1] == b"PING":
                writer.write(b"PONG\r\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        bus = await Bus.connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", name="x")
        for n in range(9):
            await bus.send(f"s.{n}", b"said")
        await bus.flush()
        before = heard[: len(heard) - heard[::-1].index(b"PING")]
        assert before.count(b"PUB") == 9
        await bus.close()


async def test_who_does_not_take_holds_nobody_up(bus_as: BusAs) -> None:
    """Callbacks of the client library run one after the other; here they only queue."""
    bus = await bus_as("gw-1")
    idle = bus.listen("hb.>")
    await idle.start()
    for n in range(100):
        await bus.send("hb.house.r1", b"%d" % n)
    assert await bus.publish("led.ops-read.memes.one.run", b"x") == 1
    assert [(await anext(idle)).payload for _ in range(100)] == [b"%d" % n for n in range(100)]


async def test_a_denied_subscription_is_remembered(bus_as: BusAs) -> None:
    """It would otherwise look as if nobody ever said anything."""
    bot = await bus_as("memes")
    await bot.listen("ctl.practice.>").start()
    await eventually(lambda: any("ctl.practice" in one for one in bot.denied))


async def test_an_answer_carries_only_its_own_headers(bus_as: BusAs) -> None:
    """The client library's own way of answering sends the question's headers back, secrets and all."""
    gateway = await bus_as("gw-1")
    asked = gateway.listen("hb.>")
    await asked.start()
    asking = asyncio.create_task(gateway.request("hb.house.r1", b"?", headers={"secret": "x"}))
    question = await anext(asked)
    assert question.headers == {"secret": "x"}
    # A gateway may answer only itself.
    await gateway.send("hb.house.r2", b"!")
    assert (await anext(asked)).headers == {}
    asking.cancel()
