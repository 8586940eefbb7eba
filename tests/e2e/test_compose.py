"""docker-compose.yml works: its containers, as processes that see what they would see, on a bus that is set up as theirs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.provision import server
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us, free_port
from tests.integration.mesh import Process

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
ONCE = ("keys", "accounts", "nats", "streams")
MEMBERS = [name for name, one in COMPOSE.items() if name not in ONCE and "profiles" not in one]
TOKEN = "a long random word that nobody guesses"


class Containers:
    """What compose says, on this machine: volumes are folders under one, and every server takes a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.processes: dict[str, Process] = {}
        self.nats: asyncio.subprocess.Process | None = None
        shutil.copytree(ROOT / "deploy/compose", folder / "deploy/compose")
        people = folder / "deploy/compose/team/people.yaml"
        told = people.read_text()
        assert "tokens: []" in told
        people.write_text(told.replace("tokens: []", f"tokens: [{hashlib.sha256(TOKEN.encode()).hexdigest()}]"))

    def mounts(self, name: str) -> dict[str, Path]:
        """Where a container's folders and files are, by what it calls them."""
        found = {}
        for one in COMPOSE[name].get("volumes", ()):
            if isinstance(one, dict):
                found[one["target"]] = self.folder / one["source"] / one["volume"]["subpath"]
                continue
            source, target, *_ = one.split(":")
            found[target] = self.folder / source
            if not source.startswith("."):
                found[target].mkdir(exist_ok=True)
        return found

    def here(self, name: str, path: str) -> str:
        """A container's path, on this machine."""
        for target, source in self.mounts(name).items():
            if path == target or path.startswith(f"{target}/"):
                return str(source) + path.removeprefix(target)
        return path

    def env(self, name: str) -> dict[str, str]:
        """What a container is told, in terms of this machine."""
        told = {}
        for key, value in COMPOSE[name].get("environment", {}).items():
            value = value.replace("nats://nats:4222", f"nats://127.0.0.1:{self.port}").replace("0.0.0.0", "127.0.0.1")
            told[key] = "0" if key.endswith("_PORT") else self.here(name, value)
        return told

    async def once(self, name: str) -> None:
        """Run one that ends."""
        command = [sys.executable, "-m", "bellboard_provisioner", *COMPOSE[name]["command"]]
        done = await asyncio.create_subprocess_exec(*ends_with_us(*command), env={**os.environ, **self.env(name)})
        assert await done.wait() == 0

    async def bus(self) -> None:
        """Start the server with the configuration of compose."""
        text = (self.folder / "deploy/compose/nats.conf").read_text()
        replaced = (
            ("port: 4222", f'host: "127.0.0.1"\nport: {self.port}'),
            ("/var/lib/bellboard", str(self.mounts("nats")["/var/lib/bellboard"])),
            ("../../run/nats/", ""),
        )
        for said, here in replaced:
            assert said in text
            text = text.replace(said, here)
        config = self.folder / "run/nats.conf"
        config.write_text(text)
        self.nats = await asyncio.create_subprocess_exec(
            *ends_with_us(str(server.binary()), "--config", str(config)), stderr=asyncio.subprocess.DEVNULL
        )

    async def start(self) -> None:
        """Everything, in the order of compose."""
        await self.once("keys")
        await self.once("accounts")
        await self.bus()
        await self.once("streams")
        for name in MEMBERS:
            env = {**self.env(name), "BELLBOARD_REPLICA": name}
            self.processes[name] = Process(name, f"bellboard_{name}", env, self.folder / f"{name}.log")
            await self.processes[name].start()

    async def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            await process.ended()
        if self.nats is not None and self.nats.returncode is None:
            self.nats.kill()
            await self.nats.wait()


@pytest.fixture
async def containers(tmp_path: Path) -> AsyncIterator[Containers]:
    """All of them, running."""
    containers = Containers(tmp_path)
    try:
        await containers.start()
        yield containers
    finally:
        await containers.close()


async def test_everything_starts_and_a_command_runs(containers: Containers) -> None:
    """With nothing but what compose tells each, and somebody's token."""
    port = (await containers.processes["gateway"].says("service.ready"))["grpc_port"]
    async with rpc.channel(f"127.0.0.1:{port}", TOKEN) as channel:
        gateway = stubs.GatewayServiceStub(channel)

        async def there() -> bool:
            try:
                status = await gateway.GetStatus(pb.GetStatusRequest(), timeout=10)
            except rpc.RpcError:
                return False
            alive = {bot.bot for bot in status.bots if bot.replicas}
            return alive >= {*MEMBERS} - {"gateway", "reaper"}

        await eventually(there, timeout=60, because="not every bot is there")
        answers = [answer async for answer in gateway.RunLine(pb.RunLineRequest(line="roll 2d6", room="play", request_id="1"))]
    assert answers[-1].card.state == ledger.STATE_SUCCEEDED

    token = containers.folder / "token"
    token.write_text(TOKEN)
    said = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bellboard_cli", "say", "roll 2d6", "--room", "play", "--json"),
        *("--url", f"http://127.0.0.1:{port}", "--token-file", str(token)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await said.communicate()
    assert said.returncode == 0, out
