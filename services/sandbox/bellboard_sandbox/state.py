"""What the sandbox wants to be, kept in files that are replaced whole: a crash leaves the old one or the new one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .catalog import FAULTS, NAME, SHOP, STOCK, Version

STATE, FAULTS_FILE = "state.json", "faults.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A replica that is to run."""

    name: str
    service: str
    version: str
    digest: str


FIRST: tuple[Wanted, ...] = (
    Wanted("stock-1", SHOP.behind, STOCK.name, STOCK.digest),
    *(Wanted(f"web-{i}", SHOP.service, SHOP.first, SHOP.versions[SHOP.first].digest) for i in range(1, SHOP.replicas + 1)),
)
"""What runs in a new sandbox, and after a reset."""


@dataclass(slots=True)
class State:
    """The replicas that are to run, by name, and the faults that are switched on, with the time each was."""

    folder: Path
    replicas: dict[str, Wanted] = field(default_factory=lambda: {wanted.name: wanted for wanted in FIRST})
    faults: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> State:
        """Read it. What is not there, or is of another release of the sandbox, begins anew."""
        replicas, faults = _read(folder / STATE), _read(folder / FAULTS_FILE)
        state = cls(folder, faults={name: float(at) for name, at in faults.items() if name in FAULTS})
        try:
            kept = [Wanted(**entry) for entry in replicas["replicas"]]
        except (KeyError, TypeError):
            return state
        if {wanted.service for wanted in kept} == {SHOP.service, SHOP.behind} and all(map(_known, kept)):
            state.replicas = {wanted.name: wanted for wanted in kept}
        return state

    def save(self) -> None:
        replace(self.folder / STATE, {"replicas": [asdict(wanted) for wanted in self.replicas.values()]})
        replace(self.folder / FAULTS_FILE, self.faults)


def version_of(wanted: Wanted) -> Version:
    """The version that a replica is to run. Raises KeyError."""
    return SHOP.versions[wanted.version] if wanted.service == SHOP.service else {STOCK.name: STOCK}[wanted.version]


def replace(path: Path, value: Any) -> None:
    """Write JSON to a file, whole or not at all, and for good."""
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, json.dumps(value).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _known(wanted: Wanted) -> bool:
    try:
        return version_of(wanted).digest == wanted.digest and NAME.fullmatch(wanted.name) is not None
    except KeyError:
        return False


class Faults:
    """The faults that are switched on, as a replica sees them: the file is looked at for each request."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FAULTS_FILE
        self._seen = (0, 0)
        self._on: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        try:
            stat = self._path.stat()
        except OSError:
            return False
        if (seen := (stat.st_mtime_ns, stat.st_ino)) != self._seen:
            self._seen, self._on = seen, frozenset(_read(self._path))
        return name in self._on
