"""Webhooks, from a program outside to the bot that takes what it brought."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.hooks import SIGNATURE, signed
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.gateway.hooked import ELSEWHERE, HOOKS, OPEN, SIGNED, Sender, taken, write_hooks
from tests.integration.gateway.staff import Desk, opened, write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration

STRANGER = {"refused": "there is no such webhook, or this is not its secret"}


@pytest.fixture
async def desk(house: House, bus_as: BusAs) -> AsyncIterator[Desk]:
    """A gateway; the practice bot is not there yet."""
    write_people(house)
    write_hooks(house)
    async with opened(house, await bus_as("gw-1")) as desk:
        desk.gateway.pump.slowest = 0.05
        yield desk


@pytest.fixture
async def sender(desk: Desk) -> AsyncIterator[Sender]:
    """A program outside."""
    sender = Sender(await desk.gateway.web.start("127.0.0.1", 0))
    yield sender
    await sender.http.close()
    await desk.gateway.web.stop()


@pytest.fixture
async def practice(desk: Desk, mesh: Mesh) -> None:
    """The practice bot, which is there."""
    await mesh.practice()
    await desk.listed()


# --- handed over ---


@pytest.mark.usefixtures("practice")
async def test_what_comes_in_is_handed_over_in_order_and_many_at_once(desk: Desk, sender: Sender, mesh: Mesh) -> None:
    """Each delivery once, in few commands of the bot's own, which nobody sees in a room."""
    sequences = []
    for first in range(100, 400, 20):
        many = (sender.give(b'{"n": %d}' % n) for n in range(first, first + 20))
        sequences += sorted(await asyncio.gather(*many))
    found = await taken(mesh.effects_file, *sequences)
    assert [mark.sequence for mark in found] == sequences
    assert {(mark.hook, mark.size) for mark in found} == {("open/generic", 10)}
    commands = list(dict.fromkeys(mark.command for mark in found))
    assert len(commands) < 30
    view = await desk.view(commands[0], S.STATE_SUCCEEDED)
    assert (view.envelope.cause, view.envelope.principal.bot, view.room) == (ledger.CAUSE_WEBHOOK, "practice", "")
    assert view.card().silent


