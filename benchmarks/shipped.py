"""Bellboard as it is shipped: a gateway in this process; bus, bot, reaper and a span collector as processes beside it."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from bellboard.api.gateway.v1 import gateway_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.history import AllOfIt, History, Keeper
from bellboard.provision import House, enrol
from bellboard.provision.keys import bus_user
from bellboard.telemetry import logs, names
from bellboard.telemetry.otlp import SpanSender
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer, free_port
from bellboard_cli.bots import own
from bellboard_gateway.house import bot as house_bot
from bellboard_gateway.limits import Buckets
from bellboard_gateway.lines import Command, Line
from bellboard_gateway.mesh import Files, Gateway
from bellboard_gateway.settings import GatewaySettings

BOTS = Path(__file__).parents[1] / "tests" / "bots" / "practice"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
NOBODY_TIRES = Buckets(rate=1e9, burst=1e9)
"""One person types faster here than anyone may."""


class Ground:
    """A house with the practice bot, its bus, and an account beside it in which raw NATS may do as it likes."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder / "house")
        self.server = NatsServer(self.house)
        self.raw_seed = folder / "raw.nk"
        self.collector_url = ""

    async def start(self, stack: AsyncExitStack) -> None:
        practice = enrol.enrolment(
            "practice",
            module="bellboard_practice",
            package="bellboard_practice.v1",
            phrases=["practice"],
            effects=[options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE],
            open=True,
        )
        self.house.make(bots=[practice, own("deploy")])
        self.house.configure(free_port())
        account = f'  RAW {{ jetstream: enabled, users: [{{nkey: "{bus_user(self.raw_seed)}"}}] }}\n}}\n'
        config = self.house.server_config
        config.write_text(config.read_text().rstrip().removesuffix("}") + account)
        stack.push_async_callback(self.server.kill)
        await self.server.start()
        await self.server.provision()
        collector = stack.enter_context(process("benchmarks.collector", os.environ, None, pipe=True))
        assert collector.stdout is not None
        self.collector_url = collector.stdout.readline().decode().strip()


@dataclass
class Shipped:
    """A running mesh, and how lines are brought to it."""

    gateway: Gateway
    pids: Mapping[str, int]
    person: str

    async def run(self, text: str) -> gateway_pb2.Card:
        """Bring a line to the inbox, and return the card that its final state gives."""
        line = Line("bench", "", "general", secrets.token_hex(8), self.person, text)
        taken = await self.gateway.inbox.take(line)
        assert isinstance(taken, Command), taken
        view = await self.gateway.board.until_final(taken.id)
        return view.card()

    async def once(self, number: int) -> float:
        """The seconds from a line to its final card. Each line differs, so no decision of the policy is remembered."""
        begun = time.perf_counter()
        card = await self.run(f"practice look w{number}")
        assert card.blocks[0].text.text == f"looked at w{number}", card
        return time.perf_counter() - begun

    async def written(self) -> int:
        """The messages in the ledger so far; each was synced before it was acknowledged."""
        return await self.gateway.bus.end("LED")


@asynccontextmanager
async def shipped(ground: Ground, *, traced: bool = True, profile: Path | None = None) -> AsyncIterator[Shipped]:
    """Start gateway, bot and reaper, wait until they serve, and end them afterwards.

    Args:
        profile: where the bot leaves a profile of itself.
    """
    house = ground.house
    with _traces(ground.collector_url if traced else ""):
        async with AsyncExitStack() as stack:
            log = stack.enter_context((house.logs / "gateway.log").open("a"))
            with redirect_stderr(log):
                logs.configure("gateway")
            pids, reaper_log = {}, house.logs / "reaper.log"
            reaper_log.unlink(missing_ok=True)
            for name, module in (("practice", "bellboard_practice"), ("reaper", "bellboard_reaper")):
                environment = {**os.environ, **house.service_env(name), "BELLBOARD_PRACTICE_FILE": os.devnull}
                environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(BOTS), os.environ.get("PYTHONPATH")]))
                measured = profile if name == "practice" else None
                started = stack.enter_context(process(module, environment, house.logs / f"{name}.log", measured))
                pids["worker" if name == "practice" else name] = started.pid
            gateway = await _gateway(house, stack)
            registry = gateway.registry
            await eventually(
                lambda: gateway.ill() is None and registry.loaded and registry.available("practice"), 30, because="not ready"
            )
            # Else the ledger's past, which it reads first, would be counted among the commands that are measured.
            await eventually(lambda: names.REAPER_CURRENT.name.encode() in reaper_log.read_bytes(), 30, because="still reading")
            person = gateway.people.everyone[0].id
            yield Shipped(gateway, {**pids, "sender": os.getpid(), "nats-server": ground.server.pid}, person)


async def _gateway(house: House, stack: AsyncExitStack) -> Gateway:
    said = {key.removeprefix("BELLBOARD_").lower(): value for key, value in house.service_env("gw-1").items()}
    settings = GatewaySettings(**said, replica="gw-1")  # type: ignore[arg-type]
    bus = await Bus.connect(settings.bus_url, name=settings.replica, nkey_seed=settings.nkey_file)
    stack.push_async_callback(bus.close)
    spans = SpanSender("gateway")
    history = History(bus, AllOfIt(bus), Keeper(settings.data_dir), tells=True)
    await history.begin()
    gateway = Gateway(Files(settings), bus, spans, history)
    gateway.dispatch.buckets = NOBODY_TIRES
    await stack.enter_async_context(gateway.providers)
    await gateway.providers.start(house_bot.needs)
    stack.push_async_callback(gateway.dispatch.close)
    parts = (gateway.board, gateway.registry, gateway.door, gateway.presence, history, gateway.worker, spans)
    tasks = [asyncio.create_task(part.run()) for part in parts]
    stack.push_async_callback(_end, tasks)
    return gateway


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def process(
    module: str,
    environment: Mapping[str, str],
    log: Path | None,
    profile: Path | None = None,
    *arguments: str,
    pipe: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A module as a process, ended afterwards."""
    measured = ["-m", "cProfile", "-o", str(profile)] if profile else []
    with (log or Path(os.devnull)).open("ab") as errors:
        started = subprocess.Popen(
            [sys.executable, *measured, "-m", module, *arguments],
            env=dict(environment),
            stdout=subprocess.PIPE if pipe else errors,
            stderr=errors,
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


@contextmanager
def _traces(endpoint: str) -> Iterator[None]:
    """Where spans go to, for this process and those that it starts; empty for nowhere."""
    before = os.environ.pop(ENDPOINT, None)
    if endpoint:
        os.environ[ENDPOINT] = endpoint
    try:
        yield
    finally:
        os.environ.pop(ENDPOINT, None)
        if before is not None:
            os.environ[ENDPOINT] = before
