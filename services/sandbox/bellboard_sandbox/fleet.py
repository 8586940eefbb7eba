"""Keeps the replicas that are wanted running: what dies is started again, later each time it dies soon."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .catalog import SHOP
from .children import Child, fork
from .replica import run
from .state import Wanted
from .wire import Client, WireError

GRACE = 12.0
"""Seconds that a replica has to finish its requests."""

READY = 10.0
"""Seconds until it must be ready."""

FIRST_PAUSE, LONGEST_PAUSE, WELL = 0.05, 5.0, 10.0
"""Before a dead replica is started again; a life as long as the last makes the pause short again. In seconds."""


class NotReady(Exception):
    """A replica did not become ready in time; it is tried further."""


@dataclass(slots=True)
class Replica:
    """A replica that is wanted, and what has become of it. Its state is "starting", "ready" or "stopping"."""

    wanted: Wanted
    socket: Path
    state: str = "starting"
    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0
    child: Child | None = None
    task: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self) -> dict[str, Any]:
        """As the control socket tells of it."""
        return {
            "name": self.wanted.name,
            "version": self.wanted.version,
            "digest": self.wanted.digest,
            "state": self.state,
            "pid": self.pid,
            "socket": str(self.socket),
            "started_at": self.started_at,
            "restarts": self.restarts,
        }


class Fleet:
    """The replicas of all services."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self.replicas: dict[str, Replica] = {}

    async def start(self, wanted: Wanted) -> Replica:
        """Have a replica run, and wait until it is ready. One that is there already is left as it is.

        Raises:
            NotReady: it was not in time.
        """
        replica = self.replicas.get(wanted.name)
        if replica and replica.state == "stopping":
            await replica.gone.wait()
            replica = None
        if replica is None:
            replica = self.replicas[wanted.name] = Replica(wanted, socket_of(self._folder, wanted.name))
            replica.task = asyncio.create_task(self._keep(replica))
        try:
            async with asyncio.timeout(READY):
                await replica.ready.wait()
        except TimeoutError:
            raise NotReady(f"{wanted.name} is not ready after {READY:.0f} s") from None
        return replica

    async def stop(self, name: str, grace: float = GRACE) -> None:
        """Have a replica end as soon as its requests are done. One that is not there is none."""
        if replica := self.replicas.get(name):
            if replica.state != "stopping":
                replica.state = "stopping"
                replica.ready.clear()
                if replica.child:
                    await replica.child.stop(grace)
                elif replica.task:
                    replica.task.cancel()
            await replica.gone.wait()

    async def close(self, grace: float) -> None:
        """Have all of them end. What web asks of stock is answered still."""
        for service in (SHOP.service, SHOP.behind):
            mine = [name for name, replica in self.replicas.items() if replica.wanted.service == service]
            await asyncio.gather(*(self.stop(name, grace / 2) for name in mine))

    async def _keep(self, replica: Replica) -> None:
        pause = FIRST_PAUSE
        try:
            while replica.state != "stopping":
                began = time.monotonic()
                await self._live(replica)
                if replica.state == "stopping":
                    return
                replica.state = "starting"
                replica.ready.clear()
                replica.restarts += 1
                pause = FIRST_PAUSE if time.monotonic() - began > WELL else min(pause * 2, LONGEST_PAUSE)
                await asyncio.sleep(pause)
        finally:
            replica.socket.unlink(missing_ok=True)
            if self.replicas.get(replica.wanted.name) is replica:
                del self.replicas[replica.wanted.name]
            replica.gone.set()

    async def _live(self, replica: Replica) -> None:
        """One life of a replica, from its start to its end."""
        wanted, stock = replica.wanted, socket_of(self._folder, f"{SHOP.behind}-1")
        replica.child = child = fork(lambda: run(self._folder, wanted, replica.socket, stock, self._seed))
        replica.pid, replica.started_at = child.pid, time.time()
        watch = asyncio.create_task(self._watch(replica))
        try:
            await child.ended()
        finally:
            watch.cancel()
            replica.child, replica.pid = None, 0

    async def _watch(self, replica: Replica) -> None:
        """Say when it is ready."""
        client = Client(replica.socket)
        try:
            while True:
                with contextlib.suppress(OSError, WireError):
                    await client.ask("GET", "/health")
                    break
                await asyncio.sleep(0.01)
        finally:
            client.close()
        if replica.state == "starting":
            replica.state = "ready"
            replica.ready.set()


def socket_of(folder: Path, name: str) -> Path:
    """Where a replica listens: a path that is as short for every name, as sockets take few bytes."""
    return folder / "s" / hashlib.sha256(name.encode()).hexdigest()[:8]
