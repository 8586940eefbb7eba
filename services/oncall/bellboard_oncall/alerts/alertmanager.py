"""Silences at an Alertmanager, by its API, version 2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bellboard import ProviderError

from .routing import Alertmanager, Routing
from .silences import Matchers

SECONDS = 5.0
"""For one request."""


class AlertmanagerSilencer:
    """The Alertmanager that the file of routes names. ``where`` is looked up for each request, as the file may change."""

    def __init__(self, routing: Routing, session: aiohttp.ClientSession) -> None:
        self._routing, self._session = routing, session

    @property
    def _where(self) -> Alertmanager | None:
        return self._routing.table().alertmanager

    @property
    def there(self) -> bool:
        return self._where is not None

    async def silence(self, id: str, matchers: Matchers, start: float, end: float, person: str, why: str) -> str:
        mark = f"[{id}]"  # a second try finds what the first one set by this
        for one in await self._ask("GET", "silences") or ():
            if str(one.get("comment", "")).endswith(mark) and one.get("status", {}).get("state") != "expired":
                return str(one["id"])
        said = {
            "matchers": list(matchers),
            "startsAt": _said(start),
            "endsAt": _said(end),
            "createdBy": person or "a bot",
            "comment": f"{why} {mark}".strip(),
        }
        answer = await self._ask("POST", "silences", said)
        return str(answer["silenceID"])

    async def expire(self, remote: str) -> None:
        await self._ask("DELETE", f"silence/{remote}", gone=True)

    async def burning(self, matchers: Matchers) -> frozenset[str] | None:
        if self._where is None:
            return None
        filters = [("filter", f'{one["name"]}="{_quoted(str(one["value"]))}"') for one in matchers]
        alerts = await self._ask("GET", "alerts", query=filters)
        return frozenset(str(one["fingerprint"]) for one in alerts)

    async def _ask(
        self, method: str, path: str, body: Any = None, *, query: list[tuple[str, str]] | None = None, gone: bool = False
    ) -> Any:
        """The JSON of an answer; None of an empty one. ``gone``: what is not there is well."""
        where = self._where
        if where is None:
            raise ProviderError("no Alertmanager is configured", hint="alertmanager: {url: ...} in alerts.yaml")
        headers = {}
        try:
            if where.token_file is not None:
                headers["Authorization"] = f"Bearer {where.token_file.read_text().strip()}"
            url = f"{where.url}/api/v2/{path}"
            async with self._session.request(method, url, json=body, params=query, headers=headers) as answer:
                if gone and answer.status in (404, 410, 500) and "expired" in await answer.text():
                    return None
                if answer.status == 404 and gone:
                    return None
                if answer.status >= 300:
                    raise ProviderError(f"Alertmanager answered with {answer.status}", hint="look at its log")
                return await answer.json() if answer.content_type == "application/json" else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderError("Alertmanager does not answer", hint=f"is it at {where.url}?") from error


def _said(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@asynccontextmanager
async def opened(routing: Routing) -> AsyncIterator[AlertmanagerSilencer]:
    """A silencer with its connections."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        yield AlertmanagerSilencer(routing, session)
