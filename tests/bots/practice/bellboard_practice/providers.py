"""What the practice bot needs from outside: somewhere to leave a mark that is no part of Bellboard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from bellboard import Providers

from .settings import Settings


class World(Protocol):
    """Where effects happen, and can be counted."""

    def do(self, command: str, what: str, epoch: int) -> None:
        """Have an effect, for good."""

    def did(self, command: str) -> list[str]:
        """The effects that a command had, in order."""


class FileWorld:
    """A `World` in an append-only file: one line ``<command id> <what> <epoch>`` for each effect."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, command: str, what: str, epoch: int) -> None:
        """One write, synced. It blocks on purpose: a cancel can't fall between the effect and its return."""
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{command} {what} {epoch}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def did(self, command: str) -> list[str]:
        if not self._path.exists():
            return []
        lines = (line.split(" ") for line in self._path.read_text().splitlines())
        return [what for owner, what, _ in lines if owner == command]


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made."""
    providers.register(World, lambda: FileWorld(settings.practice_file))
    providers.rehearse(World, lambda: FileWorld(settings.practice_file.with_suffix(".rehearsed")))
