"""Three nats-servers that are one bus, as the product configures one, and who leads the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import orjson

from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.ledger.store import LEDGER
from bellboard.provision import House, provision
from bellboard.provision.accounts import PROVISIONER, Team
from bellboard.provision.house import USERS
from bellboard.provision.keys import bus_user
from bellboard.provision.server import binary, render
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us

from .networks import Network

SIZE = 3


class Server:
    """One of them."""

    def __init__(self, house: House, network: Network, number: int) -> None:
        self.name, self.number = f"nats-{number}", number
        self._place = network.place(number)
        self._folder = house.folder / self.name
        self._folder.mkdir()
        self._config = self._folder / "server.conf"
        self._config.write_text(self._render(house, [network.place(other).route for other in range(SIZE)]))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        host, port = self._place.client
        return f"nats://{host}:{port}"

    @property
    def store(self) -> Path:
        return self._folder / "store"

    @property
    def log(self) -> Path:
        return self._folder / "log"

    def _render(self, house: House, routes: list[tuple[str, int]]) -> str:
        users = {user: bus_user(house.seed(user)) for user in USERS}
        team = Team(users, {one.bot: one.nkey for one in house.enrolments() if one.nkey})
        host, port = self._place.client
        text = render([team], store=self.store, port=port, pid_file=self._folder / "pid")
        for before, after in (('"bellboard"', f'"{self.name}"'), ('host: "127.0.0.1"', f'host: "{host}"')):
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        own, others = "{}:{}".format(*self._place.route), ", ".join(f'"nats://{host}:{port}"' for host, port in routes)
        return text + f'cluster {{\n  name: "bellboard"\n  listen: "{own}"\n  no_advertise: true\n  routes: [{others}]\n}}\n'

    async def start(self) -> None:
        """Start it; it may be long until it takes part."""
        command = ends_with_us(*self._place.prefix, str(binary()), "--config", str(self._config))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)

    async def end(self, number: signal.Signals) -> None:
        """Signal it, and wait until it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP it for so long."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)


class Cluster:
    """All of them."""

    def __init__(self, house: House, network: Network) -> None:
        self._house, self.network = house, network
        self.servers = [Server(house, network, number) for number in range(SIZE)]
        self._bus: Bus | None = None

    @property
    def url(self) -> str:
        """Where they are, as services are told."""
        return ",".join(server.url for server in self.servers)

    async def start(self) -> None:
        """Start them, and make streams of which each has a copy."""
        for server in self.servers:
            await server.start()
        self._bus = await self.bus(PROVISIONER, patience=30.0)
        await eventually(self._provisioned, 60, because="the cluster takes no streams")
        await self.settled()

    async def bus(self, user: str, patience: float = 10.0) -> Bus:
        """A connection to any of them."""
        return await Bus.connect(self.url, name=user, nkey_seed=self._house.seed(user), patience=patience)

    async def _provisioned(self) -> bool:
        assert self._bus is not None
        try:
            await provision(self._bus, self._house.enrolments(), replicas=SIZE)
        except BusError:
            return False
        return True

    async def leader(self) -> Server:
        """The server that leads the ledger, once one does."""

        async def led() -> Server | None:
            name = (await self._ledger()).get("leader")
            return next((server for server in self.servers if server.name == name), None)

        server = await eventually(led, 60, because="nobody leads the ledger")
        assert server is not None
        return server

    async def settled(self) -> None:
        """Wait until every server has all of the ledger.

        The leader takes one that it has not heard of for a while for what it was: each has to be heard from now on.
        """
        began = time.monotonic()

        async def current() -> bool:
            since = (time.monotonic() - began) * 1e9
            replicas = (await self._ledger()).get("replicas") or []
            return len(replicas) == SIZE - 1 and all(
                one["current"] and not one.get("offline") and one["active"] < since for one in replicas
            )

        await eventually(current, 120, because="a server does not catch up")

    async def _ledger(self) -> dict[str, Any]:
        assert self._bus is not None
        with contextlib.suppress(BusError):
            answer = orjson.loads((await self._bus.request(f"$JS.API.STREAM.INFO.{LEDGER}")).payload)
            return dict(answer.get("cluster") or {})
        return {}

    async def close(self) -> None:
        if self._bus is not None:
            await self._bus.close(drain=False)
        for server in self.servers:
            await server.end(signal.SIGKILL)
        self.network.close()
