"""Single messages and facts of a stream, asked for directly. No consumer is made and nothing is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

import orjson

from bellboard.errors import BusUnavailable, Refused, Unconfirmed

from .acks import failure
from .inbound import Listen
from .messages import SEQUENCE, STATUS, Message, stored

if TYPE_CHECKING:
    from .connection import Bus

NOT_FOUND, END_OF_BATCH, NO_RESPONDERS = "404", "204", "503"
LEFT = "Nats-Num-Pending"
TIMEOUT = 2.0
BATCH = 256
"""Messages that are asked for at once."""


async def last(bus: Bus, stream: str, subject: str) -> Message | None:
    """The last message on a subject, None if there is none."""
    return _one(await bus.request(f"$JS.API.DIRECT.GET.{stream}.{subject}"), subject)


async def first(bus: Bus, stream: str, pattern: str) -> Message | None:
    """The first message on all subjects that match a pattern, None if there is none."""
    body = orjson.dumps({"next_by_subj": pattern, "seq": 1})
    return _one(await bus.request(f"$JS.API.DIRECT.GET.{stream}", body), pattern)


async def at(bus: Bus, stream: str, sequence: int) -> Message | None:
    """The message at a sequence, None if there is none. A server that lags behind may not have it yet."""
    return _one(await bus.request(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps({"seq": sequence})), f"{stream} {sequence}")


def _one(answer: Message, subject: str) -> Message | None:
    if SEQUENCE in answer.headers:  # whatever else its author wrote there
        return stored(answer)
    if (status := answer.headers.get(STATUS)) == NOT_FOUND:
        return None
    raise Unconfirmed(f"the bus could not read {subject}: status {status}")


async def lasts(bus: Bus, stream: str, pattern: str) -> list[Message]:
    """The last message of each of up to 1,024 subjects that match a pattern, oldest first."""
    return (await _ask(bus, stream, {"multi_last": [pattern]}))[0]


async def scan(bus: Bus, stream: str, pattern: str, after: int, since: float | None, most: float = inf) -> list[Message]:
    """The messages on subjects that match a pattern, oldest first: after a sequence, or from a moment on."""
    found: list[Message] = []
    start: dict[str, Any] = {"seq": after + 1}
    if since is not None:
        start = {"start_time": datetime.fromtimestamp(max(since, 0.0), UTC).isoformat()}
    more = True
    while more and len(found) < most:
        some, more = await _ask(bus, stream, {"next_by_subj": pattern, "batch": BATCH, **start})
        found += some
        start = {"seq": some[-1].sequence + 1 if some else 1}
    return found


async def _ask(bus: Bus, stream: str, body: Mapping[str, Any]) -> tuple[list[Message], bool]:
    """The answers to one question, and whether there are more."""
    answers = Listen(bus, bus.new_inbox())
    try:
        await answers.start()
        await bus.send(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps(body), reply=answers.subject)
        async with asyncio.timeout(TIMEOUT):
            return await _collect(answers, stream)
    except TimeoutError as error:
        raise Unconfirmed(f"the bus did not answer for {stream}") from error
    finally:
        await answers.aclose()


async def _collect(answers: Listen, stream: str) -> tuple[list[Message], bool]:
    found: list[Message] = []
    async for answer in answers:
        status = answer.headers.get(STATUS)
        if SEQUENCE in answer.headers:
            found.append(stored(answer))
        elif status in (END_OF_BATCH, NOT_FOUND):
            return found, bool(found) and answer.headers.get(LEFT, "0") != "0"
        elif status == NO_RESPONDERS:
            raise BusUnavailable(f"nothing on the bus answers for {stream}")
        else:
            raise Refused(f"the bus could not read {stream}: status {status}")
    raise BusUnavailable("the bus is closed")


@dataclass(frozen=True, slots=True)
class Span:
    """From which sequence to which a stream reaches; both 0 if nothing was ever stored."""

    first: int
    last: int


async def span(bus: Bus, stream: str) -> Span:
    """How far a stream reaches, as its leader says."""
    answer = orjson.loads((await bus.request(f"$JS.API.STREAM.INFO.{stream}")).payload)
    if "error" in answer:
        raise failure(answer["error"])
    state = answer["state"]
    return Span(int(state["first_seq"]), int(state["last_seq"]))
