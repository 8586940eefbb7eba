"""What sources that speak HTTP and JSON have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from bellboard import ProviderError

SECONDS = 20.0
LARGEST = 64 * 2**20
"""Bytes of an answer."""


class Http:
    """A session with one server; an async context manager.

    Args:
        name: what people call it.
        token_file: holds a bearer token, read again for each request.
    """

    def __init__(self, name: str, url: str, token_file: Path | None = None, headers: Mapping[str, str] | None = None) -> None:
        self._name, self._url, self._token_file = name, url.rstrip("/"), token_file
        self._headers = dict(headers or {})

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, **given: Any) -> Any:
        """The JSON that a request is answered with. It follows no redirect: a token goes to nobody else.

        Raises:
            ProviderError: it was not answered, or not well; nothing of the answer is quoted.
        """
        headers = {**self._headers, **self._token()}
        try:
            request = self._session.request(method, self._url + path, headers=headers, allow_redirects=False, **given)
            async with request as answer:
                if answer.status != 200:
                    raise ProviderError(f"{self._name} answered {answer.status}", hint="see its own log")
                if (answer.content_length or 0) > LARGEST:
                    raise ProviderError(f"{self._name} answered more than {LARGEST // 2**20} MiB", hint="look at less time")
                return orjson.loads(await answer.read())
        except TimeoutError as error:
            raise ProviderError(f"{self._name} did not answer within {SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderError(f"{self._name} can't be reached", hint="is its address right?") from error
        except orjson.JSONDecodeError as error:
            raise ProviderError(f"{self._name} did not answer with JSON") from error

    def _token(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        return {"Authorization": f"Bearer {self._token_file.read_text().strip()}"}
