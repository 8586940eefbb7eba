"""Making what came of a command fit into its final record."""

from __future__ import annotations

import asyncio

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.call import BlobStore
from bellboard.errors import BlobError, BusError, BusUnavailable, Unconfirmed
from bellboard.telemetry import logs, names

MAX_REPLY = 128 * 1024
"""Bytes of a reply that stand in the record itself. A record may be 256 KiB."""

REPLY_TYPE, RESULT_TYPE = "application/x-bellboard-reply", "application/x-bellboard-result"

PAUSE = 1.0


async def fit(outcome: pb.Outcome, blobs: BlobStore) -> None:
    """Move a reply or a result that is too large into a blob. What no blob can hold is dropped, and people are told.

    While the bus is away this waits for it, as the final record would have to.
    """
    if outcome.reply.ByteSize() > MAX_REPLY:
        await _move_reply(outcome, blobs)
    if outcome.ByteSize() > MAX_REPLY + MAX_REPLY // 2:
        if ref := await _put(outcome.result, RESULT_TYPE, "result", blobs):
            outcome.result_blob.CopyFrom(ref)
        outcome.result = b""


async def _move_reply(outcome: pb.Outcome, blobs: BlobStore) -> None:
    data = outcome.reply.SerializeToString()
    if ref := await _put(data, REPLY_TYPE, "reply", blobs):
        outcome.reply_blob.CopyFrom(ref)
        outcome.ClearField("reply")
        return
    text = f"the answer was too large to keep ({len(data) // 1024} KiB)"
    outcome.reply.CopyFrom(chat.Reply(blocks=[chat.Block(text=chat.Text(text=text, tone=chat.TONE_WARNING))]))


async def _put(data: bytes, media_type: str, name: str, blobs: BlobStore) -> chat.BlobRef | None:
    """Store a blob; None if it can't be one."""
    while True:
        try:
            return await blobs.put(data, media_type=media_type, name=name)
        except (BusUnavailable, Unconfirmed):
            await asyncio.sleep(PAUSE)
        except (BlobError, BusError) as error:
            logs.emit(names.RESULT_TOO_LARGE, bytes=len(data), error=error.text)
            return None
