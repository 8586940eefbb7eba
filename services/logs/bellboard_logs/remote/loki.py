"""Loki by its HTTP API: ``GET /loki/api/v1/query_range``."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self

from bellboard import ProviderError

from ..choice import Loki
from ..entries import LEVELS, Entry
from ..ingest.lines import read
from ..providers import Found
from ..query import Query, tokens
from .http import Http
from .sifted import MOST, Sifted

_SPELT = {"debug": "debug|trace", "warning": "warn|warning", "fatal": "fatal|critical"}


class LokiSource(Sifted):
    """A `LogSource`; an async context manager. Loki gives at most 5,000 lines at once, so it counts no further."""

    def __init__(self, settings: Loki) -> None:
        self._settings = settings
        tenant = {"X-Scope-OrgID": settings.tenant} if settings.tenant else None
        self._http = Http("Loki", settings.url, settings.token_file, tenant)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self._http.__aexit__(kind, error, at)

    async def search(self, query: Query, *, limit: int) -> Found:
        asked = {
            "query": self.expression(query),
            "start": str(int(query.start * 1e9)),
            "end": str(int(query.end * 1e9)),
            "limit": str(min(max(limit, 1), MOST)),
            "direction": "backward",
        }
        entries = self._entries(await self._http.ask("GET", "/loki/api/v1/query_range", params=asked), query)
        return Found(entries[-limit:], len(entries), len(entries) >= min(limit, MOST))

    def expression(self, query: Query) -> str:
        """The query in LogQL. Whatever people typed stands in quoted strings."""
        labels = [f"{self._settings.app_label}={_quoted(query.app)}"]
        if query.env and self._settings.env_label:
            labels.append(f"{self._settings.env_label}={_quoted(query.env)}")
        said = f"{{{','.join(labels)}}}"
        for word in query.words:
            end = "" if word.endswith("*") else r"($|[^\w-])"
            said += " |~ " + _quoted(r"(?i)(^|[^\w-])" + r"[^\w-]+".join(tokens(word)) + end)
        for regex in query.regexes:
            said += f" |~ {_quoted(regex.text)}"
        if query.level:
            words = "|".join(_SPELT.get(word, word) for word in LEVELS[query.level :])
            said += f" | detected_level=~{_quoted(f'(?i)({words})')}"
        return said

    def _entries(self, body: Any, query: Query) -> list[Entry]:
        try:
            found = [
                read(line, now=int(at) / 1e9, labels=stream["stream"])._replace(at=int(at) / 1e9, app=query.app)
                for stream in body["data"]["result"]
                for at, line, *_ in stream["values"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderError("Loki answered with something else than lines") from error
        return sorted(found, key=lambda entry: entry.at)

    async def ping(self) -> None:
        await self._http.ask("GET", "/loki/api/v1/labels")


def _quoted(text: str) -> str:
    """A string of LogQL's; its escapes are Go's, of which those of JSON are some."""
    return json.dumps(text, ensure_ascii=False)
