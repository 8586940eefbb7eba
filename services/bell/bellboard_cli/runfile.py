"""How the other `bell` commands find a gateway: that which `bell up` has started, by DIR/run.json, or one that is named."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import UserError

from .ports import HOST

NAME = "run.json"

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\])(?P<port>:[0-9]{1,5})?/?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway answers programs (``target`` is a host and a port), who asks, and where its room is, if that is known."""

    target: str
    token: str
    tls: bool = False
    page: str = ""

    @classmethod
    def named(cls, url: str, token_file: Path) -> Address:
        """A gateway of elsewhere, by the URL of its gRPC. Raises UserError: that is none, or the file can't be read."""
        found = _URL.fullmatch(url)
        if found is None:
            raise UserError(
                f"{url!r} is no address of a gateway", hint="such as http://127.0.0.1:9090, or https://bell.example.com"
            )
        tls = found["scheme"] == "https"
        try:
            token = token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"no token can be read from {token_file}") from error
        return cls(found["host"] + (found["port"] or (":443" if tls else ":80")), token, tls)

    def blob_url(self, blob: chat.BlobRef) -> str:
        """Where a picture can be fetched."""
        return f"{self.page}/blob/{blob.owner}/{blob.sha256}" if self.page else "(it is shown in the room)"


Find = Callable[[], Address]
"""Finds a gateway, anew each time that it was lost. Raises UserError: there is none."""


def find(folder: Path, url: str, token_file: Path | None) -> Find:
    """The gateway of a URL, or else that which runs in a folder. Raises UserError: a URL alone is not enough."""
    if not url:
        return lambda: RunFile.read(folder).address
    if token_file is None:
        raise UserError("a gateway of elsewhere wants a token", hint="name the file that holds it with --token-file")
    return lambda: Address.named(url, token_file)


@dataclass(frozen=True, slots=True)
class RunFile:
    """What runs: ``processes`` as name and pid, ``ports`` and ``urls`` by name, the local owner's ``token``.

    ``url`` is the page's, and among ``urls`` too.
    """

    version: str
    url: str
    token: str
    ports: dict[str, Any]
    processes: list[dict[str, Any]] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace the file at once, readable by its owner alone. Raises OSError."""
        temporary = folder / f".{NAME}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=2)
        temporary.replace(folder / NAME)

    @classmethod
    def read(cls, folder: Path) -> RunFile:
        """What runs in ``folder``. Raises UserError if nothing does."""
        hint = "start it with: bell up" + ("" if folder == Path(".bellboard") else f" --data {folder}")
        try:
            return cls(**json.loads((folder / NAME).read_text()))
        except FileNotFoundError:
            raise UserError(f"nothing runs in {folder}", hint=hint) from None
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"{folder / NAME} can't be read: {error}", hint=hint) from None

    @property
    def address(self) -> Address:
        """Where its gateway answers programs."""
        return Address(f"{HOST}:{self.ports['grpc']}", self.token, page=self.url)

    def pid(self, name: str) -> int | None:
        """The process id of one process; None while it is down."""
        return next((entry["pid"] for entry in self.processes if entry["name"] == name), None)


def alive(pid: int) -> bool:
    """Whether a process runs (and is no zombie)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[-1].split()[0] != "Z"
    except FileNotFoundError:
        return True  # no /proc here: the signal got through
    except (ProcessLookupError, PermissionError):
        return False
