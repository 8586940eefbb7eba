"""DIR/run.json: how the other `bell` commands find what `bell up` started."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import UserError

NAME = "run.json"


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

    def blob_url(self, blob: chat.BlobRef) -> str:
        """Where a picture can be fetched."""
        return f"{self.url}/blob/{blob.owner}/{blob.sha256}"

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
