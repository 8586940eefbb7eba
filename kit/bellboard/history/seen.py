"""The newest record of the ledger that a process has seen, and the folder in which it outlives the process."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from bellboard.errors import SettingsError
from bellboard.stored import revive

FOLDER = "ledger-seen"

_NAME = re.compile(r"(\d+)-(\d+)\.\w+")


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of the ledger; sequence 0 if none was seen.

    Attributes:
        epoch: how many losses had been found when it was seen; a newer one that was accepted makes it count no more.
        at: when it was stored, in seconds since 1970.
    """

    epoch: int = 0
    sequence: int = 0
    subject: str = ""
    digest: str = ""
    at: float = 0.0

    @property
    def place(self) -> tuple[int, int]:
        """What makes one newer than another."""
        return self.epoch, self.sequence


def digest_of(subject: str, payload: bytes) -> str:
    """What tells a record from every other."""
    return hashlib.blake2b(subject.encode() + b"\0" + payload, digest_size=16).hexdigest()


class Keeper:
    """Keeps what was seen in a folder, for every replica that has the same folder: the newest counts.

    Each record is a file of its own, called after its place, and whoever keeps one removes those before it. So nobody can put
    an older one in place of a newer, and nobody waits for anybody: a replica that stands still keeps no other from going on.

    Args:
        folder: where; without one it is forgotten with the process.

    Raises:
        SettingsError: the folder can't be made.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder and folder / FOLDER
        try:
            if self._folder is not None:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{folder} can't be made: {error.strerror}", hint="set BELLBOARD_DATA_DIR") from error

    def load(self) -> Seen:
        """What was kept last.

        Raises:
            SettingsError: it can't be read, so nobody knows what it was.
        """
        if self._folder is None:
            return Seen()
        try:
            while (newest := _newest(self._folder)) is not None:
                with suppress(FileNotFoundError):  # a newer one is there by now
                    return _read(*newest)
        except (OSError, ValueError, TypeError) as error:
            hint = "if nobody restored the bus, remove it"
            raise SettingsError(f"{self._folder}, which guards the ledger, can't be read", hint=hint) from error
        return Seen()

    def save(self, seen: Seen) -> None:
        """Keep it, synced to disk, unless something newer is kept there. Blocks.

        Raises:
            OSError: it can't be written.
        """
        if self._folder is None:
            return
        if not _reaches(self._folder, seen):
            self._write(self._folder, seen)
        _sync(self._folder)
        for other, place in _places(self._folder).items():
            if place < seen.place:
                other.unlink(missing_ok=True)

    def _write(self, folder: Path, seen: Seen) -> None:
        path = folder / "{}-{}.json".format(*seen.place)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}")
        with temporary.open("wb") as file:
            file.write(orjson.dumps(asdict(seen)))
            file.flush()
            os.fsync(file.fileno())
        try:
            temporary.replace(path)
        except FileNotFoundError:  # whoever kept a newer one has tidied up
            if not _reaches(folder, seen):
                raise


def _places(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which record each file holds, or is to hold once it is complete."""
    found = {path: _NAME.fullmatch(path.name) for path in folder.iterdir()}
    return {path: (int(name[1]), int(name[2])) for path, name in found.items() if name}


def _newest(folder: Path) -> tuple[tuple[int, int], Path] | None:
    return max(((place, path) for path, place in _places(folder).items() if path.suffix == ".json"), default=None)


def _read(place: tuple[int, int], path: Path) -> Seen:
    """Raises OSError, TypeError, and ValueError: it is not what its name says."""
    seen = revive(Seen, orjson.loads(path.read_bytes()))
    if seen.place != place:
        raise ValueError
    return seen


def _reaches(folder: Path, seen: Seen) -> bool:
    """Whether it is kept, or something newer."""
    newest = _newest(folder)
    return newest is not None and newest[0] >= seen.place


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
