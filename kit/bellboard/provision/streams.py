"""Making a server's streams and consumers what the layout says. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.bus.acks import failure

from .layout import Consumer, Stream, consumers, streams

STREAM_NOT_FOUND = 10059
CREATE, UPDATE = "CREATE", "UPDATE"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The names of the streams that were made, and of those that were changed; all others were as they should be."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


async def provision(bus: Bus, enrolments: Iterable[registry.Enrolment], *, replicas: int = 1) -> Provisioned:
    """Create what is missing and update what differs. May be done again at any time.

    Args:
        bus: connected as the provisioner.
        replicas: how many servers keep each stream.

    Raises:
        BusError: the server did not answer, or refused.
    """
    bots = [one.bot for one in enrolments]
    did: dict[str, str] = {}
    for stream in streams(bots):
        did[stream.name] = await _stream(bus, stream, replicas)
    for consumer in consumers(bots):
        await _consumer(bus, consumer)
    made, changed = (tuple(name for name, verb in did.items() if verb == wanted) for wanted in (CREATE, UPDATE))
    return Provisioned(made, changed)


async def _stream(bus: Bus, stream: Stream, replicas: int) -> str:
    """What was done: CREATE, UPDATE or nothing."""
    config = stream.config(replicas)
    known = await _ask(bus, f"STREAM.INFO.{stream.name}")
    if known.get("error", {}).get("err_code") == STREAM_NOT_FOUND:
        verb = CREATE
    elif any(_checked(known)["config"].get(key) != value for key, value in config.items()):
        verb = UPDATE
    else:
        return ""
    _checked(await _ask(bus, f"STREAM.{verb}.{stream.name}", config))
    return verb


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
