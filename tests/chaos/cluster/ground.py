"""The services of a team on a bus of three servers: started, loaded, struck, and judged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from bellboard.bus import Message
from bellboard.ledger.store import LEDGER
from bellboard.provision import House, enrol
from bellboard.testing.plugin import IDEMPOTENT, ONCE, READ
from tests.chaos.storm import verdict
from tests.chaos.storm.load import Load, plan
from tests.integration.mesh import Mesh, Process

from .faults import Faults
from .networks import network
from .servers import Cluster

ACCEPTED = 0.5
"""Part of the commands: the bus has no leader, or its gateway none that it reaches, for much of such a run, and says so."""


class Services:
    """Two gateways, two bots and a reaper, each started again when it ends, as whatever runs them does."""

    def __init__(self, mesh: Mesh, url: str) -> None:
        self._mesh, self._url = mesh, url
        self._keepers: list[asyncio.Task[None]] = []
        self.lost: list[str] = []

    async def start(self, folder: Path) -> int:
        """Start them; the gateway's gRPC port."""
        ports = {"BELLBOARD_WEB_PORT": "0", "BELLBOARD_GRPC_PORT": "0"}
        effects = {"BELLBOARD_PRACTICE_FILE": str(self._mesh.effects_file)}
        gateway = self._service("gw-1", "gw-1", "bellboard_gateway", ports)
        rest = [
            self._service("gw-2", "gw-2", "bellboard_gateway", ports),
            self._service("reaper", "reaper-1", "bellboard_reaper", {}),
            *(self._service("practice", f"practice-{n}", "bellboard_practice", effects, str(folder / f"{n}")) for n in (1, 2)),
        ]
        for process in (gateway, *rest):
            await process.start()
        port = int((await gateway.says("service.ready"))["grpc_port"])
        gateway._env["BELLBOARD_GRPC_PORT"] = str(port)
        self._keepers = [asyncio.create_task(self._keep(process)) for process in (gateway, *rest)]
        return port

    def _service(self, name: str, replica: str, module: str, more: dict[str, str], data: str = "") -> Process:
        own = {"BELLBOARD_REPLICA": replica, "BELLBOARD_BUS_URL": self._url, **more}
        return self._mesh.service(name, replica, module, own | ({"BELLBOARD_DATA_DIR": data} if data else {}))

    async def _keep(self, process: Process) -> None:
        while True:
            await process.ended()
            self._note(process)
            await asyncio.sleep(0.3)
            with contextlib.suppress(Exception):  # no bus yet: it ends again, and is started again
                await process.start(ready=False)

    def _note(self, process: Process) -> None:
        self.lost += [f"{process.replica}: {line['lost']}" for line in process.lines() if line.get("event") == "history.lost"]

    async def stop(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for process in self._mesh.processes:
            self._note(process)
        await self._mesh.close()


async def run(commands: int, faults: int, rate: float, seed: int, *, longest: float = 15.0) -> verdict.Report:
    """So many commands, ``rate`` a second, under so many faults, each at most ``longest`` seconds long."""
    async with _cluster() as (folder, cluster):
        house = _house_of(folder)
        services = Services(Mesh(house, folder), cluster.url)
        try:
            port = await services.start(folder)
            (folder / "run.json").write_bytes(orjson.dumps({"token": house.local_token(), "ports": {"grpc": port}}))
            load = Load(folder, plan(commands, seed), rate)
            storm = Faults(cluster, random.Random(seed), lambda: load.in_flight, longest)
            await asyncio.gather(load.run(), storm.run(faults, time.monotonic() + commands / rate))
            lives = verdict.lives(await _ledger(cluster))
        finally:
            await services.stop()
        happened = verdict.effects(folder / "effects.txt")
        report = verdict.judge(load.commands, lives, happened, storm.struck, least=ACCEPTED)
        report.promise(not services.lost, f"safe mode though nothing was lost: {services.lost}")
        return report


@asynccontextmanager
async def _cluster() -> AsyncIterator[tuple[Path, Cluster]]:
    with tempfile.TemporaryDirectory(prefix="bellboard-cluster-") as place:
        folder = Path(place)
        practice = enrol.enrolment(
            "practice",
            module="bellboard_practice",
            package="bellboard_practice.v1",
            phrases=["practice"],
            effects=[READ, IDEMPOTENT, ONCE],
            open=True,
        )
        house = _house_of(folder)
        house.make(bots=[practice])
        cluster = Cluster(house, network())
        try:
            await cluster.start()
            yield folder, cluster
        finally:
            await cluster.close()


def _house_of(folder: Path) -> House:
    return House(folder / "house")


async def _ledger(cluster: Cluster) -> list[Message]:
    """Everything that stands in the ledger."""
    bus, found = await cluster.bus("gw-2", patience=30.0), []
    try:
        end = await bus.end(LEDGER)
        async for message in bus.follow(LEDGER):
            found.append(message)
            if message.sequence >= end:
                break
    finally:
        await bus.close(drain=False)
    return found
