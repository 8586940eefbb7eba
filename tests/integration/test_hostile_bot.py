"""A bot that has been taken over: with the real credentials of memes, and a client of its own that keeps to no rule.

Whatever it tries, nothing is stored outside its own subjects and it reads nothing of others'.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import nats as nats_client
import orjson
import pytest
from nats.aio.client import Client

from bellboard.api.marks.v1 import marks_pb2 as pb
from bellboard.bus import Bus
from bellboard.bus.link import inbox_of
from bellboard.marks import Draft
from bellboard.marks.bus import BusMarks
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer

pytestmark = pytest.mark.integration

VICTIM = "led.ops-work.practice.victim.run"
FORGED = "led.ops-work.practice.forged.run"
SECRET = b"a secret of practice"
STREAMS = ("LED", "LOCK", "ROOM", "REQ", "REG", "BLOB", "PROG", "ONCE", "MARK", "TIMER")


class Attacker:
    """The bot memes, with a raw client. ``heard`` is all that ever came to it."""

    def __init__(self, client: Client, inbox: str) -> None:
        self.client, self.inbox = client, inbox
        self.heard: list[Any] = []
        self.errors: list[str] = []

    async def listen(self, subject: str) -> None:
        async def take(message: Any) -> None:
            self.heard.append(message)

        await self.client.subscribe(subject, cb=take)
        await self.flush()

    async def publish(
        self, subject: str, payload: bytes = b"x", reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        await self.client.publish(subject, payload, reply=reply, headers=headers)
        await self.flush()

    async def flush(self) -> None:
        """Wait until the server has dealt with all of it. The first ping overtakes what waits to be written."""
        for _ in range(2):
            await self.client.flush()

    async def ask(self, subject: str, payload: bytes = b"") -> bytes:
        """The answer to a request; nothing if there is none."""
        try:
            return (await self.client.request(subject, payload, timeout=2)).data
        except (nats_client.errors.TimeoutError, nats_client.errors.NoRespondersError):
            return b""

    async def ask_with(self, subject: str, payload: bytes, headers: dict[str, str]) -> bytes:
        """As `ask`, with headers."""
        return (await self.client.request(subject, payload, timeout=2, headers=headers)).data


@pytest.fixture
async def core(bus_as: BusAs) -> Bus:
    """A gateway, which has stored things that are no business of memes."""
    gateway = await bus_as("gw-1")
    await gateway.publish(VICTIM, SECRET)
    await gateway.publish("room.general.line.1", SECRET)
    await gateway.publish("once.code", SECRET)
    await gateway.publish("tmr.practice.a", SECRET)
    practice = await bus_as("practice")
    for kind in (
        "led.ops-work.practice.victim.bot",
        "lock.practice.a",
        "blob.practice.a.0",
        "prog.practice.a",
        "reg.practice.a",
        "keep.practice.real.a",
        "mark.practice.D.1",
    ):
        await practice.publish(kind, SECRET)
    return gateway


@pytest.fixture
async def attacker(nats: NatsServer, core: Bus) -> AsyncIterator[Attacker]:
    """The bot that has been taken over."""
    seed = nats.house.seed("memes")
    inbox = inbox_of("memes", seed)
    errors: list[str] = []

    async def remember(error: Exception) -> None:
        errors.append(str(error))

    client = await nats_client.connect(nats.url, nkeys_seed=str(seed), inbox_prefix=inbox, error_cb=remember)
    attacker = Attacker(client, inbox)
    attacker.errors = errors
    yield attacker
    await client.close()


async def contents(core: Bus) -> dict[str, bytes]:
    """Everything stored on the bus but what its rightful owners stored, by stream and subject."""
    found = {}
    for stream in STREAMS:
        for message in await core.lasts(stream, ">"):
            if message.payload != SECRET:
                found[message.subject] = message.payload
    return found


FENCES = {
    "LED": "led.ops-read.house.fence.run",
    "LOCK": "lock.house.fence",
    "ROOM": "room.fence",
    "REQ": "req.house.fence",
    "REG": "reg.house.fence",
    "BLOB": "blob.gw.fence.0",
    "PROG": "prog.house.fence",
    "ONCE": "once.fence",
    "MARK": "mark.house.fence",
    "TIMER": "tmr.house.fence",
}


async def settled(core: Bus) -> None:
    """All that was sent before has been carried out: each stream has stored what came after it."""
    for subject in FENCES.values():
        await core.publish(subject, SECRET)


FORBIDDEN = [
    VICTIM,
    FORGED,
    "led.ops-work.practice.victim.bot",
    "led.ops-work.practice.victim.gw",
    "led.ops-work.practice.victim.reap",
    "led.ops-read.memes.one.run",
    "led.ops-read.memes.one.gw",
    "led.ops-read.memes.one.reap",
    "led.ops-read.house.one.bot",
    "led.ops-read.memes.one.two.bot",
    "lock.practice.a",
    "room.general.line.2",
    "req.practice.a",
    "reg.practice.a",
    "blob.gw.a.0",
    "blob.practice.a.0",
    "prog.practice.a",
    "once.code",
    "tmr.practice.a",
    "tmr.memes.a",
    "req.practice.victim.0",
    "keep.practice.real.a",
    "mark.practice.D.1",
    "mark.practice.key.D.a",
    "$JS.EVENT.ADVISORY.x",
    "$SYS.REQ.SERVER.PING",
    "$SYS.ACCOUNT.CORE.CONNECT",
]


@pytest.mark.parametrize("subject", FORBIDDEN)
async def test_it_publishes_on_no_subject_of_others(attacker: Attacker, core: Bus, subject: str) -> None:
    """Plainly, to begin with."""
    await attacker.publish(subject)
    await settled(core)
    assert await contents(core) == {}
    await eventually(lambda: any("permissions violation" in error for error in attacker.errors))


SOURCES: dict[str, tuple[str, bytes]] = {
    "the acknowledgement of a publish": ("led.ops-read.memes.one.bot", b"chosen"),
    "the acknowledgement of a refused publish": ("blob.memes.a.0", b"x" * 300_000),
    "the answer to a pull that asks nonsense": ("$JS.API.CONSUMER.MSG.NEXT.LED.memes-read", b"nonsense"),
    "the answer to a pull that does not wait": (
        "$JS.API.CONSUMER.MSG.NEXT.LED.memes-read",
        b'{"batch": 1, "no_wait": true}',
    ),
    "a message pulled": ("$JS.API.CONSUMER.MSG.NEXT.LED.memes-read", b'{"batch": 9, "expires": 1000000000}'),
    "heartbeats of a pull": (
        "$JS.API.CONSUMER.MSG.NEXT.LED.memes-read",
        b'{"batch": 9, "expires": 1000000000, "idle_heartbeat": 100000000}',
    ),
    "a direct get of bytes that it chose": ("$JS.API.DIRECT.GET.BLOB.blob.memes.chosen.0", b""),
    "a direct get of a record that it chose": ("$JS.API.DIRECT.GET.LED.led.ops-read.memes.chosen.bot", b""),
    "direct gets of what it keeps": ("$JS.API.DIRECT.GET.KEEP_memes", b'{"seq": 1, "next_by_subj": ">", "batch": 9}'),
    "direct gets of marks that it chose": ("$JS.API.DIRECT.GET.MARK", b'{"multi_last": ["mark.memes.>"]}'),
    "a direct get of what is not there": ("$JS.API.DIRECT.GET.LED.led.ops-read.memes.none.bot", b""),
    "the acknowledgement of an ack": ("$JS.ACK.LED.memes-read.1.1.1.1.1", b"+ACK"),
    "an ack that asks for the next": ("$JS.ACK.LED.memes-read.1.1.1.1.1", b'+NXT {"batch": 1}'),
}


def _is_last(message: Any) -> bool:
    """Whether an answer is the last one: anything but a message or a heartbeat of a pull."""
    return not message.reply and (message.headers or {}).get("Status") != "100"


@pytest.mark.parametrize("source", SOURCES)
async def test_it_forges_nothing_by_reply_subject(attacker: Attacker, core: Bus, source: str) -> None:
    """Within one account the server sends answers wherever it is told to, with bytes that the attacker chose."""
    own = {"led.ops-read.memes.chosen.bot", "led.ops-read.memes.one.bot", "blob.memes.chosen.0", "mark.memes.D.9"}
    assert b'"seq"' in await attacker.ask("keep.memes.real.chosen", b"CHOSEN")
    for subject in sorted(own - {"led.ops-read.memes.one.bot"}):
        assert b'"seq"' in await attacker.ask(subject, b"CHOSEN")
    await core.publish("led.ops-read.memes.pulled.run", SECRET)
    subject, payload = SOURCES[source]
    before = {stream: await core.end(stream) for stream in STREAMS}
    for target in (VICTIM, FORGED, "once.code", "tmr.memes.forged", "led.ops-read.memes.one.run"):
        await attacker.publish(subject, payload, reply=target)
    # When the same question has been answered in full, so have the others.
    await attacker.listen(f"{attacker.inbox}.fence")
    await attacker.publish(subject, payload, reply=f"{attacker.inbox}.fence")
    with contextlib.suppress(AssertionError):  # not everything is answered
        await eventually(lambda: attacker.heard and _is_last(attacker.heard[-1]), timeout=2.5)
    await settled(core)
    assert set(await contents(core)) <= own
    stored = {stream: await core.end(stream) - before[stream] for stream in STREAMS}
    assert stored.pop("LED") in (1, 7)  # the fence, and what it published as itself if that was the source
    assert set(stored.values()) == {1}  # the fence


@pytest.mark.parametrize(
    "subject",
    [
        "$JS.API.DIRECT.GET.LED.led.ops-work.practice.victim.run",
        "$JS.API.DIRECT.GET.LED.led.ops-work.practice.victim.bot",
        "$JS.API.DIRECT.GET.LED.led.*.practice.victim.run",
        "$JS.API.DIRECT.GET.LED",
        "$JS.API.DIRECT.GET.LOCK.lock.practice.a",
        "$JS.API.DIRECT.GET.BLOB.blob.practice.a.0",
        "$JS.API.DIRECT.GET.PROG.prog.practice.a",
        "$JS.API.DIRECT.GET.REG.reg.practice.a",
        "$JS.API.DIRECT.GET.ROOM.room.general.line.1",
        "$JS.API.DIRECT.GET.ONCE.once.code",
        "$JS.API.DIRECT.GET.TIMER.tmr.practice.a",
        "$JS.API.DIRECT.GET.TIMER.tmr.memes.a",
        "$JS.API.DIRECT.GET.REQ",
        "$JS.API.DIRECT.GET.KEEP_practice",
        "$JS.API.DIRECT.GET.KEEP_practice.keep.practice.real.a",
        "$JS.API.DIRECT.GET.KEEP_memes.keep.practice.real.a",
        "$JS.API.STREAM.MSG.GET.LED",
        "$JS.API.CONSUMER.MSG.NEXT.LED.practice-work",
        "$JS.API.CONSUMER.MSG.NEXT.LED.house-read",
        "$JS.API.CONSUMER.MSG.NEXT.REQ.gateway-req",
    ],
)
async def test_it_reads_nothing_of_others(attacker: Attacker, subject: str) -> None:
    """Neither by direct get, nor through the consumers of others."""
    await attacker.listen(f"{attacker.inbox}.answers.*")
    for n, payload in enumerate((b"", b'{"last_by_subj": "led.ops-work.practice.victim.run"}', b'{"seq": 1}', b'{"batch": 9}')):
        await attacker.publish(subject, payload, reply=f"{attacker.inbox}.answers.{n}")
    await attacker.ask("$JS.API.DIRECT.GET.LED.led.ops-read.memes.fence.bot")
    assert not [message for message in attacker.heard if SECRET in message.data]


async def test_a_direct_get_of_its_own_cannot_be_turned_to_others(attacker: Attacker) -> None:
    """What may be asked for is in the subject; what the payload says is not heard."""
    assert b'"seq"' in await attacker.ask("led.ops-read.memes.one.bot", b"own")
    for asked in ({"seq": 1}, {"last_by_subj": VICTIM}, {"multi_last": ["led.>"]}, {"next_by_subj": "led.>", "seq": 1}):
        answer = await attacker.ask("$JS.API.DIRECT.GET.LED.led.ops-read.memes.one.bot", orjson.dumps(asked))
        assert SECRET not in answer


@pytest.mark.parametrize("asked", [b'{"seq": 1}', b'{"last_by_subj": "keep.practice.real.a"}', b'{"multi_last": ["keep.>"]}'])
async def test_what_it_keeps_leads_to_nothing_that_others_keep(attacker: Attacker, asked: bytes) -> None:
    """Its own stream may be asked for by payload; nothing else is in it."""
    assert b'"seq"' in await attacker.ask("keep.memes.real.a", b"own")
    assert SECRET not in await attacker.ask("$JS.API.DIRECT.GET.KEEP_memes", asked)
    assert SECRET not in await attacker.ask("$JS.API.DIRECT.GET.MARK", asked.replace(b'{"seq": 1}', b'{"seq": 99}'))


async def test_it_changes_nothing_that_others_keep(attacker: Attacker, core: Bus, bus_as: BusAs) -> None:
    """Neither plainly nor with its own answers."""
    practice = await bus_as("practice")
    before = await practice.last("KEEP_practice", "keep.practice.real.a")
    assert before is not None
    for source in ("keep.memes.real.a", "mark.memes.D.9", "$JS.API.DIRECT.GET.KEEP_memes", "$JS.API.DIRECT.GET.MARK"):
        await attacker.publish(source, b'{"seq": 1, "next_by_subj": ">", "batch": 9}', reply="keep.practice.real.a")
    for headers in ({"Nats-Rollup": "all"}, {"Nats-TTL": "1s"}, {"Nats-Expected-Stream": "KEEP_memes"}):
        await attacker.publish("keep.practice.real.a", b"forged", headers=headers)
        await attacker.publish("keep.memes.real.a", b"own", headers=headers)
    await settled(core)
    assert await practice.publish("keep.practice.real.fence", b"+") == before.sequence + 1
    assert await practice.last("KEEP_practice", "keep.practice.real.a") == before


LIES = [
    {"Status": "503"},
    {"Status": "404"},
    {"Status": "204", "Nats-Num-Pending": "0"},
    {"Nats-Subject": "mark.practice.D.1"},
    {"Nats-Sequence": "1"},
    {"Nats-Time-Stamp": "never"},
    {"Nats-Stream": "KEEP_practice"},
]


@pytest.mark.parametrize("lies", LIES, ids=str)
async def test_its_marks_are_its_own_whatever_they_say(attacker: Attacker, bus_as: BusAs, lies: dict[str, str]) -> None:
    """Headers that would make a mark look like another's, or like the end of an answer; ids that are taken; garbage."""
    practice = BusMarks(await bus_as("practice"), "practice")
    mine = await practice.begin("K", Draft(title="mine", at=1.0), key="a")
    forged = pb.Mark(title="forged", state="running").SerializeToString()
    for subject in ("mark.memes.K.1", "mark.memes.K.2", "mark.memes.K.4", "mark.memes.K.99999999999", "mark.memes.K.x"):
        for payload in (forged, b"garbage", forged):
            assert b'"seq"' in await attacker.ask_with(subject, payload, lies)

    assert await practice.find("K1") == mine
    made = await practice.begin("K", Draft(title="two", at=2.0), key="b")
    assert made.id not in ("K1", "K2", "K4")
    reader = BusMarks(await bus_as("practice"), "practice")
    found = await reader.between(0.0, 1e10, kinds=["lock"])
    assert [mark for mark in found if mark.bot == "practice"] == [mine, made]
    assert {mark.title for mark in found if mark.bot == "memes"} == {"forged"}


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("INFO", {}),
        ("STREAM.NAMES", {}),
        ("STREAM.INFO.LED", {}),
        ("STREAM.CREATE.EVIL", {"name": "EVIL", "subjects": ["evil.>"]}),
        ("STREAM.UPDATE.LED", {"name": "LED", "subjects": ["led.>"], "republish": {"src": ">", "dest": "hb.memes.>"}}),
        ("STREAM.DELETE.LED", {}),
        ("STREAM.PURGE.LED", {}),
        ("STREAM.MSG.DELETE.LED", {"seq": 1}),
        ("STREAM.SNAPSHOT.LED", {"deliver_subject": "ctl.memes.x"}),
        ("STREAM.RESTORE.LED", {}),
        ("CONSUMER.CREATE.LED", {"stream_name": "LED", "config": {"deliver_subject": "ctl.memes.x"}}),
        ("CONSUMER.CREATE.LED.evil", {"stream_name": "LED", "config": {"name": "evil", "deliver_subject": "ctl.memes.x"}}),
        ("CONSUMER.DURABLE.CREATE.LED.evil", {"stream_name": "LED", "config": {"durable_name": "evil"}}),
        ("CONSUMER.CREATE.LED.memes-read", {"stream_name": "LED", "config": {"name": "memes-read"}}),
        ("CONSUMER.DELETE.LED.practice-work", {}),
        ("CONSUMER.PAUSE.LED.practice-work", {"pause_until": "2100-01-01T00:00:00Z"}),
        ("CONSUMER.NAMES.LED", {}),
        ("CONSUMER.LEADER.STEPDOWN.LED.practice-work", {}),
    ],
)
async def test_it_manages_nothing(attacker: Attacker, core: Bus, bus_as: BusAs, verb: str, body: dict[str, Any]) -> None:
    """No stream and no consumer is made, changed, paused, emptied or taken away; nothing is even named."""
    await attacker.listen("ctl.memes.>")
    answer = await attacker.ask(f"$JS.API.{verb}", orjson.dumps(body))
    assert b"practice" not in answer
    assert b"led." not in answer
    provisioner = await bus_as("provisioner")
    assert b'"error"' in (await provisioner.request("$JS.API.STREAM.INFO.EVIL")).payload
    assert b'"error"' in (await provisioner.request("$JS.API.CONSUMER.INFO.LED.evil")).payload
    consumer = orjson.loads((await provisioner.request("$JS.API.CONSUMER.INFO.LED.practice-work")).payload)
    assert "pause_until" not in consumer["config"]
    assert await core.last("LED", VICTIM) is not None
    assert [message for message in attacker.heard if SECRET in message.data] == []