@pytest.mark.usefixtures("practice")
async def test_large_bodies_come_whole(sender: Sender, mesh: Mesh) -> None:
    """One that is a blob, several that are one together, and one that came packed."""
    bodies = [b'"%s"' % os.urandom(size // 2).hex().encode() for size in (1_000_000, 20_000, 20_000, 20_000, 100_000)]
    sequences = [await sender.give(b"[%b]" % body) for body in bodies]
    status, said = await sender.post(f"/hooks/open/{OPEN}", gzip.compress(b"[%b]" % bodies[0]), Content_Encoding="gzip")
    assert status == 202
    found = await taken(mesh.effects_file, *sequences, said["taken"])
    assert [mark.size for mark in found] == [len(body) + 2 for body in (*bodies, bodies[0])]


async def test_what_comes_while_the_bot_is_away_waits_for_it(desk: Desk, sender: Sender, mesh: Mesh) -> None:
    """So does what comes for a bot that takes nothing; the log says so once, and nobody else waits."""
    with capture_logs() as logs:
        sequences = [await sender.give() for _ in range(3)]
        await sender.give(name="elsewhere", secret=ELSEWHERE)
        await eventually(lambda: {line["hook"] for line in logs if line["event"] == "hook.waits"} == {"open", "elsewhere"})
    problems = [
        "the webhook elsewhere waits: the bot memes is not there",
        "the webhook open waits: the bot practice is not there",
    ]
    assert desk.gateway.pump.problems() == problems
    await mesh.practice()
    assert [mark.sequence for mark in await taken(mesh.effects_file, *sequences)] == sequences
    assert len([line for line in logs if line["event"] == "hook.waits" and line["hook"] == "open"]) == 1


@pytest.mark.usefixtures("practice")
async def test_what_a_bot_fails_at_keeps_nothing_else_from_it(sender: Sender, mesh: Mesh) -> None:
    """It is given up after some tries, alone, and said; other webhooks never wait for it."""
    with capture_logs() as logs:
        before = [await sender.give() for _ in range(3)]
        poison = await sender.give(b'{"poison": 1}')
        behind = [await sender.give() for _ in range(3)]
        _, said = await sender.sign()
        found = await taken(mesh.effects_file, *before, *behind, said["taken"])
        await eventually(lambda: [line for line in logs if line["event"] == "hook.given_up"])
    assert [mark.sequence for mark in found if mark.hook == "open/generic"] == [*before, *behind]
    (given_up,) = [line for line in logs if line["event"] == "hook.given_up"]
    assert given_up["sequence"] == poison
    order = [mark.sequence for mark in found]
    assert order.index(said["taken"]) < order.index(behind[0]), "it waited until the other webhook went on"


async def test_two_gateways_hand_everything_over_once(
    desk: Desk, sender: Sender, house: House, bus_as: BusAs, mesh: Mesh
) -> None:
    """Whichever took it in."""
    async with opened(house, await bus_as("gw-2"), name="gw-2") as other:
        second = Sender(await other.gateway.web.start("127.0.0.1", 0))
        await mesh.practice()
        sequences = [await (sender, second)[n % 2].give() for n in range(200)]
        found = await taken(mesh.effects_file, *sequences)
        await second.http.close()
        await other.gateway.web.stop()
    assert [mark.sequence for mark in found] == sequences


# --- let in or not ---


@pytest.mark.usefixtures("practice")
async def test_a_signed_request_is_taken_once_for_ever(desk: Desk, sender: Sender, mesh: Mesh) -> None:
    """Again at once, after 1 s and 4 min it was taken already; after 6 min and a day it is too old. One delivery."""
    now = time.time()
    status, said = await sender.sign(at=now)
    assert status == 202
    for later, answer in ((0.0, 409), (1.0, 409), (240.0, 409), (360.0, 401), (86_400.0, 401)):
        desk.gateway.hook_door.now = lambda later=later: now + later  # type: ignore[misc]
        assert (await sender.sign(at=now))[0] == answer
    desk.gateway.hook_door.now = time.time
    assert (await sender.sign(at=now + 1))[0] == 202
    assert len(await taken(mesh.effects_file, said["taken"], said["taken"] + 1)) == 2


async def test_what_is_replayed_at_another_gateway_is_refused_there(sender: Sender, house: House, bus_as: BusAs) -> None:
    """And by one that has just started: it stands on the bus. Ten at the same time are one, too."""
    now = time.time()
    assert (await sender.sign(at=now))[0] == 202
    async with opened(house, await bus_as("gw-2"), name="gw-2") as other:
        second = Sender(await other.gateway.web.start("127.0.0.1", 0))
        assert (await second.sign(at=now))[0] == 409
        both = await asyncio.gather(*(one.sign(b"[1]", at=now) for one in (sender, second) for _ in range(5)))
        await second.http.close()
        await other.gateway.web.stop()
    assert sorted(status for status, _ in both) == [202] + [409] * 9


async def test_the_same_body_again_is_fine_where_nothing_is_signed(sender: Sender) -> None:
    """Senders of alerts send again whenever they are in doubt."""
    assert await sender.give() < await sender.give()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/hooks/open", {}),
        (f"/hooks/open/{SIGNED}", {}),
        (f"/hooks/signed/{SIGNED}", {}),
        ("/hooks/signed", {}),
        ("/hooks/signed", {SIGNATURE: "t=1,v1=" + "0" * 64}),
        ("/hooks/signed", {SIGNATURE: signed(OPEN, int(time.time()), b'{"a": 1}')}),
        (f"/hooks/nobody/{OPEN}", {}),
        ("/hooks/nobody", {}),
        (f"/hooks/OPEN/{OPEN}", {}),
        (f"/hooks/open%2f/{OPEN}", {}),
    ],
)
async def test_strangers_learn_nothing(sender: Sender, path: str, headers: dict[str, str]) -> None:
    """One answer for all of them."""
    status, said = await sender.post(path, b'{"a": 1}', **headers)
    assert (status, said["refused"]) == (404, STRANGER["refused"])


