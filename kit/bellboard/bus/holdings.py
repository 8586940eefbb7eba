"""How much the account's streams hold, and on how many servers: what the server says of itself to whoever may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from .acks import failure

if TYPE_CHECKING:
    from .connection import Bus

TIMEOUT = 5.0
"""Seconds; a cluster asks every server."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What all streams of the account take on disk, in bytes, each copy counted. ``limit`` is 0 where there is none."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Holding:
    """One stream.

    Attributes:
        bytes: of what it holds, counted once.
        wanted: how many servers are to hold it.
        copies: how many hold all of it now; 0 while it has no leader.
    """

    name: str
    messages: int
    bytes: int
    wanted: int
    copies: int


async def usage(bus: Bus) -> Usage:
    """What the account takes, and may take."""
    answer = await _ask(bus, "INFO")
    limit = max(0, int(answer["limits"]["max_storage"]))
    return Usage(int(answer["storage"]), limit)


async def holdings(bus: Bus) -> list[Holding]:
    """Every stream of the account. One that nobody answers for at all is left out."""
    found: list[Holding] = []
    while True:
        page = await _ask(bus, "STREAM.LIST", {"offset": len(found)})
        streams = page["streams"] or []
        found += [_holding(stream) for stream in streams]
        if not streams or len(found) >= page["total"]:
            return found


def _holding(stream: dict[str, Any]) -> Holding:
    config, state = stream["config"], stream["state"]
    return Holding(config["name"], state["messages"], state["bytes"], config["num_replicas"], _copies(stream.get("cluster")))


def _copies(cluster: dict[str, Any] | None) -> int:
    """A server that is no cluster's holds everything by itself."""
    if cluster is None:
        return 1
    if not cluster.get("leader"):
        return 0
    return 1 + sum(bool(one["current"]) and not one.get("offline") for one in cluster.get("replicas") or [])


async def _ask(bus: Bus, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    payload = b"" if body is None else orjson.dumps(body)
    answer: dict[str, Any] = orjson.loads((await bus.request(f"$JS.API.{verb}", payload, timeout=TIMEOUT)).payload)
    if "error" in answer:
        raise failure(answer["error"])
    return answer
