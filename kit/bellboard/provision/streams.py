"""Making a server's streams and consumers what the layout says. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.bus.acks import failure

from .layout import Consumer, Stream, consumers, streams

STREAM_NOT_FOUND = 10059


async def provision(bus: Bus, enrolments: Iterable[registry.Enrolment], *, replicas: int = 1) -> None:
    """Create what is missing and update what differs. May be done again at any time.

    Args:
        bus: connected as the provisioner.
        replicas: how many servers keep each stream.

    Raises:
        BusError: the server did not answer, or refused.
    """
    bots = [one.bot for one in enrolments]
    for stream in streams(bots):
        await _stream(bus, stream, replicas)
    for consumer in consumers(bots):
        await _consumer(bus, consumer)


async def _stream(bus: Bus, stream: Stream, replicas: int) -> None:
    config = stream.config(replicas)
    known = await _ask(bus, f"STREAM.INFO.{stream.name}")
    if known.get("error", {}).get("err_code") == STREAM_NOT_FOUND:
        _checked(await _ask(bus, f"STREAM.CREATE.{stream.name}", config))
    elif any(_checked(known)["config"].get(key) != value for key, value in config.items()):
        _checked(await _ask(bus, f"STREAM.UPDATE.{stream.name}", config))


async def _consumer(bus: Bus, consumer: Consumer) -> None:
    body = {"stream_name": consumer.stream, "config": consumer.config()}
    _checked(await _ask(bus, f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}", body))


async def _ask(bus: Bus, verb: str, body: Any = None) -> dict[str, Any]:
    payload = b"" if body is None else orjson.dumps(body)
    answer: dict[str, Any] = orjson.loads((await bus.request(f"$JS.API.{verb}", payload, timeout=5.0)).payload)
    return answer


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise failure(answer["error"])
    return answer
