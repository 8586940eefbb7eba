"""Where rollouts are killed: a bus, a reaper, the sandbox with customers, and a program that deploys."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.ledger.state import FINAL, S
from bellboard.provision import House, layout
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer
from bellboard_cli.bots import own
from bellboard_deploy.bot import bot
from bellboard_deploy.providers import Observed
from bellboard_deploy.sandbox import Sandbox
from tests.integration.mesh import Gate, Mesh, Process
from tests.integration.sandbox.towns import busy_town

ENDED = 120.0
SHIP = """#!/bin/sh
echo "$1" >> "$0.begun"
sleep 0.3
echo "$1" >> "$0.done"
"""
FIND = """#!/bin/sh
grep -qx "$1" "${0%-log}.begun" || exit 1
for _ in 1 2 3 4 5 6 7 8 9 10; do
  grep -qx "$1" "${0%-log}.done" && exit 0
  sleep 0.3
done
exit 2
"""


@dataclass(frozen=True, slots=True)
class Life:
    """One deploy whose first worker was to die.

    Attributes:
        died: the words of the point where it did; empty if it had ended before.
        began, done: the ids with which the program was started, one for each start, and with which it came to its end.
        failed: how many requests of customers failed, by version.
    """

    died: str
    record: pb.Record
    observed: Observed
    began: Sequence[str]
    done: Sequence[str]
    failed: dict[str, int]


class Ground:
    """A mesh with a town, in which one deploy after another is carried out."""

    def __init__(self, folder: Path, gate: Gate, mesh: Mesh, town: Path) -> None:
        self._folder, self._gate, self._mesh, self._town = folder, gate, mesh, town
        self._ship, self._count = folder / "ship", 0
        self._file = folder / "environments.yaml"
        for path, text in ((self._ship, SHIP), (folder / "ship-log", FIND)):
            path.write_text(text)
            path.chmod(0o700)
        self._file.write_text(
            "environments:\n  sandbox: {kind: sandbox}\n"
            f"  legacy: {{kind: command, apps: [shop], cwd: {folder}, run: [{self._ship}, '{{key}}'], "
            f"find: [{self._ship}-log, '{{key}}']}}\n"
        )

    async def live(self, line: str, at: str) -> Life:
        """Carry out a line with a worker that dies at a point, and another that comes after it."""
        await self._ask("POST", "reset")
        self._count += 1
        began, done = len(self._told("begun")), len(self._told("done"))
        points = self._folder / f"points-{self._count}"
        first = await self._bot(at, points)
        key = await self._gate.accept(line)

        async def over() -> bool:
            dead = first._process is not None and first._process.returncode is not None
            return dead or (await self._gate.newest(key)).state in FINAL

        await eventually(over, ENDED, because="it neither died nor ended")
        died = first._process is not None and first._process.returncode is not None
        last = first if not died else await self._bot("never", self._folder / "points")
        try:
            record = await self._gate.final(key, timeout=ENDED)
            if record.state == S.STATE_UNKNOWN:
                with suppress(AssertionError):  # then it stays UNKNOWN, and is judged as that
                    record = await self._gate.resolved(key)
        finally:
            last.kill()
            await last.ended()
        where = points.read_text().splitlines()[-1] if died else ""
        observed = await Sandbox(self._town).observe("shop")
        return Life(where, record, observed, self._told("begun")[began:], self._told("done")[done:], await self._failed())

    async def _bot(self, at: str, points: Path) -> Process:
        points.touch()
        own = {"BELLBOARD_SANDBOX_DIR": str(self._town), "BELLBOARD_DEPLOY_FILE": str(self._file)}
        death = {"BELLBOARD_DIE_AT": at, "BELLBOARD_POINTS": str(points)}
        replica = f"deploy-{self._count}-{at.replace(' ', '-')}"
        env = {"BELLBOARD_REPLICA": f"deploy-{1 if at != 'never' else 2}", **own, **death}
        process = self._mesh.service("deploy", replica, "tests.chaos.rollouts.mortal", env)
        return await process.start()

    def _told(self, what: str) -> Sequence[str]:
        path = self._ship.with_suffix(f".{what}")
        return path.read_text().split() if path.exists() else ()

    async def _failed(self) -> dict[str, int]:
        failed: dict[str, int] = {}
        for one in (await self._ask("GET", "status"))["customers"]["failed"]:
            failed[one["version"]] = failed.get(one["version"], 0) + one["count"]
        return failed

    async def _ask(self, method: str, target: str) -> Any:
        connector = aiohttp.UnixConnector(path=str(self._town / "control.sock"))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, f"http://localhost/v1/{target}") as answer,
        ):
            return await answer.json()


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Start everything but the bot, and end it afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bb-chaos-")))
        stack.enter_context(patch.object(layout, "ACK_WAIT", 4))  # what was lost is handed out again sooner
        house = House(folder / "house")
        house.make(bots=[own("deploy")])
        nats = NatsServer(house)
        stack.push_async_callback(nats.kill)
        await nats.start()
        await nats.provision()
        said = house.service_env("gw-1")
        bus = await Bus.connect(said["BELLBOARD_BUS_URL"], name="gw-1", nkey_seed=Path(said["BELLBOARD_NKEY_FILE"]))
        stack.push_async_callback(bus.close)
        mesh = Mesh(house, folder)
        stack.push_async_callback(mesh.close)
        town = await stack.enter_async_context(busy_town())
        await mesh.reaper(BELLBOARD_GIVE_UP="60")  # a machine at work on other things may take long to start the next one
        yield Ground(folder, Gate(house, bus, bot.contract), mesh, town)
