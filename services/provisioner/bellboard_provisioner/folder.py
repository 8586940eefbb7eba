"""Objects as files: FOLDER/NAMESPACE/NAME/KEY, the release's under ``release``. For machines without Kubernetes."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bellboard.provision import keys

from .objects import Data, Owner, Place, Sort
from .store import Changed, Object

RELEASE = "release"


class Folder:
    """A `Store` under one folder. Raises OSError where it can't be written."""

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
        with self._alone():
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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _version(data: Data) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(data.items()):
        digest.update(f"{key}\0{len(value)}\0".encode() + value)
    return digest.hexdigest()
