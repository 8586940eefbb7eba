"""Where the servers of a cluster stand: side by side on the loopback interface, or each in a network namespace of its own.

In namespaces each server has two cables, one to the other servers and one to its clients, so either can be pulled. That
takes Linux, root and iproute2.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bellboard.testing.servers import free_port

TAG = "bb"
"""What the names of namespaces and cables begin with, before the id of the process that made them."""


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
        _sweep()
        self._tag, self._servers = f"{TAG}{os.getpid()}", servers
        # Each run has addresses of its own; nothing leaves this machine.
        self._net = f"10.{128 + os.getpid() % 100}"
        try:
            for third, cable in enumerate(self.cables):
                bridge = f"{self._tag}{cable[0]}"
                _ip("link", "add", bridge, "type", "bridge")
                _ip("link", "set", bridge, "up")
                if cable == "client":
                    _ip("addr", "add", f"{self._net}.{third}.254/24", "dev", bridge)
            for number in range(servers):
                self._make(number)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise

    def place(self, number: int) -> Place:
        prefix = ("ip", "netns", "exec", f"{self._tag}n{number}")
        return Place(prefix, (f"{self._net}.1.{number + 1}", 4222), (f"{self._net}.0.{number + 1}", 6222))

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
            _ip("-n", space, "addr", "add", f"{self._net}.{third}.{number + 1}/24", "dev", far)
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


def _sweep() -> None:
    """Take away what a run has left behind that was killed."""
    for row in subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True).stdout.splitlines():
        if (found := re.match(rf"\d+: ({TAG}(\d+)[a-z]\d*)[@:]", row)) and not Path(f"/proc/{found[2]}").exists():
            _ip("link", "del", found[1], check=False)
    for space in subprocess.run(["ip", "netns"], check=True, capture_output=True, text=True).stdout.split():
        if (found := re.fullmatch(rf"{TAG}(\d+)n\d+", space)) and not Path(f"/proc/{found[1]}").exists():
            _ip("netns", "del", space, check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)  # iproute2, wherever it is
