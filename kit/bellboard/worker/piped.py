"""The table that is piped into a command, where it was too large to travel with it."""

from __future__ import annotations

import asyncio

from google.protobuf.message import DecodeError

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.call import BlobStore
from bellboard.errors import BellboardError, BusUnavailable, Unconfirmed

from .admit import Order

PAUSE = 1.0


async def take_piped(order: Order, blobs: BlobStore) -> str:
    """Put the table into the request; says what is wrong where that can't be done. While the bus is away this waits for it."""
    if order.command is None or order.request is None or not order.envelope.HasField("table"):
        return ""
    if order.command.table is None:
        return "it takes no table"
    while True:
        try:
            table = chat.Table.FromString(await blobs.get(order.envelope.table))
        except (BusUnavailable, Unconfirmed):
            await asyncio.sleep(PAUSE)
        except (BellboardError, DecodeError):
            return "the table that was piped into it can't be read"
        else:
            field = getattr(order.request, order.command.table.name)
            field.SetInParent()
            field.MergeFromString(table.SerializeToString())  # the request may be of another pool
            return ""
