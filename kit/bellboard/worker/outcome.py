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

REPLY_TYPE = "application/x-bellboard-reply"

PAUSE = 1.0


async def fit(outcome: pb.Outcome, blobs: BlobStore) -> None:
    """Move a reply that is too large into a blob. A result that is too large is dropped; the reply says it to people.

    While the bus is away this waits for it, as the final record would have to.
    """
    if outcome.reply.ByteSize() > MAX_REPLY:
        await _move(outcome, blobs)
    if outcome.ByteSize() > MAX_REPLY + MAX_REPLY // 2:
        logs.emit(names.RESULT_TOO_LARGE, bytes=len(outcome.result))
        outcome.result = b""


async def _move(outcome: pb.Outcome, blobs: BlobStore) -> None:
    data = outcome.reply.SerializeToString()
    while True:
        try:
            outcome.reply_blob.CopyFrom(await blobs.put(data, media_type=REPLY_TYPE, name="reply"))
        except (BusUnavailable, Unconfirmed):
            await asyncio.sleep(PAUSE)
        except (BlobError, BusError) as error:
            logs.emit(names.RESULT_TOO_LARGE, bytes=len(data), error=error.text)
            text = f"the answer was too large to keep ({len(data) // 1024} KiB)"
            outcome.reply.CopyFrom(chat.Reply(blocks=[chat.Block(text=chat.Text(text=text, tone=chat.TONE_WARNING))]))
            return
        else:
            outcome.ClearField("reply")
            return
