"""One inbox for every answer: a future per request, and one sweeper for all of their timeouts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from bellboard.errors import BusError, Refused, Unconfirmed

from .messages import Message, received


@dataclass(slots=True)
class _Waiting:
    future: asyncio.Future[Message]
    subject: str
    deadline: float


class Replies:
    """The answers that are waited for. ``prefix`` is this connection's own inbox, without a dot at its end."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._waiting: dict[str, _Waiting] = {}
        self._count = 0

    def expect(self, subject: str, timeout: float) -> tuple[str, asyncio.Future[Message]]:
        """Get ready for the answer to a request on a subject: where it is to be sent, and what will hold it.

        The future raises Unconfirmed after ``timeout`` seconds or when the connection is lost.
        """
        self._count += 1
        reply = f"{self.prefix}.{self._count:x}"
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[reply] = _Waiting(future, subject, time.monotonic() + timeout)
        return reply, future

    def forget(self, reply: str) -> None:
        self._waiting.pop(reply, None)

    async def take(self, raw: Any) -> None:
        """The subscription's callback. An answer that nobody waits for any more is dropped."""
        waiting = self._waiting.get(raw.subject)
        if waiting is not None and not waiting.future.done():
            waiting.future.set_result(received(raw))

    def sweep(self, now: float) -> None:
        """Give up on what is overdue."""
        for waiting in list(self._waiting.values()):
            if waiting.deadline <= now:
                _fail(waiting, Unconfirmed(f"the bus did not answer on {waiting.subject}"))

    def lost(self) -> None:
        """The connection is gone, and with it every answer."""
        for waiting in list(self._waiting.values()):
            _fail(waiting, Unconfirmed("the connection to the bus was lost before it answered"))

    def denied(self, violation: str) -> None:
        """The server refused a publish; its message names the subject, in lower case."""
        for waiting in list(self._waiting.values()):
            if f'"{waiting.subject.lower()}"' in violation:
                _fail(waiting, Refused(f"the bus does not permit publishing to {waiting.subject}"))


def _fail(waiting: _Waiting, error: BusError) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
