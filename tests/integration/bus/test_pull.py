"""Taking work from a durable consumer, whatever happens to the bus meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
import pytest

from bellboard.bus import Bus, Delivery, Pull, patiently
from bellboard.provision.layout import consumers_of
from bellboard.telemetry import names
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration

CONSUMER = "memes-read"


@pytest.fixture
async def gateway(bus_as: BusAs) -> Bus:
    """Who publishes."""
    return await bus_as("gw-1")


@pytest.fixture
async def bot(bus_as: BusAs) -> Bus:
    """Who pulls."""
    return await bus_as("memes")


@pytest.fixture
async def provisioner(bus_as: BusAs) -> Bus:
    """Who may look at consumers."""
    return await bus_as("provisioner")


async def offer(gateway: Bus, *numbers: int) -> None:
    """Publish a command for each number."""
    await asyncio.gather(*(gateway.publish(f"led.ops-read.memes.c{n}.run", b"%d" % n) for n in numbers))


async def take(pull: Pull, count: int) -> list[Delivery]:
    """The next deliveries, each acknowledged."""
    taken = []
    for _ in range(count):
        async with asyncio.timeout(15):
            taken.append(delivery := await anext(pull))
        await delivery.ack()
    return taken


async def info(provisioner: Bus) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads((await provisioner.request(f"$JS.API.CONSUMER.INFO.LED.{CONSUMER}")).payload)
    return answer


async def shorten_ack_wait(provisioner: Bus, seconds: int = 1) -> None:
    """Have the server hand out again after so many seconds what was not acknowledged."""
    config = {**consumers_of("memes")[0].config(), "ack_wait": seconds * 1_000_000_000}
    body = orjson.dumps({"stream_name": "LED", "config": config})
    answer = await provisioner.request(f"$JS.API.CONSUMER.CREATE.LED.{CONSUMER}", body)
    assert "error" not in orjson.loads(answer.payload)


async def nothing_waits(provisioner: Bus) -> bool:
    state = await info(provisioner)
    return not state["num_ack_pending"] and not state["num_pending"]


async def test_what_is_acknowledged_is_done_with(gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """Everything comes once, with where and when it was stored, and is off the consumer's books."""
    await offer(gateway, 1)
    (delivery,) = await take(bot.pull("LED", CONSUMER), 1)
    assert (delivery.subject, delivery.payload) == ("led.ops-read.memes.c1.run", b"1")
    assert (delivery.sequence, delivery.deliveries) == (1, 1)
    assert delivery.time > 1_600_000_000
    assert await nothing_waits(provisioner)


async def test_a_bot_gets_its_own_commands_of_every_lane_and_no_others(gateway: Bus, bot: Bus) -> None:
    """Reads and work are apart; only what may run is handed out."""
    for subject in ("ops-read.memes.a.run", "play-read.memes.b.run", "ops-work.memes.c.run", "ops-read.practice.d.run"):
        await gateway.publish(f"led.{subject}", b"x")
    await gateway.publish("led.ops-read.memes.e.gw", b"x")
    await gateway.publish("led.play-read.memes.f.run", b"x")
    taken = await take(bot.pull("LED", CONSUMER), 3)
    assert [one.subject.split(".")[3] for one in taken] == ["a", "b", "f"]
    (work,) = await take(bot.pull("LED", "memes-work"), 1)
    assert work.subject == "led.ops-work.memes.c.run"


