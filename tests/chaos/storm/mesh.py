"""The whole mesh under kill -9 and SIGSTOP: start it, load it, strike it, let it heal, and judge."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bellboard.bus import Bus, Message
from bellboard.provision.house import House
from tests.e2e.mesh import Mesh

from . import blows, load, verdict

EARLY = 0.9
"""The part of the load over which the blows are spread: those that met nothing in flight are made up for in the rest."""


async def ledger(data: Path) -> list[Message]:
    """Everything that stands in the ledger, read from the bus itself."""
    settings = House(data).service_env("gw-2")
    bus = await Bus.connect(settings["BELLBOARD_BUS_URL"], name="gw-2", nkey_seed=Path(settings["BELLBOARD_NKEY_FILE"]))
    end = await bus.end("LED")
    found: list[Message] = []
    async for message in bus.follow("LED", after=0):
        found.append(message)
        if message.sequence >= end:
            break
    await bus.close()
    return found


async def run(commands: int, each: int, rate: float, seed: int) -> verdict.Report:
    """``commands`` at ``rate`` a second, under ``each`` blows of every kind on every target."""
    with tempfile.TemporaryDirectory(prefix="bellboard-chaos-") as folder:
        mesh = Mesh(Path(folder) / "data")
        try:
            await asyncio.to_thread(mesh.start)
            submitted = load.plan(commands, seed)
            pressure = load.Load(mesh.data, submitted, rate)
            loading = asyncio.create_task(pressure.run())
            seconds = EARLY * commands / rate
            storm = blows.Storm(mesh.data, blows.plan(each, seed), seconds, seed, lambda: pressure.in_flight, over=loading.done)
            await asyncio.gather(loading, storm.run())
            found = verdict.lives(await ledger(mesh.data))
            report = verdict.judge(submitted, found, verdict.effects(mesh.effects), storm.struck)
            verdict.judge_blows(report, storm.struck, each)
            return report
        finally:
            await asyncio.to_thread(mesh.stop)
