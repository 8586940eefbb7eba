"""JSON over HTTP at a unix socket, as the sandbox and Caddy speak it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bellboard import ProviderError

SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its code, its body, and the tag that says which state it shows."""

    code: int
    body: bytes
    tag: str = ""

    def json(self) -> Any:
        """The body.

        Raises:
            ProviderError: it is no JSON.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ProviderError("it answered with something else than JSON") from error

    @property
    def error(self) -> str:
        """What it says went wrong."""
        try:
            said = orjson.loads(self.body)
            return str(said["error"])[:200]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return f"code {self.code}"


async def ask(path: Path, method: str, target: str, body: Any = None, *, tag: str = "", who: str = "the sandbox") -> Answer:
    """Ask at a socket.

    Args:
        tag: have it done only if this is still its state; else it answers 412.

    Raises:
        ProviderError: it could not be reached, or did not answer in time.
    """
    headers = {"Host": "localhost", **({"If-Match": tag} if tag else {})}
    data = None if body is None else orjson.dumps(body)
    if data is not None:
        headers["Content-Type"] = "application/json"
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as session,
            session.request(method, f"http://localhost{target}", data=data, headers=headers) as answer,
        ):
            return Answer(answer.status, await answer.read(), answer.headers.get("Etag", ""))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ProviderError(f"{who} does not answer", hint="is it running?") from error
