"""Objects as files: FOLDER/NAMESPACE/NAME/KEY, the release's under ``release``. For machines without Kubernetes."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bellboard.errors import Failed
from bellboard.provision import keys

from .objects import Data, Owner, Place, Sort
from .store import Changed, Object

RELEASE = "release"

PATIENCE, AGAIN = 30.0, 0.05
"""Seconds for which another one may write, and between two tries. One that was stopped in it may do so for ever."""


class Folder:
    """A `Store` under one folder. Raises OSError where it can't be written, and Failed: somebody else has it all the time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def owner(self, owner: Owner) -> Owner:
        """Nothing is owned here: who deletes the folder deletes all."""
        return owner

    async def read(self, place: Place, owner: Owner) -> Object | None:
        path = self.path(place)
        if not path.is_dir():
            return None
        data = {file.name: file.read_bytes() for file in sorted(path.iterdir()) if not file.name.startswith(".")}
        return Object(data, _version(data))

    async def write(self, place: Place, data: Data, owner: Owner, known: Object | None) -> None:
        async with self._alone():
            there = await self.read(place, owner)
            if (there and there.version) != (known and known.version):
                raise Changed
            path = self.path(place)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for key, value in data.items():
                keys.write_bytes(path / key, value, 0o600 if place.sort is Sort.SECRET else 0o644)
            for key in (there.data.keys() if there else set()) - data.keys():
                (path / key).unlink()

    def path(self, place: Place) -> Path:
        """The folder of an object."""
        return self._folder / (place.namespace or RELEASE) / place.name

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            until = time.monotonic() + PATIENCE
            while not _locked(lock.fileno()):
                if time.monotonic() > until:
                    raise Failed(f"{self._folder} is being written by another all the time", hint="is it stopped? End it")
                await asyncio.sleep(AGAIN)
            yield


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _version(data: Data) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(data.items()):
        digest.update(f"{key}\0{len(value)}\0".encode() + value)
    return digest.hexdigest()
