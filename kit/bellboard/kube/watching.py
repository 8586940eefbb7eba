"""Watches that go on: a broken connection, a server that starts anew and a forgotten version are no end of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from lightkube.core.resource import Resource

from .errors import Asked, KubeError, KubeRefused, told

K = TypeVar("K", bound=Resource)

WATCH_SECONDS = 60
"""After which Kubernetes ends a watch, and it is asked for again."""

PATIENCE = 60.0
"""Seconds in which it can't be listed until that is an error."""

PAUSE = 1.0
GONE = 410


class Change(NamedTuple, Generic[K]):
    """What happened to an object, and the object as it is, or was when it was deleted."""

    event: Literal["ADDED", "MODIFIED", "DELETED"]
    object: K


async def changes(client: Any, kind: type[K], query: Mapping[str, Any], asked: Asked) -> AsyncGenerator[Change[K], None]:
    """See `Kube.watch`; ``query`` is what lightkube's list and watch are asked with."""
    known: dict[str, K] = {}
    broke: float | None = None
    while True:
        try:
            with told(asked):
                page = client.list(kind, **query)
                there = {_uid(item): item async for item in page}
            for change in _between(known, there):
                yield change
            known, broke = there, None
            with told(asked):
                stream = client.watch(kind, **query, resource_version=page.resourceVersion, server_timeout=WATCH_SECONDS)
                async with aclosing(stream):
                    async for event, item in stream:
                        _note(known, event, item)
                        yield Change(event, item)
        except KubeRefused as error:
            if error.status != GONE:
                raise
        except KubeError:
            broke = broke or time.monotonic()
            if time.monotonic() - broke > PATIENCE:
                raise
        await asyncio.sleep(PAUSE)


def _between(known: Mapping[str, K], there: Mapping[str, K]) -> Iterator[Change[K]]:
    """What must have happened since these were known."""
    for uid, item in there.items():
        if uid not in known:
            yield Change("ADDED", item)
        elif _version(item) != _version(known[uid]):
            yield Change("MODIFIED", item)
    for uid, item in known.items():
        if uid not in there:
            yield Change("DELETED", item)


def _note(known: dict[str, K], event: str, item: K) -> None:
    if event == "DELETED":
        known.pop(_uid(item), None)
    else:
        known[_uid(item)] = item


def _uid(item: Any) -> str:
    return str(item.metadata.uid)


def _version(item: Any) -> str:
    return str(item.metadata.resourceVersion)
