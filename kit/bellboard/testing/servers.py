"""A real nats-server, to be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
import re
import shutil
import signal
import socket
import subprocess

from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.provision import House, provision
from bellboard.provision.accounts import PROVISIONER

READY = re.compile(r"Server is ready")

_PORTS = range(12000, 20000)
"""Below the range from which the kernel takes ports for outgoing connections: while a server is down for a moment, none of
its own clients can come to sit on its port."""


class NatsServer:
    """The bus of a house. Its port is chosen at the first start, and kept."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._process: asyncio.subprocess.Process | None = None
        self._log = house.logs / "nats.log"

    @property
    def url(self) -> str:
        return self.house.bus_url

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it, and return when it takes connections."""
        if self.house.port < 0:
            self.house.configure(free_port())
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *ends_with_us(*self.house.server_command()), stdout=log, stderr=log
            )
        while not READY.search(self._log.read_text()):
            assert self._process.returncode is None, self._log.read_text()
            await asyncio.sleep(0.01)

    async def provision(self) -> None:
        """Make its streams and consumers."""
        bus = await Bus.connect(self.url, name=PROVISIONER, nkey_seed=self.house.seed(PROVISIONER))
        try:
            await provision(bus, self.house.enrolments())
        finally:
            await bus.close()

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def restart(self) -> None:
        """kill -9, and start again with what is on disk."""
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and does nothing. Returns when it stands still."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def bus(self, user: str) -> Bus:
        """A connection as one of the house's bus users."""
        return await Bus.connect(self.url, name=user, nkey_seed=self.house.seed(user))


def ends_with_us(*command: str) -> tuple[str, ...]:
    """The command, killed when the thread that starts it ends: a test run that is killed leaves nothing behind. On Linux."""
    return (*_at_our_end(), *command)


@functools.cache
def _at_our_end() -> tuple[str, ...]:
    """What has the kernel do it, and then is the command; nothing where there is no such program."""
    found = shutil.which("setpriv")
    prefix = (found, "--pdeathsig", "KILL") if found else ()
    works = bool(prefix) and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0  # noqa: S603  # our own words
    return prefix if works else ()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    for port in random.sample(_PORTS, k=200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


async def close_all(buses: list[Bus]) -> None:
    """Close connections, whatever state they are in."""
    for bus in buses:
        try:
            await bus.close(drain=False)
        except BusError:
            continue
