"""Makes an environment behind HAProxy from what the file says of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bellboard import SettingsError

from ..argv import CommandHosts
from ..argv.making import Programs
from ..entries import Entry, read_entry
from ..providers import Environment
from .balancer import HAProxyBalancer
from .deployer import HAProxyDeployer
from .naming import encode
from .runtime import Runtime

_CHECK = re.compile(r"(?:check(?: (?:inter|fastinter|downinter|rise|fall|maxconn|slowstart) [0-9]+(?:ms|s|m)?)*)?")


class HAProxyHosts(Programs):
    """The programs that start and stop replicas.

    ``versions`` prints a line for each version, ``NAME DIGEST WORDS``; ``start`` prints the replica's address as its last line.
    """

    versions: tuple[str, ...]
    start: tuple[str, ...]
    stop: tuple[str, ...]


class HAProxyEntry(Entry):
    """An environment behind HAProxy; it can only be balanced by hand where ``hosts`` is left out.

    Attributes:
        socket: HAProxy's stats socket, of level admin.
        apps: the name of HAProxy's backend of each app.
        check: as in a ``server`` line: how the health of a new replica is asked; empty where it is not.
        replicas: how many an app gets where none runs yet.
    """

    socket: Path
    apps: dict[str, str]
    check: str = "check inter 1s rise 1 fall 3"
    replicas: int = 2
    hosts: HAProxyHosts | None = None


@asynccontextmanager
async def open_haproxy(name: str, entry: Mapping[str, Any]) -> AsyncIterator[Environment]:
    """The environment of an entry. HAProxy need not run yet.

    Raises:
        SettingsError: the entry is wrong.
    """
    said = read_entry(name, entry, HAProxyEntry)
    if not _CHECK.fullmatch(said.check):
        raise SettingsError(f"the environment {name}: check is not understood", hint="check inter 1s rise 1 fall 3")
    if wrong := [backend for backend in said.apps.values() if encode(backend) != backend or not backend]:
        raise SettingsError(f"the environment {name}: {wrong[0][:40]} is no name of a backend")
    runtime = Runtime(said.socket)
    balancer = HAProxyBalancer(runtime, said.apps)
    deployer = None
    if said.hosts is not None:
        program = said.hosts.programs(name)
        hosts = CommandHosts(*(program(getattr(said.hosts, what)) for what in ("versions", "start", "stop")), env=name)
        deployer = HAProxyDeployer(runtime, balancer, hosts, said.check)
    yield Environment(name, deployer=deployer, balancer=balancer, gauges=balancer, replicas=said.replicas)