@pytest.mark.parametrize("subject", [">", "_INBOX.>", "*.>", "led.>", "hb.>", "ctl.>", "ctl.*.x", "$SYS.>", "$JS.>", "_R_.>"])
async def test_it_overhears_nobody(attacker: Attacker, core: Bus, bus_as: BusAs, subject: str) -> None:
    """Neither answers to others nor what is said to them."""
    await attacker.listen(subject)
    practice = await bus_as("practice")
    await core.send("ctl.practice.x", SECRET)
    await practice.send("hb.practice.r1", SECRET)
    assert await practice.publish("led.ops-work.practice.other.bot", SECRET)
    assert await core.last("LED", VICTIM) is not None
    await attacker.flush()
    assert attacker.heard == []


async def test_it_overhears_no_answer_to_the_gateway(attacker: Attacker, core: Bus, nats: NatsServer) -> None:
    """Even when it knows the other's inbox by name."""
    await attacker.listen(inbox_of("gw-1", nats.house.seed("gw-1")) + ".>")
    assert await core.last("LED", VICTIM) is not None
    await attacker.flush()
    assert attacker.heard == []


async def test_it_has_no_message_traced_to_where_it_likes(attacker: Attacker, core: Bus) -> None:
    """Message tracing publishes wherever a header says (CVE-2026-33249)."""
    for target in (FORGED, "once.code"):
        headers = {"Nats-Trace-Dest": target, "traceparent": "00-1-1-01"}
        await attacker.publish("led.ops-read.memes.one.bot", b"own", headers=headers)
        await attacker.publish("hb.memes.r1", b"own", headers=headers)
    await settled(core)
    assert set(await contents(core)) <= {"led.ops-read.memes.one.bot"}


