"""A sandbox as a process, to be asked, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bellboard.testing.servers import ends_with_us
from bellboard_sandbox.wire import Answer, Client


@asynccontextmanager
async def busy_town() -> AsyncIterator[Path]:
    """The folder of a running sandbox with its customers. It is not below the test's own: socket paths are short."""
    with tempfile.TemporaryDirectory(prefix="bb-") as folder:
        town = Town(Path(folder), "--rate", "60")
        await asyncio.to_thread(town.start)
        try:
            yield town.folder
        finally:
            await asyncio.to_thread(town.end)


class Town:
    """A sandbox as a process, and connections to its sockets."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self._options = folder, options
        self.control, self.front = Client(folder / "control.sock"), Client(folder / "front.sock")
        self.caddy = Client(folder / "caddy.sock")

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        command = (sys.executable, "-m", "bellboard_sandbox.town", "--dir", str(self.folder), *self._options)
        self.process = subprocess.Popen(ends_with_us(*command), stdout=subprocess.PIPE)
        assert self.process.stdout
        assert self.process.stdout.readline().startswith(b"sandbox: ready")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and wait until it has: its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
            self.process.wait(30)
            assert self.process.stdout
            self.process.stdout.close()
        return self.process.returncode

    def family(self) -> set[int]:
        """The processes that the town has begun."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in found.split()}

    async def ask(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        """Ask the control socket."""
        answer = await self.control.ask(method, f"/v1/{target}", b"" if body is None else json.dumps(body).encode())
        return answer.code, json.loads(answer.body)

    async def told(self, method: str, target: str, body: object = None) -> Any:
        """The same, where it must work."""
        code, value = await self.ask(method, target, body)
        assert code == 200, value
        return value

    async def replicas(self) -> dict[str, Any]:
        """The replicas of web, by name."""
        return {replica["name"]: replica for replica in (await self.told("GET", "apps/shop"))["replicas"]}

    async def add(self, name: str, version: str) -> Any:
        """Have a replica of a version."""
        digests = {entry["name"]: entry["digest"] for entry in (await self.told("GET", "apps/shop"))["versions"]}
        return await self.told("PUT", f"apps/shop/replicas/{name}", {"version": version, "digest": digests[version]})

    async def back(self, name: str, restarts: int) -> bool:
        """Whether a replica is ready, after so many restarts."""
        replica = (await self.replicas())[name]
        return bool(replica["restarts"] == restarts and replica["state"] == "ready")

    async def shares(self) -> tuple[list[str], list[int]]:
        """The balancer's upstreams, and their weights."""
        handler = json.loads((await self.caddy.ask("GET", "/id/shop")).body)
        weights: list[int] = handler["load_balancing"]["selection_policy"]["weights"]
        return [entry["dial"] for entry in handler["upstreams"]], weights

    async def share(self, weights: dict[str, int]) -> None:
        """Give replicas their shares; others get none."""
        sockets = {name: replica["socket"] for name, replica in (await self.replicas()).items()}
        handler = json.loads((await self.caddy.ask("GET", "/id/shop")).body)
        handler["upstreams"] = [{"dial": f"unix/{sockets[name]}"} for name in weights]
        handler["load_balancing"]["selection_policy"]["weights"] = list(weights.values())
        body = json.dumps(handler).encode()
        answer = await self.caddy.ask("PATCH", "/id/shop", body, {"Content-Type": "application/json"})
        assert answer.code == 200, answer.body

    async def visit(self, target: str = "/", method: str = "GET") -> Answer:
        """Do as a customer does."""
        return await self.front.ask(method, target)


def gone(pid: int) -> bool:
    """Whether a process runs no more; one that nobody has buried yet does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def kill(pid: int) -> None:
    """End a process at once."""
    os.kill(pid, signal.SIGKILL)
