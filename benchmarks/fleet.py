"""Two hundred enrolled bots: what they cost a gateway in memory and a command in time, against the few of one team."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import tempfile
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.memes.v1 import memes_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.contract import Contract
from bellboard.contract.files import digest_of, files_of
from bellboard.presence import Presence
from bellboard.provision import House, enrol
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer, free_port
from bellboard_cli.client import Away, Client

from .figures import RUNS, Goal, middle, percentile, resident, table
from .shipped import BOTS, Ground, process

FEW, MANY = 5, 200
GOAL = 1.5
WARM, COMMANDS = 30, 150
"""Commands before a run is measured, in which the gateway gets to know everybody, and then."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one run: seconds from a line to its final card, and the gateway's memory in MB afterwards."""

    p50: float
    p99: float
    memory: float


async def fleet(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """Both sizes in turn, each in a house of its own."""
    seen: dict[int, list[Seen]] = {FEW: [], MANY: []}
    for _run in range(RUNS if seconds > 1 else 1):
        for bots, runs in seen.items():
            with tempfile.TemporaryDirectory(prefix="bellboard-fleet-") as folder:
                runs.append(await _measure(Path(folder), bots))
    rows, ratios = [], {}
    for what, unit, scale in (("p50", "ms", 1e3), ("p99", "ms", 1e3), ("memory", "MB", 1.0)):
        few, many = (middle(getattr(one, what) for one in runs) for runs in seen.values())
        ratios[what] = many / few
        rows.append((f"{what}, {unit}", f"{few * scale:.1f}", f"{many * scale:.1f}", f"{many / few:.2f} ×"))
    goals = [
        Goal(f"{what} of a gateway with {MANY} bots ≤ {GOAL} × one with {FEW}", f"{ratios[what]:.2f} ×", ratios[what] <= GOAL)
        for what in ("p50", "memory")
    ]
    return table(["a gateway with enrolled bots", str(FEW), str(MANY), ""], rows), goals


async def _measure(folder: Path, bots: int) -> Seen:
    house = House(folder)
    contracts = [_renamed(f"b{n}") for n in range(bots - 1)]
    house.make(bots=[_practice(), *(_enrolment(contract) for contract in contracts)])
    house.configure(free_port())
    server = NatsServer(house)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.kill)
        await server.start()
        await server.provision()
        there = [await _present(stack, server, contract) for contract in contracts]
        pid, client = await _gateway(stack, house)
        _practising(stack.enter_context(ExitStack()), house)
        await eventually(lambda: _answers(client), 60, because="the bots are not there")
        status = await client.status()
        assert len([bot for bot in status.bots if bot.replicas]) >= bots, len(status.bots)
        taken = [await _once(client) for _ in range(WARM + COMMANDS)][WARM:]
        for task in there:
            task.cancel()
        await asyncio.gather(*there, return_exceptions=True)
        return Seen(percentile(taken, 0.5), percentile(taken, 0.99), resident(pid))


def _renamed(bot: str) -> Contract:
    """The contract of memes, as that of another bot with first words of its own."""
    files = FileDescriptorSet()
    for file in files_of(memes_pb2.DESCRIPTOR.services_by_name["MemesService"]).file:
        if file.package == "bellboard.api.memes.v1":
            told = text_format.MessageToString(file).replace("api.memes.v1", f"fleet.{bot}.v1").replace("/memes", f"/{bot}")
            file = text_format.Parse(told, FileDescriptorProto())
            file.service[0].options.Extensions[options.bot].name = bot
            for method in file.service[0].method:
                command = method.options.Extensions[options.command]
                command.phrase = f"{bot} {command.phrase}"
                command.examples[:] = [f"{bot} {example}" for example in command.examples]
        files.file.append(file)
    service = f"bellboard.fleet.{bot}.v1.MemesService"
    return Contract.from_announcement(
        registry.Announcement(bot=bot, files=files, service=service, version="1", digest=digest_of(files))
    )


def _enrolment(contract: Contract) -> registry.Enrolment:
    effects = [options.EFFECT_READ, options.EFFECT_IDEMPOTENT]
    return enrol.enrolment(
        contract.bot, module="", package=contract.package, phrases=[contract.bot], effects=effects, open=True
    )


def _practice() -> registry.Enrolment:
    effects = [options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE]
    return enrol.enrolment(
        "practice",
        module="bellboard_practice",
        package="bellboard_practice.v1",
        phrases=["practice"],
        effects=effects,
        open=True,
    )


async def _present(stack: AsyncExitStack, server: NatsServer, contract: Contract) -> asyncio.Task[None]:
    """A bot that announces itself and beats; nobody calls it."""
    bus: Bus = await server.bus(contract.bot)
    stack.push_async_callback(bus.close)
    return asyncio.create_task(Presence(bus, contract, f"{contract.bot}-1", tuple).run())


async def _gateway(stack: AsyncExitStack, house: House) -> tuple[int, Client]:
    port = free_port()
    environment = {**os.environ, **house.service_env("gw-1"), "BELLBOARD_GRPC_PORT": str(port)}
    started: subprocess.Popen[bytes] = stack.enter_context(
        process("bellboard_gateway", environment, house.logs / "gateway.log")
    )
    channel = await stack.enter_async_context(rpc.channel(f"127.0.0.1:{port}", house.local_token()))
    return started.pid, Client(channel)


def _practising(stack: ExitStack, house: House) -> None:
    environment = {**os.environ, **house.service_env("practice"), "BELLBOARD_PRACTICE_FILE": os.devnull}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(BOTS), os.environ.get("PYTHONPATH")]))
    stack.enter_context(process("bellboard_practice", environment, house.logs / "practice.log"))


async def _answers(client: Client) -> bool:
    try:
        return bool(await _once(client))
    except (Away, AssertionError):
        return False


async def _once(client: Client) -> float:
    begun, last = perf_counter(), gateway.RunLineResponse()
    word = secrets.token_hex(4)
    async for answer in client.run_line(gateway.RunLineRequest(line=f"practice look {word}", room="general", request_id=word)):
        last = answer
    assert [block.text.text for block in last.card.blocks] == [f"looked at {word}"], last
    return perf_counter() - begun
