"""HAProxy's runtime API: one command a connection, over its unix socket."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from bellboard import ProviderError

from .naming import read_name, word

SECONDS = 5.0
LARGEST = 16 * 2**20
"""Bytes of an answer that are read."""

NOWHERE = "127.0.0.1:9"
"""The address of a server whose replica is still being started: a port that nobody listens on."""

HIGHEST = 256
"""The highest weight that HAProxy knows."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a backend, as HAProxy has it. Counters run since it was added.

    Attributes:
        id: its name in HAProxy; ``replica``, ``version`` and ``digest`` are what that says.
        state: ``up`` takes requests if its weight is more than 0; ``out`` is in maintenance.
        weight: as it was set, from 0 to 256, whether or not it takes requests now.
        connections: requests that it works on now.
        failed: answers with a code of 500 or more.
    """

    id: str
    replica: str
    version: str
    digest: str
    address: str
    state: Literal["up", "drained", "down", "out"]
    weight: int
    connections: int
    requests: int
    failed: int

    @property
    def takes(self) -> int:
        """Its weight if it takes requests, else 0."""
        return self.weight if self.state == "up" else 0

    @property
    def starting(self) -> bool:
        """Whether it only holds the place of a replica that is being started."""
        return self.state == "out" and self.address == NOWHERE


class Runtime:
    """Asks one HAProxy. Names are checked before anything is sent: no command can hold another.

    Every method raises ProviderError if HAProxy can't be reached, or refuses.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def servers(self, backend: str) -> tuple[Server, ...]:
        """The servers of a backend, in HAProxy's own order."""
        said = await self._ask(f"show stat {word(backend)} 4 -1")
        if not said.startswith("# pxname,"):
            raise ProviderError(f"HAProxy has no backend {backend[:40]}")
        try:
            return tuple(_server(row) for row in csv.DictReader(said.removeprefix("# ").splitlines()))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ProviderError("HAProxy answered in a form that is not its own") from error

    async def add(self, backend: str, server: str, check: str) -> None:
        """Add a server that is nowhere yet, in maintenance and with weight 0. ``check`` says how its health is asked."""
        await self._do(f"add server {word(backend)}/{word(server)} {NOWHERE} weight 0 {check}", "New server registered")

    async def place(self, backend: str, server: str, address: str) -> None:
        """Tell where a server is, such as ``10.0.0.5:8080`` or ``[::1]:8080``."""
        host, port = split_address(address)
        await self._do(f"set server {_at(backend, server)} addr {host} port {port}", "IP changed", "no need to change")

    async def checked(self, backend: str, server: str) -> None:
        """Have its health asked from now on."""
        await self._do(f"enable health {_at(backend, server)}")

    async def state(self, backend: str, server: str, state: Literal["ready", "drain", "maint"]) -> None:
        """Let it take requests, no new ones, or have nothing to do with it."""
        await self._do(f"set server {_at(backend, server)} state {state}")

    async def weight(self, backend: str, server: str, weight: int) -> None:
        """Its weight, from 0 to 256."""
        await self._do(f"set server {_at(backend, server)} weight {max(0, min(HIGHEST, int(weight)))}")

    async def hang_up(self, backend: str, server: str) -> None:
        """End what it still works on."""
        await self._do(f"shutdown sessions server {_at(backend, server)}")

    async def remove(self, backend: str, server: str) -> bool:
        """Forget a server that is in maintenance; whether HAProxy could. It can't while a connection is open."""
        said = await self._ask(f"del server {_at(backend, server)}")
        if said.startswith(("Server deleted", "No such server")):
            return True
        if "connection" in said:
            return False
        raise _refused(said)

    async def _do(self, command: str, *well: str) -> None:
        said = await self._ask(command)
        if said and not said.startswith(well):
            raise _refused(said)

    async def _ask(self, command: str) -> str:
        if not command.isascii() or not command.isprintable() or ";" in command:
            raise ProviderError("HAProxy can't be told that")
        try:
            async with asyncio.timeout(SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                try:
                    writer.write(f"{command}\n".encode())
                    await writer.drain()
                    said = bytearray()
                    while part := await reader.read(2**16):
                        said += part
                        if len(said) > LARGEST:
                            raise ProviderError("HAProxy answered with too much")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise ProviderError("HAProxy does not answer", hint="is it running, with a stats socket of level admin?") from error
        text = said.decode("utf-8", "replace").strip()
        if text.startswith("Permission denied"):
            raise ProviderError("HAProxy does not permit it", hint="its stats socket needs level admin")
        return text


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address.

    Raises:
        ProviderError: it is none; names of hosts are not taken, nor an IPv6 zone, which can be any text.
    """
    host, _, port = address.rpartition(":")
    wrong = "that is no address with a port, such as 10.0.0.5:8080"
    if not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536):
        raise ProviderError(wrong)
    try:
        return word(str(ip_address(host.removeprefix("[").removesuffix("]")))), int(port)
    except ValueError as error:
        raise ProviderError(wrong) from error


def _at(backend: str, server: str) -> str:
    return f"{word(backend)}/{word(server)}"


def _refused(said: str) -> ProviderError:
    return ProviderError(f"HAProxy refused it: {' '.join(said.split())[:120]}")


def _server(row: dict[str, str]) -> Server:
    replica, version, digest = read_name(row["svname"])
    return Server(
        id=row["svname"],
        replica=replica,
        version=version,
        digest=digest,
        address=row["addr"],
        state=_state(row["status"]),
        weight=int(row["uweight"]),
        connections=int(row["scur"]) + int(row["qcur"]),
        requests=int(row["req_tot"] or row["stot"]),
        failed=int(row["hrsp_5xx"] or 0),
    )


def _state(status: str) -> Literal["up", "drained", "down", "out"]:
    for words, state in ((("UP", "no check"), "up"), (("DRAIN", "NOLB"), "drained"), (("MAINT",), "out")):
        if status.startswith(words):
            return state  # type: ignore[return-value]  # the words beside it
    return "down"