async def test_it_neither_erases_nor_rolls_up_what_is_stored(attacker: Attacker, core: Bus) -> None:
    """Headers that would make a message replace others."""
    for headers in ({"Nats-Rollup": "all"}, {"Nats-Rollup": "sub"}, {"Nats-TTL": "1s"}, {"KV-Operation": "PURGE"}):
        await attacker.publish("led.ops-read.memes.one.bot", b"own", headers=headers)
    await settled(core)
    assert await core.last("LED", VICTIM) is not None
    assert await core.last("LED", "led.ops-work.practice.victim.bot") is not None


async def test_it_does_not_move_another_bots_records(attacker: Attacker, core: Bus) -> None:
    """Compare-and-set may be asked for on any scope, but changes only what is published."""
    headers = {
        "Nats-Expected-Last-Subject-Sequence": "1",
        "Nats-Expected-Last-Subject-Sequence-Subject": "led.ops-work.practice.>",
    }
    await attacker.publish("led.ops-read.memes.one.bot", b"own", headers=headers)
    await settled(core)
    assert set(await contents(core)) <= {"led.ops-read.memes.one.bot"}


async def test_it_takes_no_acks_of_others(attacker: Attacker, core: Bus, bus_as: BusAs) -> None:
    """Saying that another's command is done with does not make it so."""
    practice = await bus_as("practice")
    delivery = await anext(practice.pull("LED", "practice-work"))
    await attacker.publish(delivery.reply, b"+ACK")
    await attacker.publish("$JS.ACK.LED.practice-work.1.1.1.1.0", b"+TERM")
    await settled(core)
    answer = await (await bus_as("provisioner")).request("$JS.API.CONSUMER.INFO.LED.practice-work")
    assert orjson.loads(answer.payload)["num_ack_pending"] == 1


