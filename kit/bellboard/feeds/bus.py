"""`Feeds` on the bus: the newest message of ``feed.<bot>.<hash of the name>`` is what is served."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bellboard.bus import Bus, patiently

from . import Feed, checked, hashed

STREAM = "FEED"
TYPE = "Bellboard-Media-Type"
SERVED, GONE = b"+", b"-"
"""How a message begins: with what is served, or to say that nothing is any more."""

GONE_FOR = {"Nats-TTL": "1h"}


class BusFeeds:
    """The feeds of one bot. It waits up to ten seconds for a bus that is away."""

    def __init__(self, bus: Bus, bot: str) -> None:
        self._bus, self._bot = bus, bot

    async def put(self, name: str, data: bytes, *, media_type: str) -> None:
        feed = checked(data, media_type)
        await self._write(name, SERVED + feed.data, {TYPE: media_type})

    async def forget(self, name: str) -> None:
        await self._write(name, GONE, GONE_FOR)

    async def _write(self, name: str, payload: bytes, headers: Mapping[str, str]) -> None:
        subject = f"feed.{self._bot}.{hashed(name)}"
        # A try that comes late must not undo a later change.
        written = {**headers, "Nats-Msg-Id": secrets.token_hex(12)}
        await patiently(self._bus, lambda: self._bus.publish(subject, payload, headers=written))


async def served(bus: Bus, bot: str, name: str) -> Feed | None:
    """What is served under a bot's name; None if nothing is. For the gateway.

    Raises:
        ValueError: that is no name.
        BusError: it can't be known now.
    """
    message = await bus.last(STREAM, f"feed.{bot}.{hashed(name)}")
    if message is None or not message.payload.startswith(SERVED):
        return None
    return Feed(message.payload[len(SERVED) :], message.headers.get(TYPE, ""))
