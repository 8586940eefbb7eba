"""A team that has been taken over whole: with every credential of beta, and clients that keep to no rule.

Whatever it tries, nothing of alpha's changes, and it reads nothing of alpha's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import nats as nats_client
import orjson
import pytest
from nats.aio.client import Client

from bellboard.bus import Bus
from bellboard.bus.link import inbox_of
from bellboard.provision.layout import streams
from tests.integration.provisioner.shared import BOTS, SharedBus

pytestmark = pytest.mark.integration

SECRET = b"a secret of alpha"
USERS = ("gw-1", "gw-2", "reaper", "provisioner", "memes", "practice")
STORED = (
    ("gw-1", "led.ops-work.practice.victim.run"),
    ("gw-1", "room.general.line.1"),
    ("gw-1", "once.code"),
    ("gw-1", "tmr.practice.a"),
    ("gw-1", "hook.a"),
    ("practice", "led.ops-work.practice.victim.bot"),
    ("practice", "lock.practice.a"),
    ("practice", "blob.practice.a.0"),
    ("practice", "prog.practice.a"),
    ("practice", "reg.practice.a"),
    ("practice", "req.practice.a"),
    ("practice", "keep.practice.a"),
    ("practice", "mark.practice.D.1"),
    ("practice", "feed.practice.a"),
)
"""What alpha has stored, by whom."""

ALPHA = "CORE_alpha"


class Attacker:
    """One of beta's users, with a raw client. ``heard`` is all that ever came to it."""

    def __init__(self, client: Client, inbox: str) -> None:
        self.client, self.inbox = client, inbox
        self.heard: list[bytes] = []

    async def listen(self, subject: str) -> None:
        async def take(message: Any) -> None:
            self.heard.append(message.data)

        await self.client.subscribe(subject, cb=take)

    async def publish(self, subject: str, payload: bytes = b"forged", reply: str = "") -> None:
        await self.client.publish(subject, payload, reply=reply)

    async def ask(self, subject: str, body: Any = None) -> bytes:
        """The answer to a request; nothing if there is none."""
        payload = b"" if body is None else orjson.dumps(body)
        try:
            return (await self.client.request(subject, payload, timeout=5)).data
        except (nats_client.errors.TimeoutError, nats_client.errors.NoRespondersError):
            return b""


@pytest.fixture
async def alpha(shared: SharedBus) -> Bus:
    """A gateway of alpha, whose team has stored things that are no business of beta's."""
    await shared.start()
    await shared.streams()
    for user, subject in STORED:
        await (await shared.bus("alpha", user)).publish(subject, SECRET)
    return await shared.bus("alpha", "gw-1")


@pytest.fixture
async def attackers(shared: SharedBus, alpha: Bus) -> AsyncIterator[dict[str, Attacker]]:
    """Every user of beta's, by name."""

    async def quiet(error: Exception) -> None:
        """What is refused is refused."""

    made = {}
    for user in USERS:
        seed = shared.seed("beta", user)
        inbox = inbox_of(user, seed)
        client = await nats_client.connect(shared.url, nkeys_seed=str(seed), inbox_prefix=inbox, error_cb=quiet)
        made[user] = Attacker(client, inbox)
    yield made
    for attacker in made.values():
        await attacker.client.close()


async def state(shared: SharedBus) -> dict[str, Any]:
    """What alpha's streams hold and how they are set, and how far each of its consumers is."""
    provisioner = await shared.bus("alpha", "provisioner")
    found: dict[str, Any] = {}
    for stream in streams(["house", *BOTS]):
        answer = orjson.loads((await provisioner.request(f"$JS.API.STREAM.INFO.{stream.name}")).payload)
        found[stream.name] = answer["config"], answer["state"]
    for consumer in ("memes-read", "memes-work", "practice-read", "practice-work"):
        answer = orjson.loads((await provisioner.request(f"$JS.API.CONSUMER.INFO.LED.{consumer}")).payload)
        found[consumer] = answer["config"], answer["delivered"], answer["ack_floor"], answer["num_pending"]
    return found


async def flushed(attackers: dict[str, Attacker]) -> None:
    """All that was sent has been dealt with. The first ping overtakes what waits to be written."""
    for attacker in (*attackers.values(), *attackers.values()):
        await attacker.client.flush()


async def test_what_it_writes_is_written_in_its_own_streams(
    shared: SharedBus, alpha: Bus, attackers: dict[str, Attacker]
) -> None:
    """On every subject that alpha uses, plainly, and as the reply to a request of its own."""
    before = await state(shared)
    for attacker in attackers.values():
        for _, subject in STORED:
            for wrapped in (subject, f"{ALPHA}.{subject}", f"$JS.{ALPHA}.{subject}", f"_R_.{subject}"):
                await attacker.publish(wrapped)
                for source in ("$JS.API.DIRECT.GET.LED", "$JS.API.STREAM.INFO.LED", "led.ops-read.memes.one.bot"):
                    await attacker.publish(source, reply=wrapped)
    await flushed(attackers)
    assert await state(shared) == before
    beta = await shared.bus("beta", "gw-1")
    assert b"forged" in [message.payload for message in await beta.lasts("LED", ">")]  # it has rights, but none there


