"""What `bell up` runs: which programs, with which ports and settings."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.provision import House
from bellboard.provision.accounts import REAPER
from bellboard.provision.house import GATEWAYS
from bellboard.provision.keys import write

from . import town
from .ports import HOST, Ports
from .spawn import Program

BUS, GATEWAY, NURSERY = "nats-server", "gateway", "nursery"
SANDBOX_DIR = "BELLBOARD_SANDBOX_DIR"


class Plan:
    """The programs of one data folder.

    Args:
        web: the page's port: 0 for any, None for the same as last time.
        town: the folder of the sandbox's town; None where none is to run.
    """

    def __init__(self, house: House, ports: Ports, *, web: int | None, town: Path | None = None) -> None:
        self._house, self.ports, self.town_folder = house, ports, town
        self._web = ports.take("web", web)
        self._grpc = ports.take("grpc")
        self._health: dict[str, int] = {}
        self._stamp = house.nats / "provisioned"
        bus = ports.take("nats")
        if bus != house.port:
            house.configure(bus)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._web}"

    def ports_in_use(self) -> dict[str, Any]:
        """The ports, by what they are for."""
        return {"web": self._web, "grpc": self._grpc, "nats": self._house.port, "health": dict(self._health)}

    def was_provisioned(self) -> bool:
        """Whether these streams and consumers were made before, for the same bots and by the same version of ours."""
        return self._stamp.exists() and self._stamp.read_text() == self._provisioning()

    def remember(self) -> None:
        """Remember ports and provisioning for the next start. Raises OSError."""
        self.ports.save()
        write(self._stamp, self._provisioning())

    def _provisioning(self) -> str:
        described = version("bellboard").encode() + self._house.server_config.read_bytes()
        return hashlib.sha256(described).hexdigest()

    def bus(self) -> Program:
        """nats-server itself."""
        return self._plain(BUS, *self._house.server_command())

    def nursery(self) -> Program:
        """What services are forked from."""
        return self._plain(NURSERY, sys.executable, "-m", "bellboard_cli.nursery")

    def town(self) -> list[Program]:
        """The sandbox's town, if it is to run."""
        if self.town_folder is None:
            return []
        return [self._plain(town.TOWN, sys.executable, "-m", town.MODULE, "--dir", str(self.town_folder))]

    def _plain(self, name: str, *argv: str) -> Program:
        return Program(name, argv, {"PYTHONUNBUFFERED": "1", **os.environ}, self._house.logs / f"{name}.log")

    def services(self, enrolments: Iterable[registry.Enrolment]) -> list[Program]:
        """Everything that runs on the bus."""
        gateway = {"WEB_HOST": HOST, "WEB_PORT": str(self._web), "GRPC_PORT": str(self._grpc)}
        return [
            self._service(GATEWAY, "bellboard_gateway", GATEWAYS[0], gateway),
            self._service(REAPER, "bellboard_reaper", REAPER),
            *self.bots(enrolments),
        ]

    def bots(self, enrolments: Iterable[registry.Enrolment]) -> list[Program]:
        """The bots that are started here; those without a module are started elsewhere."""
        left_out = {town.SANDBOX} if self.town_folder is None else set()
        return [self._service(one.bot, one.module, one.bot) for one in enrolments if one.module and one.bot not in left_out]

    def _service(self, name: str, module: str, identity: str, more: dict[str, str] | None = None) -> Program:
        if name not in self._health:
            self._health[name] = self.ports.take(f"health-{name}")
        own = {"HEALTH_PORT": str(self._health[name]), "WEB_URL": self.url, **(more or {})}
        settings = self._house.service_env(identity) | {f"BELLBOARD_{key}": value for key, value in own.items()}
        if settings.pop(SANDBOX_DIR, "") and self.town_folder is not None:
            settings[SANDBOX_DIR] = str(self.town_folder)
        write(self._house.services / f"{identity}.env", "".join(f"{key}={value}\n" for key, value in settings.items()))
        # The settings win over what happens to be in the environment.
        environment = {"PYTHONUNBUFFERED": "1", **os.environ, **settings}
        argv = (sys.executable, "-m", module)
        return Program(name, argv, environment, self._house.logs / f"{name}.log", module=module)
