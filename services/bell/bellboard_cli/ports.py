"""Ports on this machine: the same as last time if they are free, others if not."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from pathlib import Path

from bellboard.errors import UserError

HOST = "127.0.0.1"

_RANGE = range(20000, 32000)
"""Below the range from which the kernel takes ports for outgoing connections: while a server is down for a moment, none of
its own clients can come to sit on its port."""


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class Ports:
    """The ports of one data folder, kept in DIR/ports.json so that addresses stay the same from start to start."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ports.json"
        self._last: dict[str, int] = {}
        self._now: dict[str, int] = {}
        # A broken file is as good as none: the addresses are new then.
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            kept = {str(name): int(port) for name, port in json.loads(self._file.read_text()).items()}
            self._last = {name: port for name, port in kept.items() if 0 < port < 65536}

    def take(self, name: str, wanted: int | None = None) -> int:
        """The port for ``name``: ``wanted``, or (None) the same as last time if it is free, or (0) any.

        Raises UserError if the wanted one is taken.
        """
        if wanted:
            if not is_free(wanted):
                raise UserError(
                    f"port {wanted} is taken", hint=f"choose another, or --port 0 for any: bell up --port {wanted + 1}"
                )
            port = wanted
        else:
            last = self._last.get(name) if wanted is None else None
            port = last if last and is_free(last) else self._any()
        self._now[name] = port
        return port

    def save(self) -> None:
        """Remember them. Raises OSError."""
        self._file.write_text(json.dumps(self._last | self._now, indent=2))

    def _any(self) -> int:
        taken = set(self._now.values())
        for port in random.sample(_RANGE, k=200):
            if port not in taken and is_free(port):
                return port
        raise UserError("no port is free", hint="say which to use: bell up --port N")
