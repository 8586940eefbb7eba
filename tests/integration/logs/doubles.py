"""Doubles of Loki, Elasticsearch and Kubernetes, from their public API documents: as much as the bot's requests need."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bellboard_logs.entries import LEVELS, Entry
from tests.integration.kube.api import Answer, pod

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def served(routes: Mapping[str, Handler]) -> AsyncIterator[str]:
    """A server with these paths; gives its address."""
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def said(entry: Entry) -> dict[str, str]:
    """A line as the shop would have sent it."""
    return {"app": entry.app, "level": LEVELS[entry.level], "msg": entry.message, "replica": entry.replica}


class LokiDouble:
    """``query_range`` of a LogQL of one selector, line filters ``|~`` and a label filter."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._lines = [(int(entry.at * 1e9), entry, json.dumps(said(entry))) for entry in entries]

    def routes(self) -> Mapping[str, Handler]:
        return {"/loki/api/v1/query_range": self._query_range, "/loki/api/v1/labels": self._labels}

    async def _labels(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": ["app"]})

    async def _query_range(self, request: web.Request) -> web.Response:
        asked = request.query
        string = r'("(?:[^"\\]|\\.)*")'
        shape = re.compile(rf"\{{app={string}\}}((?: \|~ {string})*)(?: \| detected_level=~{string})?")
        found = shape.fullmatch(asked["query"])
        if found is None or asked["direction"] != "backward" or not 0 < int(asked["limit"]) <= 5000:
            return web.Response(status=400, text="parse error")
        filters = [re.compile(json.loads(text)) for text in re.findall(string, found[2])]
        level = re.compile(json.loads(found[4]) if found[4] else "")
        lines = [
            (at, entry, line)
            for at, entry, line in self._lines
            if entry.app == json.loads(found[1])
            and int(asked["start"]) <= at < int(asked["end"])
            and all(one.search(line) for one in filters)
            and (level.fullmatch(LEVELS[entry.level]) or not found[4])
        ]
        newest = sorted(lines, reverse=True)[: int(asked["limit"])]
        result = [{"stream": {"app": entry.app}, "values": [[str(at), line]]} for at, entry, line in newest]
        return web.json_response({"status": "success", "data": {"resultType": "streams", "result": result}})


class ElasticsearchDouble:
    """``_search`` of a bool query of filters: range, term, terms, multi_match."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._documents = [
            {**said(entry), "@timestamp": datetime.fromtimestamp(entry.at, UTC).isoformat(), "message": entry.message}
            for entry in entries
        ]

    def routes(self) -> Mapping[str, Handler]:
        return {"/": self._root, "/logs-*/_search": self._search}

    async def _root(self, _: web.Request) -> web.Response:
        return web.json_response({"tagline": "You Know, for Search"})

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        filters = asked["query"]["bool"]["filter"]
        hits = [document for document in self._documents if all(self._fits(document, one) for one in filters)]
        hits.sort(key=lambda document: document["@timestamp"], reverse=True)
        total = {"value": min(len(hits), asked["track_total_hits"]), "relation": "eq"}
        return web.json_response({"hits": {"total": total, "hits": [{"_source": hit} for hit in hits[: asked["size"]]]}})

    @staticmethod
    def _fits(document: Mapping[str, str], one: Mapping[str, Any]) -> bool:
        ((kind, given),) = one.items()
        if kind == "multi_match":
            words = re.findall(r"\w+", given["query"].lower())
            end = r"\b" if given["type"] == "phrase" else ""
            phrase = re.compile(r"\b" + r"\W+".join(map(re.escape, words)) + end, re.IGNORECASE)
            return any(phrase.search(document.get(field, "")) for field in given["fields"])
        ((field, value),) = given.items()
        if kind == "range":
            at = datetime.fromisoformat(document[field])
            return datetime.fromisoformat(value["gte"]) <= at < datetime.fromisoformat(value["lt"])
        return document.get(field) in (value if kind == "terms" else [value])


def speaking(name: str, app: str, *, turn: int = 0, before: str = "", **meta: Any) -> Mapping[str, Any]:
    """A pod of an app, with one container that runs.

    Args:
        turn: how often it was started again.
        before: when the one before it ended, in ISO 8601.
        meta: more of its metadata.
    """
    labels = {"app.kubernetes.io/name": app} if app else {}
    container = {
        "name": "app",
        "image": "registry.test/shop:v7",
        "imageID": "",
        "ready": True,
        "restartCount": turn,
        "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": before}} if before else {},
    }
    return pod(name, metadata={"labels": labels, **meta}, status={"containerStatuses": [container]})


def logged(*entries: Entry) -> Answer:
    """A container's log of these lines."""
    lines = [f"{datetime.fromtimestamp(entry.at, UTC).isoformat()} {json.dumps(said(entry))}\n" for entry in entries]
    return Answer("".join(lines), kind="text/plain")