async def test_many_more_than_are_asked_for_at_once_all_come_once(gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """The pull is asked for again before it is used up; it never stalls."""
    await offer(gateway, *range(500))
    taken = await take(bot.pull("LED", CONSUMER, ahead=16), 500)
    assert sorted(int(one.payload) for one in taken) == list(range(500))
    assert await nothing_waits(provisioner)


async def test_who_stops_taking_stops_the_flow(gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """What lies here for long would be handed to someone else as well."""
    await offer(gateway, *range(50))
    pull = bot.pull("LED", CONSUMER, ahead=8)
    await take(pull, 1)
    await offer(gateway, 50)
    assert (await info(provisioner))["num_ack_pending"] <= 8
    assert len(await take(pull, 50)) == 50


async def test_two_replicas_share_the_work(gateway: Bus, bus_as: BusAs) -> None:
    """Nothing comes to both."""
    pulls = [(await bus_as("memes")).pull("LED", CONSUMER, ahead=4) for _ in range(2)]
    taken: list[bytes] = []

    async def work(pull: Pull) -> None:
        async for delivery in pull:
            taken.append(delivery.payload)
            await delivery.ack()

    workers = [asyncio.create_task(work(pull)) for pull in pulls]
    await offer(gateway, *range(100))
    await eventually(lambda: len(taken) == 100)
    assert len(set(taken)) == 100
    for pull in pulls:
        await pull.aclose()
    await asyncio.gather(*workers)


async def test_what_is_handed_back_comes_again_later(gateway: Bus, bot: Bus) -> None:
    """With a count of how often it came, which the metrics show too."""
    counted = names.REDELIVERIES.labels(CONSUMER)._value.get()
    await offer(gateway, 1)
    pull = bot.pull("LED", CONSUMER)
    first = await anext(pull)
    await first.later(0.1)
    second = await anext(pull)
    assert (first.deliveries, second.deliveries) == (1, 2)
    assert names.REDELIVERIES.labels(CONSUMER)._value.get() == counted + 1
    await second.ack()


async def test_what_is_dropped_never_comes_again(gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """For what nobody can do anything with."""
    await offer(gateway, 1)
    await (await anext(bot.pull("LED", CONSUMER))).drop()
    assert await nothing_waits(provisioner)


async def test_closing_hands_back_what_was_not_taken(gateway: Bus, bus_as: BusAs) -> None:
    """Another replica has it at once, not after the ack wait."""
    await offer(gateway, *range(10))
    leaving = (await bus_as("memes")).pull("LED", CONSUMER)
    await take(leaving, 1)
    await leaving.aclose()
    async with asyncio.timeout(15):
        assert len(await take((await bus_as("memes")).pull("LED", CONSUMER), 9)) == 9


async def test_what_a_lost_worker_had_comes_to_another(gateway: Bus, bus_as: BusAs, provisioner: Bus) -> None:
    """Its connection is gone without a word; the ack wait passes."""
    await shorten_ack_wait(provisioner)
    await offer(gateway, 1)
    lost = await bus_as("memes")
    await anext(lost.pull("LED", CONSUMER))
    await lost.close(drain=False)
    (again,) = await take((await bus_as("memes")).pull("LED", CONSUMER), 1)
    assert again.deliveries == 2


async def test_who_is_still_working_keeps_it(gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """Saying so gives it another ack wait, for as long as it is said."""
    await shorten_ack_wait(provisioner, 4)
    await offer(gateway, 1)
    pull = bot.pull("LED", CONSUMER)
    delivery = await anext(pull)
    again = asyncio.create_task(anext(pull))
    for _ in range(8):
        await delivery.working()
        await asyncio.wait([again], timeout=0.7)
    assert not again.done()
    await delivery.ack()
    assert await nothing_waits(provisioner)
    await pull.aclose()
    await asyncio.wait([again])


async def test_the_pull_goes_on_after_the_server_was_killed(nats: NatsServer, gateway: Bus, bot: Bus) -> None:
    """One that is not asked for again after a reconnect stalls for ever, silently."""
    taken: list[int] = []

    async def work() -> None:
        async for delivery in bot.pull("LED", CONSUMER):
            taken.append(int(delivery.payload))
            await delivery.ack()

    working = asyncio.create_task(work())
    for n in range(3):
        await offer(gateway, 2 * n)
        await eventually(partial(taken.__contains__, 2 * n))
        await nats.restart()
        await eventually(lambda: gateway.connected)
        await offer(gateway, 2 * n + 1)
        # A killed server may forget acks, so what was done may come again; nothing stays away.
        await eventually(partial(taken.__contains__, 2 * n + 1))
    await bot.close()
    await working


async def test_the_pull_goes_on_after_the_server_stood_still(nats: NatsServer, gateway: Bus, bot: Bus) -> None:
    """The connection stays, but the heartbeat stays away: it is asked for again."""
    asked_again = names.PULLS_ASKED_AGAIN._value.get()
    pull = bot.pull("LED", CONSUMER)
    waiting = asyncio.create_task(take(pull, 1))
    await asyncio.wait([waiting], timeout=0.2)
    nats.freeze()
    await eventually(lambda: names.PULLS_ASKED_AGAIN._value.get() > asked_again)
    nats.thaw()
    await patiently(gateway, lambda: offer(gateway, 1))  # it may have been given up, which shows only now
    assert [one.payload for one in await waiting] == [b"1"]


async def test_an_ack_is_said_again_until_it_is_noted(nats: NatsServer, gateway: Bus, bot: Bus, provisioner: Bus) -> None:
    """The client library forgets an ack the moment it is sent."""
    await offer(gateway, 1)
    delivery = await anext(bot.pull("LED", CONSUMER))
    nats.freeze()
    acking = asyncio.create_task(delivery.ack())
    await asyncio.wait([acking], timeout=2.5)
    assert not acking.done()
    nats.thaw()
    await acking
    assert await nothing_waits(provisioner)


async def test_an_ack_on_a_lost_bus_is_no_error(nats: NatsServer, gateway: Bus, bot: Bus) -> None:
    """It comes again; the ledger says then that it is done."""
    await offer(gateway, 1)
    pull = bot.pull("LED", CONSUMER)
    delivery = await anext(pull)
    await nats.kill()
    await delivery.ack()
    await delivery.working()


async def test_a_consumer_that_is_not_there_yet_is_waited_for(nats: NatsServer, bot: Bus, gateway: Bus) -> None:
    """A bot may start before its consumers are made; it asks on, and its readiness need not fail."""
    pull = bot.pull("LED", CONSUMER)
    waiting = asyncio.create_task(take(pull, 1))
    await asyncio.wait([waiting], timeout=0.2)
    await nats.provision()
    await offer(gateway, 1)
    assert [one.payload for one in await waiting] == [b"1"]
    assert bot.denied == ()
