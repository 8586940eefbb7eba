"""Programs that call webhooks, and what the practice bot has taken of it."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bellboard.hooks import SIGNATURE, signed
from bellboard.provision import House
from bellboard.testing import eventually

OPEN, SIGNED, ELSEWHERE = "secret-of-the-open-hook", "secret-of-the-signed-hook", "secret-of-another-bots-hook"
HOOKS = f"""\
hooks:
  open: {{format: generic, bot: practice, auth: path, secret: {OPEN}}}
  signed: {{format: alertmanager, bot: practice, auth: hmac, secret: {SIGNED}}}
  elsewhere: {{bot: memes, auth: path, secret: {ELSEWHERE}}}
"""


def write_hooks(house: House, text: str = HOOKS) -> None:
    """Write the file of webhooks: one with its secret in its address, a signed one, and one of a bot that takes nothing."""
    house.hooks.write_text(text)


class Sender:
    """A program outside."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http = aiohttp.ClientSession(f"http://127.0.0.1:{port}")

    async def post(self, path: str, body: bytes = b'{"a": 1}', **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a body; the status, and what was answered. Header names have ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(path, data=io.BytesIO(body), headers=named) as answer:
            return answer.status, {**json.loads(await answer.read()), "headers": dict(answer.headers)}

    async def give(self, body: bytes = b'{"a": 1}', *, name: str = "open", secret: str = OPEN) -> int:
        """Bring something to the open webhook; its place in the stream."""
        status, said = await self.post(f"/hooks/{name}/{secret}", body)
        assert status == 202, said
        return int(said["taken"])

    async def sign(self, body: bytes = b'{"a": 1}', *, at: float = 0.0) -> tuple[int, dict[str, Any]]:
        """Bring something to the signed one."""
        return await self.post("/hooks/signed", body, **{SIGNATURE: signed(SIGNED, int(at or time.time()), body)})


@dataclass(frozen=True, slots=True)
class Mark:
    """What the bot took: in which command, at which webhook of which format, and how many bytes."""

    command: str
    hook: str
    sequence: int
    size: int


def marks(file: Path) -> list[Mark]:
    """All that was taken, in order."""
    found = []
    for line in file.read_text().splitlines() if file.exists() else ():
        command, what, _ = line.split(" ")
        hook, sequence, size = what.split(":")
        found.append(Mark(command, hook, int(sequence), int(size)))
    return found


async def taken(file: Path, *sequences: int, timeout: float = 20.0) -> list[Mark]:
    """All that was taken, once these were."""
    await eventually(lambda: set(sequences) <= {mark.sequence for mark in marks(file)}, timeout, because="not all were taken")
    return marks(file)