async def test_it_reads_nothing(shared: SharedBus, alpha: Bus, attackers: dict[str, Attacker]) -> None:
    """Neither by any request, nor through alpha's consumers, nor by listening."""
    for attacker in attackers.values():
        for subject in (">", "*.>", "led.>", "_INBOX.>", "$JS.>", "$SYS.>", "hb.>", "ctl.>", f"{ALPHA}.>", "_R_.>"):
            await attacker.listen(subject)
        await attacker.listen(f"{attacker.inbox}.mine")
        for _, stored in STORED:
            stream = {"tmr": "TIMER", "keep": "KEEP_practice"}.get(stored.split(".")[0], stored.split(".")[0].upper())
            for prefix in ("$JS.API", f"$JS.{ALPHA}.API", "$JS.alpha.API", f"{ALPHA}.$JS.API"):
                await attacker.publish(f"{prefix}.DIRECT.GET.{stream}.{stored}", b"", f"{attacker.inbox}.mine")
                await attacker.publish(f"{prefix}.DIRECT.GET.{stream}", b'{"seq": 1}', f"{attacker.inbox}.mine")
                await attacker.publish(f"{prefix}.STREAM.MSG.GET.{stream}", b'{"seq": 1}', f"{attacker.inbox}.mine")
        await attacker.publish("$JS.API.CONSUMER.MSG.NEXT.LED.practice-work", b'{"batch": 9}', f"{attacker.inbox}.mine")
    await flushed(attackers)
    practice = await shared.bus("alpha", "practice")
    await alpha.send("ctl.practice.x", SECRET)
    await practice.send("hb.practice.r1", SECRET)
    assert await alpha.last("LED", "led.ops-work.practice.victim.run") is not None
    await flushed(attackers)
    assert [heard for attacker in attackers.values() for heard in attacker.heard if SECRET in heard] == []


@pytest.mark.parametrize("kind", ["mirror", "sources"])
async def test_its_streams_copy_nothing(shared: SharedBus, alpha: Bus, attackers: dict[str, Attacker], kind: str) -> None:
    """The provisioner may make streams, which may be told to copy from elsewhere: its own account is all that they see."""
    provisioner = attackers["provisioner"]
    for n, api in enumerate((f"$JS.{ALPHA}.API", f"{ALPHA}.$JS.API", "$JS.API", f"$JS.ACC.{ALPHA}.API")):
        source = {"name": "ROOM", "external": {"api": api, "deliver": f"deliver.{n}"}}
        config = {"name": f"EVIL{n}", kind: source if kind == "mirror" else [source]}
        await provisioner.ask(f"$JS.API.STREAM.CREATE.EVIL{n}", config)
    republished = {
        "name": "ROOM",
        "subjects": ["room.>"],
        "republish": {"src": ">", "dest": "led.ops-work.practice.x.{{wildcard(1)}}"},
    }
    before = await state(shared)
    await provisioner.ask("$JS.API.STREAM.UPDATE.ROOM", republished)
    await attackers["gw-1"].ask("room.general.line.7", "republished")
    await flushed(attackers)
    assert await state(shared) == before
    for n in range(4):
        answer = await provisioner.ask(f"$JS.API.STREAM.INFO.EVIL{n}")
        assert SECRET not in answer
        assert orjson.loads(answer).get("state", {"messages": 0})["messages"] == 0


async def test_it_manages_nothing(shared: SharedBus, alpha: Bus, attackers: dict[str, Attacker]) -> None:
    """What it changes, empties or deletes is its own, if anything."""
    before = await state(shared)
    for attacker in attackers.values():
        mine = f"{attacker.inbox}.mine"
        await attacker.listen(mine)
        for prefix in ("$JS.API", f"$JS.{ALPHA}.API", f"$SYS.REQ.ACCOUNT.{ALPHA}"):
            for verb in ("STREAM.DELETE.LED", "STREAM.PURGE.LED", "CONSUMER.DELETE.LED.practice-work", "STREAM.NAMES", "INFO"):
                await attacker.publish(f"{prefix}.{verb}", b"", mine)
        await attacker.publish("$SYS.REQ.SERVER.PING", b"", mine)
        await attacker.publish("$JS.ACK.LED.practice-work.1.1.1.1.0", b"+ACK")
    await flushed(attackers)
    assert await state(shared) == before
    assert [heard for attacker in attackers.values() for heard in attacker.heard if b"alpha" in heard] == []


async def test_a_flood_in_one_team_leaves_the_other_its_space(
    shared: SharedBus, alpha: Bus, attackers: dict[str, Attacker]
) -> None:
    """One has used up what it may store; the other goes on storing."""
    provisioner = attackers["provisioner"]
    taken = await provisioner.ask(
        "$JS.API.STREAM.CREATE.FLOOD", {"name": "FLOOD", "subjects": ["flood"], "max_bytes": (1 << 30) - (1 << 28) - (1 << 20)}
    )
    assert b'"error"' not in taken
    more = await provisioner.ask("$JS.API.STREAM.CREATE.MORE", {"name": "MORE", "subjects": ["more"], "max_bytes": 1 << 21})
    assert b"insufficient storage" in more
    assert await alpha.publish("room.general.line.2", SECRET) == 2
