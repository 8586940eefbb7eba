"""Where the servers of a cluster stand: side by side on the loopback interface, or each in a network namespace of its own.

In namespaces each server has two cables, one to the other servers and one to its clients, so either can be pulled. That
takes Linux, root and iproute2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Protocol

from bellboard.testing.servers import free_port

NET = "10.213"
"""The first half of the addresses; nothing leaves this machine."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server stands: what its command begins with, and where it listens for clients and for other servers."""

    prefix: tuple[str, ...]
    client: tuple[str, int]
    route: tuple[str, int]


class Network(Protocol):
    """Places for servers, and what can be done to the cables between them."""

    partitions: bool

    def place(self, number: int) -> Place:
        """Where a server stands."""

    def pull(self, number: int, cable: str) -> None:
        """Pull a server's cable: "route" or "client"."""

    def plug(self, number: int, cable: str) -> None:
        """Put it back."""

    def close(self) -> None:
        """Leave nothing behind."""


@dataclass
class Loopback:
    """No cables, so no partitions."""

    partitions: bool = False
    _ports: dict[int, tuple[int, int]] = field(default_factory=dict)

    def place(self, number: int) -> Place:
        client, route = self._ports.setdefault(number, (free_port(), free_port()))
        return Place((), ("127.0.0.1", client), ("127.0.0.1", route))

    def pull(self, number: int, cable: str) -> None:
        raise NotImplementedError("the loopback interface has no cables")

    def plug(self, number: int, cable: str) -> None:
        raise NotImplementedError("the loopback interface has no cables")

    def close(self) -> None:
        return


class Namespaces:
    """Network namespaces. The bridge of the clients' cables has an address, where this process and all services are.

    Raises:
        OSError, CalledProcessError: this machine does not let us.
    """

    partitions = True
    cables = ("route", "client")

    def __init__(self, servers: int = 3) -> None:
        self._tag = f"bb{os.getpid() % 10000:04d}"
        self._servers = servers
        try:
            for third, cable in enumerate(self.cables):
                bridge = f"{self._tag}{cable[0]}"
                _ip("link", "add", bridge, "type", "bridge")
                _ip("link", "set", bridge, "up")
                if cable == "client":
                    _ip("addr", "add", f"{NET}.{third}.254/24", "dev", bridge)
            for number in range(servers):
                self._make(number)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise

    def place(self, number: int) -> Place:
        prefix = ("ip", "netns", "exec", f"{self._tag}n{number}")
        return Place(prefix, (f"{NET}.1.{number + 1}", 4222), (f"{NET}.0.{number + 1}", 6222))

    def pull(self, number: int, cable: str) -> None:
        _ip("link", "set", self._cable(number, cable), "down")

    def plug(self, number: int, cable: str) -> None:
        _ip("link", "set", self._cable(number, cable), "up")

    def close(self) -> None:
        for number in range(self._servers):
            _ip("netns", "del", f"{self._tag}n{number}", check=False)  # and with it the far ends of its cables
        for cable in self.cables:
            _ip("link", "del", f"{self._tag}{cable[0]}", check=False)

    def _make(self, number: int) -> None:
        space = f"{self._tag}n{number}"
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        for third, cable in enumerate(self.cables):
            near, far = self._cable(number, cable), f"{cable}0"
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
            _ip("link", "set", near, "master", f"{self._tag}{cable[0]}", "up")
            _ip("-n", space, "addr", "add", f"{NET}.{third}.{number + 1}/24", "dev", far)
            _ip("-n", space, "link", "set", far, "up")

    def _cable(self, number: int, cable: str) -> str:
        return f"{self._tag}{cable[0]}{number}"


def network() -> Network:
    """Namespaces where there can be some, else the loopback interface."""
    if os.geteuid() == 0 and shutil.which("ip"):
        try:
            return Namespaces()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"no network namespaces: {error}", flush=True)
    print("no partitions: they take root on Linux, and iproute2", flush=True)
    return Loopback()


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)  # iproute2, wherever it is
