"""Storing messages, and what is known when it does not work."""

from __future__ import annotations

import asyncio

import pytest

from bellboard.bus import Bus
from bellboard.errors import BusUnavailable, CasLost, Refused, TooLarge, Unconfirmed
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration

SUBJECT = "led.ops-read.memes.one.run"


@pytest.fixture
async def bus(bus_as: BusAs) -> Bus:
    """A gateway's connection."""
    return await bus_as("gw-1")


async def test_a_stored_message_can_be_read_back(bus: Bus) -> None:
    """What publish acknowledged is what last gives, with its sequence and time."""
    sequence = await bus.publish(SUBJECT, b"hello", headers={"traceparent": "00-1"})
    message = await bus.last("LED", SUBJECT)
    assert message is not None
    assert (message.subject, message.payload, message.sequence) == (SUBJECT, b"hello", sequence)
    assert message.headers["traceparent"] == "00-1"
    assert message.time > 1_600_000_000


async def test_there_is_no_last_message_where_nothing_was_stored(bus: Bus) -> None:
    """Nothing is None, not an error."""
    assert await bus.last("LED", SUBJECT) is None
    assert await bus.lasts("LED", "led.ops-read.memes.one.>") == []


async def test_the_last_messages_of_many_subjects_come_oldest_first(bus: Bus) -> None:
    """One answer a subject, the newest of each."""
    for n in (3, 1, 2, 3):
        await bus.publish(f"led.ops-read.memes.c{n}.run", b"%d" % n)
    found = await bus.lasts("LED", "led.ops-read.memes.*.run")
    assert [(one.payload, one.sequence) for one in found] == [(b"1", 2), (b"2", 3), (b"3", 4)]
    assert await bus.end("LED") == 4


async def test_many_at_once_each_get_their_own_answer(bus: Bus) -> None:
    """Five hundred answers share one inbox and none is mixed up."""
    sequences = await asyncio.gather(*(bus.publish(f"led.ops-read.memes.c{n}.run", str(n).encode()) for n in range(500)))
    assert sorted(sequences) == list(range(1, 501))
    third = await bus.last("LED", "led.ops-read.memes.c3.run")
    assert third is not None
    assert third.sequence == sequences[3]


async def test_who_comes_second_loses(bus: Bus) -> None:
    """Compare-and-set on a subject, and on all subjects of a scope."""
    first = await bus.publish(SUBJECT, b"1", expected=0)
    with pytest.raises(CasLost):
        await bus.publish(SUBJECT, b"2", expected=0)
    scope = "led.ops-read.memes.one.>"
    second = await bus.publish("led.ops-read.memes.one.gw", b"2", expected=first, scope=scope)
    with pytest.raises(CasLost):
        await bus.publish("led.ops-read.memes.one.gw", b"3", expected=first, scope=scope)
    assert second == first + 1


async def test_what_cannot_be_sent_is_never_sent_later(nats: NatsServer, bus: Bus) -> None:
    """The client library would deliver it after the reconnect, long after the caller was told that it failed."""
    await nats.kill()
    await eventually(lambda: not bus.connected)
    with pytest.raises(BusUnavailable):
        await bus.publish(SUBJECT, b"ghost")
    with pytest.raises(BusUnavailable):
        await bus.send("ctl.memes.x", b"ghost")
    await nats.start()
    await eventually(lambda: bus.connected)
    assert await bus.publish("led.ops-read.memes.two.run", b"real") == 1
    assert await bus.last("LED", SUBJECT) is None


async def test_what_was_not_flushed_yet_is_dropped_with_the_connection(nats: NatsServer, bus: Bus) -> None:
    """A frozen server takes no more bytes; what waits in the client must not be sent to its successor."""
    nats.freeze()
    writes = [asyncio.create_task(bus.publish(f"blob.gw.{n}.0", b"x" * 200_000)) for n in range(150)]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(answer, Unconfirmed) for answer in answers)
    await nats.restart()
    await eventually(lambda: bus.connected)
    assert await bus.publish("blob.gw.real.0", b"real") == 1


async def test_no_answer_in_time_is_not_a_failure(nats: NatsServer, bus: Bus) -> None:
    """A frozen server has taken the bytes and stores them when it goes on: nobody may call that failed."""
    nats.freeze()
    with pytest.raises(Unconfirmed):
        await bus.publish(SUBJECT, b"maybe", timeout=0.3)
    nats.thaw()

    async def stored() -> bool:
        return await bus.last("LED", SUBJECT) is not None

    await eventually(stored)


async def test_who_waits_hears_at_once_that_the_connection_is_lost(nats: NatsServer, bus: Bus) -> None:
    """Nobody waits for an answer that can't come any more."""
    nats.freeze()
    writing = asyncio.create_task(bus.publish(SUBJECT, b"maybe", timeout=3600))
    await asyncio.wait([writing], timeout=0.1)
    await nats.kill()
    with pytest.raises(Unconfirmed):
        await writing


async def test_a_denied_publish_is_refused_and_remembered(bus_as: BusAs) -> None:
    """The client library shows it as a timeout; here it has a name, and readiness can see it."""
    bot = await bus_as("memes")
    assert not bot.denied
    with pytest.raises(Refused, match=r"led\.ops-work\.practice\.one\.bot"):
        await bot.publish("led.ops-work.practice.one.bot", b"forged", timeout=3600)
    assert "led.ops-work.practice.one.bot" in bot.denied[0]
    assert await bot.publish("led.ops-work.memes.one.bot", b"own") == 1


async def test_what_no_stream_takes_is_not_stored(bus: Bus) -> None:
    """It is said at once, without waiting for a timeout."""
    with pytest.raises(BusUnavailable, match=r"ctl\.memes\.x"):
        await bus.publish("ctl.memes.x", b"x", timeout=3600)


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1024 * 1024 + 1])
async def test_too_large_is_refused_and_the_connection_stays(bus: Bus, size: int) -> None:
    """The server closes connections on which more comes than it takes; this does not let it come to that."""
    with pytest.raises(TooLarge):
        await bus.publish(SUBJECT, b"x" * size)
    with pytest.raises(TooLarge):
        await bus.publish(SUBJECT, b"x" * 1000, headers={"much": "x" * 1024 * 1024})
    assert bus.connected
    assert await bus.publish(SUBJECT, b"small") == 1


@pytest.mark.parametrize("subject", ["led.>", "led.*.memes.a.run", "led." + "x" * 5000, "", "led.a b", "led.a\r\nPUB x 0"])
async def test_what_is_no_subject_is_refused_and_the_connection_stays(bus: Bus, subject: str) -> None:
    """Nothing typed by a person can reach the protocol."""
    with pytest.raises(Refused):
        await bus.publish(subject, b"x")
    assert await bus.publish(SUBJECT, b"x") == 1


async def test_a_header_cannot_smuggle_another(bus: Bus) -> None:
    """Line breaks in a header's value are gone when it arrives."""
    await bus.publish(SUBJECT, b"x", headers={"a": "1\r\nNats-Rollup: all"})
    message = await bus.last("LED", SUBJECT)
    assert message is not None
    assert "Nats-Rollup" not in message.headers
    with pytest.raises(Refused):
        await bus.publish(SUBJECT, b"x", headers={"a\r\nb": "1"})


async def test_nothing_empty_is_stored(bus: Bus) -> None:
    """Between accounts the server takes an empty answer for the last one, and would end the pull it comes to."""
    with pytest.raises(Refused):
        await bus.publish(SUBJECT, b"")
    assert await bus.last("LED", SUBJECT) is None
