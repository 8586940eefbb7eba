"""Elasticsearch and OpenSearch by their HTTP API: ``POST /INDEX/_search``."""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import orjson

from bellboard import ProviderError

from ..choice import Elasticsearch
from ..entries import LEVELS, Entry
from ..ingest.lines import read
from ..providers import MOST_COUNTED, Found
from ..query import Query
from .http import Http
from .sifted import MOST, Sifted

_SPELT = {"debug": ("debug", "trace"), "warning": ("warning", "warn"), "fatal": ("fatal", "critical")}


class ElasticsearchSource(Sifted):
    """A `LogSource`; an async context manager. Regular expressions are looked for in the newest 5,000 lines of the rest."""

    def __init__(self, settings: Elasticsearch) -> None:
        self._settings = settings
        self._http = Http("Elasticsearch", settings.url, settings.token_file)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self._http.__aexit__(kind, error, at)

    async def search(self, query: Query, *, limit: int) -> Found:
        size = MOST if query.regexes else min(limit, MOST_COUNTED)
        asked = {
            "size": size,
            "track_total_hits": MOST_COUNTED,
            "sort": [{self._settings.time_field: {"order": "desc"}}],
            "query": {"bool": {"filter": self._filters(query)}},
        }
        body = await self._http.ask("POST", f"/{self._settings.index}/_search", json=asked)
        entries, total = self._read(body, query)
        if query.regexes:
            entries = [entry for entry in entries if all(regex.finds(entry.message) for regex in query.regexes)]
            return Found(entries[-limit:], len(entries), total > size)
        return Found(entries[-limit:], total, total >= MOST_COUNTED)

    def _filters(self, query: Query) -> list[dict[str, Any]]:
        """The query as filters; whatever people typed is a value in them, of no language."""
        own = self._settings
        between = {"gte": _iso(query.start), "lt": _iso(query.end)}
        filters: list[dict[str, Any]] = [{"range": {own.time_field: between}}, {"term": {own.app_field: query.app}}]
        if query.env and own.env_field:
            filters.append({"term": {own.env_field: query.env}})
        if query.level:
            words = [spelt for word in LEVELS[query.level :] for spelt in _SPELT.get(word, (word,))]
            filters.append({"terms": {own.level_field: [form for word in words for form in (word, word.upper())]}})
        for word in query.words:
            kind = "phrase_prefix" if word.endswith("*") else "phrase"
            fields = [own.message_field, own.level_field, "service", "version"]
            text = word.removesuffix("*")
            filters.append({"multi_match": {"query": text, "type": kind, "fields": fields, "lenient": True}})
        return filters

    def _read(self, body: Any, query: Query) -> tuple[list[Entry], int]:
        own = self._settings
        try:
            entries = []
            for hit in body["hits"]["hits"]:
                said = dict(hit["_source"])
                said["message"], said["level"] = said.get(own.message_field, ""), said.get(own.level_field)
                said["ts"] = said.get(own.time_field)
                entry = read(orjson.dumps(said).decode(), now=query.end)
                entries.append(entry._replace(app=query.app))
            total = int(body["hits"]["total"]["value"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ProviderError("Elasticsearch answered with something else than lines") from error
        return sorted(entries, key=lambda entry: entry.at), total

    async def ping(self) -> None:
        await self._http.ask("GET", "/")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(max(at, 0.0), UTC).isoformat()
