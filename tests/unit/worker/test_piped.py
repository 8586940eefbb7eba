"""The table that is piped into a command comes to it, whichever way it went."""

from __future__ import annotations

from typing import Any

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.subjects import Key
from bellboard.ledger.work import Job
from bellboard.replies import table
from bellboard.testing.talk import MemoryBlobs
from bellboard.worker.admit import Order
from bellboard.worker.piped import take_piped
from bellboard_practice.bot import bot

TABLE = table(["number"], [(n,) for n in range(5)]).table
BY_METHOD = {command.method: command for command in bot.contract.commands}


def order(method: str, ref: chat.BlobRef | None) -> Order:
    command = BY_METHOD[method]
    job = Job(Key("ops-read", "practice", "a"), pb.Record(), 1, True, "w", command.effect, 0.0)
    return Order(job, pb.Envelope(table=ref), command, command.request_type())


async def test_a_table_in_a_blob_is_put_into_the_request() -> None:
    """The handler sees no difference."""
    blobs = MemoryBlobs("gw")
    piped = order("Total", await blobs.put(TABLE.SerializeToString(), media_type="application/x-bellboard-table"))

    assert await take_piped(piped, blobs) == ""
    request: Any = piped.request
    assert request.table.SerializeToString() == TABLE.SerializeToString()


async def test_a_request_without_one_stays_as_it_is() -> None:
    """A small table stands in it already."""
    alone = order("Total", None)
    assert await take_piped(alone, MemoryBlobs("gw")) == ""
    assert alone.request == BY_METHOD["Total"].request_type()


async def test_what_is_no_table_is_said() -> None:
    """Garbage, nothing at all, or a command that takes none."""
    blobs = MemoryBlobs("gw")
    garbage = await blobs.put(b"\xff\xff", media_type="application/x-bellboard-table")
    missing = chat.BlobRef(owner="gw", sha256="0" * 64)
    assert "can't be read" in await take_piped(order("Total", garbage), blobs)
    assert "can't be read" in await take_piped(order("Total", missing), blobs)
    assert "takes no table" in await take_piped(order("Look", garbage), blobs)
