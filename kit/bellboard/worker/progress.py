"""What a running command shows: best effort, never in its way."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.ledger.ops import timestamp

PAUSE = 0.2
"""Seconds between two records of one command; what is shown in between is replaced by what comes after it."""

MAX_BYTES = 128 * 1024
"""A larger one is not shown: the final record will tell."""


class Progress:
    """Publishes the newest blocks of one attempt on ``prog.<bot>.<id>``."""

    def __init__(self, bus: Bus, bot: str, command_id: str, attempt: str) -> None:
        self._bus, self._subject = bus, f"prog.{bot}.{command_id}"
        self._id, self._attempt, self._index = command_id, attempt, 0
        self._newest: Sequence[chat.Block] | None = None
        self._sending: asyncio.Task[None] | None = None

    def show(self, blocks: Sequence[chat.Block]) -> None:
        """Show these blocks in place of those before; returns at once."""
        self._newest = blocks
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def close(self) -> None:
        """Show nothing more."""
        self._newest = None
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        while (blocks := self._newest) is not None:
            self._newest = None
            self._index += 1
            record = pb.ProgressRecord(
                id=self._id, attempt=self._attempt, index=self._index, blocks=blocks, at=timestamp(time.time())
            )
            if record.ByteSize() <= MAX_BYTES:
                with contextlib.suppress(BusError):  # it would be forgotten after a day anyhow
                    await self._bus.send(self._subject, record.SerializeToString())
            await asyncio.sleep(PAUSE)
