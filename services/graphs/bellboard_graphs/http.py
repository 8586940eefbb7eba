"""What both outside sources are asked by: one session, a bearer token, a limit on what is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bellboard import ProviderError, SettingsError, UserError

LARGEST = 32 * 2**20
"""Bytes of an answer that are read."""
SECONDS = 20.0


class Client:
    """Asks one server.

    Args:
        name: what people call it.
        url: where it is; its paths are put behind it.
    """

    def __init__(self, name: str, url: str, token_file: Path | None) -> None:
        self._name, self._url = name, url.rstrip("/")
        self._session = aiohttp.ClientSession(headers=_headers(token_file), timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def post(self, path: str, fields: Mapping[str, str]) -> Any:
        """Send a form, and read the JSON that comes back. Redirects are not followed.

        Raises:
            UserError: the server did not understand it (400, 422).
            ProviderError: it can't be reached, refuses us, or answers with something else.
        """
        try:
            async with self._session.post(f"{self._url}{path}", data=fields, allow_redirects=False) as answer:
                body = await self._read(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderError(f"{self._name} can't be reached") from error
        if answer.status in (400, 422):
            raise UserError(f"{self._name} does not understand that", hint=_said(body))
        if answer.status != 200:
            raise ProviderError(f"{self._name} answered {answer.status}")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ProviderError(f"{self._name} answered with something that is no JSON") from error

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in answer.content.iter_chunked(2**16):
            body += part
            if len(body) > LARGEST:
                raise ProviderError(f"{self._name} answered with too much", hint="ask for less, or a shorter range")
        return bytes(body)

    async def close(self) -> None:
        await self._session.close()


def _headers(token_file: Path | None) -> dict[str, str]:
    if token_file is None:
        return {}
    try:
        return {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    except OSError as error:
        raise SettingsError(f"{token_file} can't be read", hint="set BELLBOARD_METRICS_TOKEN_FILE") from error


def _said(body: bytes) -> str:
    """The server's own words, as one short line."""
    try:
        said = str(orjson.loads(body).get("error", ""))
    except (orjson.JSONDecodeError, AttributeError):
        said = ""
    return " ".join(said.split())[:200]
