"""Argo CD as a trigger: an Application is synced to a commit, by the operation that its controller carries out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from bellboard import Failed, ProviderError, UserError
from bellboard.kube import kinds
from bellboard.kube.reasons import Raw, short

from ..argv.hosts import read_versions
from ..argv.program import Program
from ..entries import plain
from ..environments import nearest
from ..model import Commit, Outcome, Step, Version
from .store import Store
from .waiting import LOOK

KEY = "bellboard"
"""What our id is called in the infos of an operation."""

WORDS = ("app", "env")
"""The placeholders of the program that knows versions."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_OVER = {"Succeeded": True, "Failed": False, "Error": False}


class ArgoTrigger:
    """A `Trigger`. Our id goes along in the operation, where it is found again.

    Args:
        apps: the name of each app's Application.
        names: prints ``NAME COMMIT WORDS`` a line. Without it only whole commits can be deployed.
        env: what the environment is called.
        seconds: how long a sync may take, until what it made is healthy.
    """

    name = "argocd"

    def __init__(self, store: Store, apps: Mapping[str, str], names: Program | None, env: str, seconds: float) -> None:
        self._store, self._apps, self._names = store, dict(apps), names
        self._env, self._seconds = env, seconds

    async def apps(self) -> Sequence[str]:
        return tuple(self._apps)

    async def pin(self, app: str, version: str) -> Version:
        self._application(app)
        if _COMMIT.fullmatch(version):
            return Version(version, version, version)
        plain(version, "a version")
        if self._names is None:
            raise UserError(f"“{version[:40]}” is no commit", hint="40 hexadecimal digits; or set versions: names")
        code, lines = await self._names.output({"app": app, "env": self._env})
        if code != 0:
            raise ProviderError(f"{self._names.what} ended with {code}", hint=lines[-1][:120] if lines else "")
        listed = {one.name: one for one in read_versions(lines) if _COMMIT.fullmatch(one.digest)}
        if version not in listed:
            raise UserError(f"{app} has no version “{version[:40]}”", hint=nearest(version, listed))
        return listed[version]

    async def run(self, app: str, version: Version, key: str) -> AsyncGenerator[Step, None]:
        name = self._application(app)

        def operation(raw: Raw) -> Mapping[str, Any]:
            if (running := raw.get("operation")) and _infos(running).get(KEY) != key:
                raise Failed(f"Argo CD is syncing {name} already", hint="wait for it, or terminate it there")
            info = [{"name": KEY, "value": key}, {"name": "version", "value": version.name}]
            by = {"username": f"bellboard: {self._store.order.person or 'a bot'}"}
            return {"operation": {"initiatedBy": by, "info": info, "sync": {"revision": version.digest}}}

        await self._store.write(kinds.Application, name, operation, last=True)
        yield Step(f"{name} is to be synced to {version.digest[:12]}")
        told, deadline = "", time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            raw = await self._store.application(name)
            phase, message = _phase(raw, key)
            happened = _OVER.get(phase)
            health = (raw.get("status") or {}).get("health") or {}
            if happened is False:
                raise Failed(f"Argo CD ended it as {phase}", hint=short(message))
            if happened and health.get("status") in ("Healthy", None):
                return
            if happened and health.get("status") == "Degraded":
                raise ProviderError(f"{name} was synced, and is degraded", hint=short(health.get("message") or ""))
            words = f"{phase or 'waiting for Argo CD'}: {health['status'] if happened else short(message)}".rstrip(": ")
            if words != told:
                told = words
                yield Step(words)
            await asyncio.sleep(LOOK)
        raise ProviderError(f"{name} is not healthy after {self._seconds:g} s", hint=told)

    async def find(self, app: str, key: str) -> Outcome | None:
        raw = await self._store.application(self._application(app))
        if _infos(raw.get("operation") or {}).get(KEY) == key:
            return None  # it is still to be begun
        phase, message = _phase(raw, key)
        happened = _OVER.get(phase)
        return None if happened is None else Outcome(happened, f"Argo CD ended it as {phase}: {short(message)}")

    async def current(self, app: str) -> Version | None:
        raw = await self._store.application(self._application(app))
        status = raw.get("status") or {}
        commit = str((status.get("sync") or {}).get("revision") or "")
        said = ((status.get("operationState") or {}).get("syncResult") or {}).get("revision")
        name = _infos((status.get("operationState") or {}).get("operation") or {}).get("version", "")
        return Version(name if name and said == commit else commit, commit, commit) if commit else None

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        self._application(app)
        return ()

    def _application(self, app: str) -> str:
        if app not in self._apps:
            raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, self._apps))
        return self._apps[app]


def _phase(raw: Raw, key: str) -> tuple[str, str]:
    """How far the operation with our id is, in Argo's words; empty where it has not begun, or another is shown."""
    state = (raw.get("status") or {}).get("operationState") or {}
    if _infos(state.get("operation") or {}).get(KEY) != key:
        return "", ""
    return str(state.get("phase") or ""), str(state.get("message") or "")


def _infos(operation: Raw) -> dict[str, str]:
    return {str(one.get("name")): str(one.get("value")) for one in operation.get("info") or ()}