async def test_it_answers_nobody_in_anothers_name(attacker: Attacker, core: Bus, nats: NatsServer) -> None:
    """What it sends to an inbox of the gateway's does not arrive."""
    inbox = core.new_inbox()
    heard = core.listen(inbox)
    await heard.start()
    await core.flush()
    await attacker.publish(inbox, b"forged answer")
    await core.send("ctl.practice.x", b"fence")
    await core.flush()
    assert heard._queue.empty()


async def test_what_it_may_do_it_can_do(attacker: Attacker, core: Bus) -> None:
    """The attacks above fail for want of rights, not of a connection."""
    assert b'"seq"' in await attacker.ask("led.ops-read.memes.one.bot", b"own")
    assert await attacker.ask("$JS.API.DIRECT.GET.LED.led.ops-read.memes.one.bot") == b"own"
    await core.publish("led.ops-read.memes.two.run", b"to do")
    await attacker.listen(f"{attacker.inbox}.work")
    pull = b'{"batch": 1, "expires": 1000000000}'
    await attacker.publish("$JS.API.CONSUMER.MSG.NEXT.LED.memes-read", pull, reply=f"{attacker.inbox}.work")
    await eventually(lambda: [message.data for message in attacker.heard] == [b"to do"])
    assert set(await contents(core)) == {"led.ops-read.memes.one.bot", "led.ops-read.memes.two.run"}
