"""What the bot needs from outside: a sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from bellboard import Failed, ProviderError, Providers, UserError

from .own import Own
from .settings import Settings

SECONDS = 45.0
"""The longest that an answer may take; a reset waits for replicas to finish their requests."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica: its state is "starting", "ready" or "stopping"."""

    name: str
    service: str
    version: str
    state: str
    restarts: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is switched on."""

    app: str
    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Failures:
    """How many requests failed of one version, for one cause. The version is empty where no replica answered."""

    version: str
    cause: str
    count: int


@dataclass(frozen=True, slots=True)
class Status:
    """How the sandbox is. ``answered`` counts requests by version, and ``sent`` those that customers sent."""

    replicas: tuple[Replica, ...]
    faults: tuple[Fault, ...]
    sent: int
    answered: Mapping[str, int]
    failed: tuple[Failures, ...]


class Sandbox(Protocol):
    """A sandbox. Every method is safe to call again.

    Raises:
        UserError: there is no such app or fault.
        Failed: it does not run; nothing happened.
        ProviderError: it did not do it, or did not say.
    """

    async def status(self) -> Status:
        """How it is."""

    async def break_(self, app: str, fault: str) -> Sequence[Fault]:
        """Switch a fault on. All that are on."""

    async def heal(self) -> None:
        """Switch every fault off."""

    async def reset(self) -> Status:
        """Make it as new, and wait until it is."""


class Folder(Protocol):
    """Knows where the sandbox is."""

    async def path(self) -> Path:
        """Its folder. Raises Failed."""


@dataclass(frozen=True, slots=True)
class Given:
    """A folder where somebody else runs a sandbox."""

    folder: Path

    async def path(self) -> Path:
        return self.folder


class SocketSandbox:
    """A `Sandbox` that is asked at its control socket."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def status(self) -> Status:
        return _status(await self._ask("GET", "status"))

    async def break_(self, app: str, fault: str) -> Sequence[Fault]:
        return _faults(await self._ask("PUT", "faults", {"app": app, "fault": fault}))

    async def heal(self) -> None:
        await self._ask("DELETE", "faults")

    async def reset(self) -> Status:
        return _status(await self._ask("POST", "reset"))

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        connector = aiohttp.UnixConnector(str(await self._folder.path() / "control.sock"))
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://sandbox/v1/{path}", json=body) as answer,
            ):
                value = await answer.json()
        except (aiohttp.ClientConnectorError, FileNotFoundError, PermissionError):
            raise Failed("the sandbox does not run", hint="bell up runs it, unless it is told --no-sandbox") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise ProviderError("the sandbox did not answer", hint="say it again; nothing of it can be done twice") from None
        if answer.status == 503:
            raise ProviderError(value["error"], hint="say it again in a moment")
        if answer.status != 200:
            raise UserError(value["error"])
        return value


def _status(value: Any) -> Status:
    customers = value["customers"]
    return Status(
        replicas=tuple(
            Replica(
                entry["name"],
                entry["service"],
                entry["version"],
                entry["state"],
                entry["restarts"],
                datetime.fromtimestamp(entry["started_at"], UTC),
            )
            for entry in value["replicas"]
        ),
        faults=_faults(value["faults"]),
        sent=customers["sent"],
        answered=customers["answered"],
        failed=tuple(Failures(entry["version"], entry["cause"], entry["count"]) for entry in customers["failed"]),
    )


def _faults(value: Any) -> tuple[Fault, ...]:
    return tuple(Fault(entry["app"], entry["fault"], entry["summary"]) for entry in value)


@asynccontextmanager
async def _own() -> AsyncIterator[SocketSandbox]:
    async with Own() as own:
        yield SocketSandbox(own)


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made. The twin that rehearses reaches the same sandbox: that is where rehearsals are."""
    folder = settings.sandbox_dir
    factory = _own if folder is None else lambda: SocketSandbox(Given(folder))
    providers.register(Sandbox, factory)
    providers.rehearse(Sandbox, factory)
