"""Asks GitHub's REST API. The token goes into one header, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from bellboard import ProviderError

SECONDS = 20.0
LARGEST = 16 * 2**20
"""Bytes of an answer that are read."""

VERSION = "2022-11-28"


class GitHubError(ProviderError):
    """GitHub refused, or did not answer.

    ``status`` is the code of its answer, 0 if there was none; ``passing`` says that it may go well later.
    """

    def __init__(self, text: str, *, hint: str = "", status: int = 0, passing: bool = False) -> None:
        super().__init__(text, hint=hint)
        self.status, self.passing = status, passing


class Client:
    """One session with GitHub.

    Args:
        url: of its API.
        token: shown to it as a bearer; empty: none.
        accept: the form of answers that is asked for.
    """

    def __init__(self, url: str, token: str, *, accept: str = "application/vnd.github+json") -> None:
        self._url, self._token = url.rstrip("/"), token
        headers = {"Accept": accept, "X-GitHub-Api-Version": VERSION, "User-Agent": "bellboard"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def ask(self, method: str, *path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Any:
        """Ask for something; the parts of the path are quoted here. Redirects are not followed.

        Returns:
            What it answered; None if the answer is empty.

        Raises:
            GitHubError: it did not do it.
        """
        target = f"{self._url}/{'/'.join(quote(part, safe='') for part in path)}{'?' + urlencode(query) if query else ''}"
        data = None if body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, URL(target, encoded=True), data=data, headers=headers, allow_redirects=False
            ) as answer:
                said = await self._read(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise GitHubError("GitHub can't be reached", passing=True) from error
        if answer.status not in (200, 201, 202, 204):
            raise self._refused(answer.status, answer.headers, said)
        try:
            return orjson.loads(said) if said else None
        except orjson.JSONDecodeError as error:
            raise GitHubError("GitHub answered with something that is no JSON", status=answer.status) from error

    async def close(self) -> None:
        """End the session."""
        await self._session.close()

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in answer.content.iter_chunked(2**16):
            body += part
            if len(body) > LARGEST:
                raise GitHubError("GitHub answered with too much", status=answer.status)
        return bytes(body)

    def _refused(self, status: int, headers: Mapping[str, str], said: bytes) -> GitHubError:
        if status in (403, 429) and (headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers):
            return GitHubError("GitHub's rate limit is used up", hint=_again(headers), status=status, passing=True)
        if status >= 500:
            return GitHubError(f"GitHub has a fault of its own ({status})", status=status, passing=True)
        text, hint = _WORDS.get(status, (f"GitHub answered {status}", ""))
        words = _said(said)
        if self._token:
            words = words.replace(self._token, "••••")
        return GitHubError(text, hint="; ".join(filter(None, (hint, words))), status=status)


_WORDS: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys((301, 307, 308), ("GitHub has that under another name now", "the file of environments needs the new one")),
    400: ("GitHub did not understand it", ""),
    401: ("GitHub does not accept the token", "has it expired?"),
    403: ("GitHub does not permit it", "the token needs deployments, actions and contents of the repository"),
    404: ("GitHub has no such thing, or the token may not see it", ""),
    409: ("GitHub refuses to deploy that", ""),
    422: ("GitHub does not take it", ""),
}


def _again(headers: Mapping[str, str]) -> str:
    """When to ask again, in words."""
    try:
        if "retry-after" in headers:
            return f"again in {max(0, int(headers['retry-after']))} s"
        at = float(headers["x-ratelimit-reset"])
        return f"again at {datetime.fromtimestamp(at, UTC):%H:%M} UTC" if abs(at - time.time()) < 86400 else ""
    except (KeyError, ValueError, OverflowError, OSError):
        return ""


def _said(body: bytes) -> str:
    """GitHub's own words, in one short line."""
    try:
        answer = orjson.loads(body)
        details = [
            one.get("message") or one.get("code", "") if isinstance(one, dict) else one for one in answer.get("errors", ())
        ]
        words = [answer.get("message", ""), *details]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return ""
    return " ".join(" ".join(str(word) for word in words if word).split())[:200]
