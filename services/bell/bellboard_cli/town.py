"""The sandbox's town, as `bell up` runs it: a program of its own, in a folder whose sockets fit into addresses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bellboard.errors import UserError

TOWN, SANDBOX = "town", "sandbox"
"""The names of the program, and of the bot that breaks and heals it."""

MODULE = "bellboard_sandbox.town"
LONGEST = 80
"""Bytes of a folder in which sockets can be made; their addresses have 107."""


def is_possible() -> bool:
    """Whether a town can run here."""
    return sys.platform == "linux" and find_spec("bellboard_sandbox") is not None


def folder_in(data: Path) -> Path:
    """The town's folder in a data folder; where that has too long a path, a link to it that has not.

    The link has the same name each time, since logs are remembered by their paths.

    Raises:
        UserError: there is no place for the link.
    """
    folder = data / SANDBOX
    if len(os.fsencode(folder)) <= LONGEST:
        return folder
    name = f"bell-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    link = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(folder)
    ours = link.is_symlink() and link.lstat().st_uid == os.getuid() and link.readlink() == folder
    if not ours or len(os.fsencode(link)) > LONGEST:
        raise UserError(f"{folder} is too long for sockets", hint="choose a shorter --data, or say --no-sandbox")
    return link


def answers(folder: Path) -> bool:
    """Whether the town takes orders."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(folder / "control.sock"))
        except OSError:
            return False
    return True
