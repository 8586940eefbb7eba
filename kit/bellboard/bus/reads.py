"""Single messages and facts of a stream, asked for directly. No consumer is made and nothing is acknowledged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from bellboard.errors import BusUnavailable, Refused, Unconfirmed

from .acks import failure
from .inbound import Listen
from .messages import STATUS, Message, stored

if TYPE_CHECKING:
    from .connection import Bus

NOT_FOUND, END_OF_BATCH, NO_RESPONDERS = "404", "204", "503"
TIMEOUT = 2.0


async def last(bus: Bus, stream: str, subject: str) -> Message | None:
    """The last message on a subject, None if there is none."""
    answer = await bus.request(f"$JS.API.DIRECT.GET.{stream}.{subject}")
    status = answer.headers.get(STATUS)
    if status == NOT_FOUND:
        return None
    if status is not None:
        raise Unconfirmed(f"the bus could not read {subject}: status {status}")
    return stored(answer)


async def lasts(bus: Bus, stream: str, pattern: str) -> list[Message]:
    """The last message of each of up to 1,024 subjects that match a pattern, oldest first."""
    answers = Listen(bus, bus.new_inbox())
    try:
        await answers.start()
        body = orjson.dumps({"multi_last": [pattern]})
        await bus.send(f"$JS.API.DIRECT.GET.{stream}", body, reply=answers.subject)
        async with asyncio.timeout(TIMEOUT):
            return await _collect(answers, stream)
    except TimeoutError as error:
        raise Unconfirmed(f"the bus did not answer for {pattern}") from error
    finally:
        await answers.aclose()


async def _collect(answers: Listen, stream: str) -> list[Message]:
    found: list[Message] = []
    async for answer in answers:
        status = answer.headers.get(STATUS)
        if status is None:
            found.append(stored(answer))
        elif status in (END_OF_BATCH, NOT_FOUND):
            return found
        elif status == NO_RESPONDERS:
            raise BusUnavailable(f"nothing on the bus answers for {stream}")
        else:
            raise Refused(f"the bus could not read {stream}: status {status}")
    raise BusUnavailable("the bus is closed")


async def end(bus: Bus, stream: str) -> int:
    """The last sequence of a stream; 0 if nothing was ever stored."""
    answer = orjson.loads((await bus.request(f"$JS.API.STREAM.INFO.{stream}")).payload)
    if "error" in answer:
        raise failure(answer["error"])
    return int(answer["state"]["last_seq"])
