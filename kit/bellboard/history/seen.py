"""The newest record of the ledger that a process has seen, and the file in which it outlives the process."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from bellboard.errors import SettingsError

FILE = "ledger-seen.json"


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

    Args:
        folder: where; without one it is forgotten with the process.

    Raises:
        SettingsError: the folder can't be made.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        try:
            if folder is not None:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{folder} can't be made: {error.strerror}", hint="set BELLBOARD_DATA_DIR") from error

    def load(self) -> Seen:
        """What was kept last.

        Raises:
            SettingsError: it can't be read, so nobody knows what it was.
        """
        if self._folder is None:
            return Seen()
        path = self._folder / FILE
        try:
            return Seen(**orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return Seen()
        except (OSError, ValueError, TypeError) as error:
            hint = "if nobody restored the bus, remove it"
            raise SettingsError(f"{path}, which guards the ledger, can't be read", hint=hint) from error

    def save(self, seen: Seen) -> None:
        """Keep it, synced to disk, unless something newer is kept there. Blocks.

        Raises:
            OSError: it can't be written.
        """
        if self._folder is None:
            return
        with _alone(self._folder):
            if self.load().place >= seen.place:
                return
            path, temporary = self._folder / FILE, self._folder / f".{FILE}.tmp"
            with temporary.open("wb") as file:
                file.write(orjson.dumps(asdict(seen)))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process is here."""
    with (folder / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
