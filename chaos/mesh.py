"""The whole mesh under kill -9 and SIGSTOP: start it, load it, strike it, let it heal, and judge."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bellboard.bus import Bus, Message
from bellboard.provision.house import House

from . import load, storm, verdict

ROOT = Path(__file__).parents[1]
PRACTICE = ROOT / "tests" / "bots" / "practice"


class Mesh:
    """`bell up` in a folder of its own, with the practice bot enrolled."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.effects = data / "effects.txt"
        path = os.pathsep.join(filter(None, [str(PRACTICE), os.environ.get("PYTHONPATH", "")]))
        self.env = {**os.environ, "PYTHONPATH": path, "BELLBOARD_PRACTICE_FILE": str(self.effects)}
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        bell = [sys.executable, "-m", "bellboard_cli"]
        subprocess.run(
            [*bell, "bot", "enrol", "practice", "--module", "bellboard_practice", "--open", "--data", str(self.data)],
            env=self.env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.process = await asyncio.create_subprocess_exec(
            *bell, "up", "--data", str(self.data), "--port", "0", env=self.env, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        while line := (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode():
            if line.startswith("ready "):
                asyncio.get_running_loop().create_task(self._drain(), name="the output of bell up")
                return
        raise RuntimeError("bell up ended before it was ready")

    async def _drain(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with (self.data / "bell-up.out").open("ab") as kept:
            while line := await self.process.stdout.readline():
                kept.write(line)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 60)

    async def ledger(self) -> list[Message]:
        """Everything that stands in the ledger, read from the bus itself."""
        house = House(self.data)
        settings = house.service_env("gw-2")
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
        await mesh.start()
        try:
            submitted = load.plan(commands, seed)
            pressure = load.Load(mesh.data, submitted, rate)
            blows = storm.Storm(mesh.data, storm.plan(each, seed), commands / rate, seed, lambda: pressure.in_flight)
            await asyncio.gather(pressure.run(), blows.run())
            return verdict.judge(submitted, verdict.lives(await mesh.ledger()), verdict.effects(mesh.effects), blows.struck)
        finally:
            await mesh.stop()