@pytest.mark.parametrize(
    ("body", "headers", "answer"),
    [
        (b"[" + b" " * 2**20 + b"]", {}, 413),
        (gzip.compress(b"[" + b" " * 50_000_000 + b"]"), {"Content_Encoding": "gzip"}, 413),
        (b"status=firing", {}, 400),
        (b"[" * 500_000, {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b"[]", {"Content_Encoding": "br"}, 415),
    ],
)
async def test_what_is_no_sensible_json_is_refused(sender: Sender, body: bytes, headers: dict[str, str], answer: int) -> None:
    """And the gateway is as well as before."""
    assert (await sender.post(f"/hooks/open/{OPEN}", body, **headers))[0] == answer
    assert await sender.give()


async def test_a_body_without_a_length_is_cut_off_where_it_is_too_large(sender: Sender) -> None:
    """Chunk by chunk."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    async with sender.http.post(f"/hooks/open/{OPEN}", data=endless()) as answer:
        assert answer.status == 413


async def test_strangers_who_dawdle_keep_nobody_out(sender: Sender) -> None:
    """Without the secret no body is waited for; and those that look signed, which only their bodies could tell, wait apart."""
    dawdlers = []
    signature = f"{SIGNATURE}: t=1,v1={'0' * 64}\r\n"
    for path, header in (("/hooks/open/not-the-secret", ""), ("/hooks/signed", signature), ("/hooks/nobody", signature)):
        for _ in range(40):
            reader, writer = await asyncio.open_connection("127.0.0.1", sender.port)
            writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\n{header}Content-Length: 99\r\n\r\n".encode())
            dawdlers.append((reader, writer))
    for reader, _ in dawdlers[:40]:
        assert b" 404 " in await reader.readline()
    await asyncio.gather(*(sender.give() for _ in range(40)))
    for _, writer in dawdlers:
        writer.close()


async def test_programs_call_the_house_what_they_like(sender: Sender) -> None:
    """A webhook heeds no name, no origin and no cookie; the page still does."""
    path = f"/hooks/open/{OPEN}"
    for headers in ({"Host": "bellboard.example.com"}, {"Origin": "https://elsewhere.example"}, {"Cookie": "bellboard=x"}):
        assert (await sender.post(path, b'{"a": 1}', **headers))[0] == 202
    async with sender.http.get("/in", headers={"Host": "bellboard.example.com"}) as answer:
        assert answer.status == 421
    for elsewhere in ("/upload", "/hooks/..%2fupload", "/hooks/x/..%2f..%2fupload", "/hooks/../upload"):
        async with sender.http.post(elsewhere, data=b"x", headers={"Origin": "https://elsewhere.example"}) as answer:
            assert answer.status in (403, 404), elsewhere
    async with sender.http.get(path) as answer:
        assert answer.status == 405


async def test_a_refusal_is_counted_and_logged_without_any_secret(sender: Sender) -> None:
    """With the webhook's name, if it is one, and a word for the reason; a flood of them does not fill the log."""
    with capture_logs() as logs:
        for _ in range(50):
            await sender.post("/hooks/open/not-the-secret-of-this-hook")
        await sender.post("/hooks/made-up/not-the-secret-of-this-hook")
        await sender.post(f"/hooks/open/{OPEN}", b"no json")
    refused = [line for line in logs if line["event"] == "hook.refused"]
    assert {(line["hook"], line["reason"]) for line in refused[:1]} == {("open", "secret")}
    assert len(refused) < 40
    assert not [line for line in logs if OPEN in str(line) or "not-the-secret" in str(line) or "made-up" in str(line)]


async def test_no_bot_can_forge_what_came_in(desk: Desk, bus_as: BusAs) -> None:
    """Only gateways write there, and only they read it."""
    bot = await bus_as("practice")
    await bot.send("hook.open.any", b'{"forged": 1}')
    await bot.send("$JS.API.DIRECT.GET.HOOK", b'{"seq": 1}')
    await bot.flush()
    assert len(bot.denied) == 2
    assert await desk.gateway.bus.end("HOOK") == 0


# --- when things go wrong ---


@pytest.mark.usefixtures("practice")
async def test_without_the_bus_a_sender_is_told_to_send_again(desk: Desk, sender: Sender, nats: NatsServer, mesh: Mesh) -> None:
    """Nothing that was refused comes later; what was taken before it went away does."""
    before = await sender.give()
    await nats.kill()
    status, said = await sender.post(f"/hooks/open/{OPEN}")
    assert (status, said["headers"]["Retry-After"]) == (503, "5")
    now = time.time()
    assert (await sender.sign(at=now))[0] == 503
    await nats.start()
    await eventually(lambda: desk.gateway.bus.connected)
    status, signed_one = await sender.sign(at=now)
    assert status == 202
    after = await sender.give()
    found = await taken(mesh.effects_file, before, signed_one["taken"], after)
    assert len({mark.sequence for mark in found}) == 3


async def test_the_file_is_read_again(desk: Desk, sender: Sender, house: House) -> None:
    """A new webhook answers without a restart; a file that is wrong changes nothing."""
    fresh = "secret-of-the-new-webhook"
    write_hooks(house, HOOKS + f"  new: {{bot: practice, auth: bearer, secret: {fresh}}}\n")

    async def answers() -> bool:
        return (await sender.post("/hooks/new", Authorization=f"Bearer {fresh}"))[0] == 202

    await eventually(answers)
    with capture_logs() as logs:
        write_hooks(house, "hooks: {open: {secret: short}}")
        await eventually(lambda: desk.gateway.pump.hooks.value and desk.gateway.pump.hooks.problem)
    assert "short" not in str(logs)
    assert await answers()
    assert await sender.give()
