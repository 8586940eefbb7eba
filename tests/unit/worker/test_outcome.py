"""What came of a command fits into its record."""

from __future__ import annotations

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BlobError, Unconfirmed
from bellboard.testing.talk import MemoryBlobs
from bellboard.worker.outcome import MAX_REPLY, fit


def reply(size: int) -> chat.Reply:
    return chat.Reply(blocks=[chat.Block(code=chat.Code(text="x" * size))])


async def test_a_small_reply_stays_where_it_is() -> None:
    """No blob is made of it."""
    outcome = pb.Outcome(reply=reply(1000), result=b"r")
    await fit(outcome, MemoryBlobs("practice"))

    assert outcome == pb.Outcome(reply=reply(1000), result=b"r")


async def test_a_large_reply_becomes_a_blob() -> None:
    """From which it can be read again."""
    blobs, outcome = MemoryBlobs("practice"), pb.Outcome(reply=reply(MAX_REPLY))
    await fit(outcome, blobs)

    assert not outcome.HasField("reply")
    assert chat.Reply.FromString(await blobs.get(outcome.reply_blob)) == reply(MAX_REPLY)


async def test_a_large_result_becomes_a_blob() -> None:
    """From which a pipe can go on."""
    blobs, outcome = MemoryBlobs("practice"), pb.Outcome(reply=reply(1000), result=bytes(2 * MAX_REPLY))
    await fit(outcome, blobs)

    assert (outcome.result, outcome.reply) == (b"", reply(1000))
    assert await blobs.get(outcome.result_blob) == bytes(2 * MAX_REPLY)


class Refusing(MemoryBlobs):
    """Takes nothing."""

    async def put(self, data: bytes, *, media_type: str, name: str = "") -> chat.BlobRef:
        raise BlobError("too many bytes")


async def test_a_reply_that_no_blob_holds_is_replaced_by_a_word_of_it() -> None:
    """The command succeeded all the same."""
    outcome = pb.Outcome(reply=reply(MAX_REPLY))
    await fit(outcome, Refusing("practice"))

    assert outcome.reply.blocks[0].text.text == "the answer was too large to keep (128 KiB)"


async def test_a_result_that_no_blob_holds_is_dropped() -> None:
    """The record must be written; people have the reply."""
    outcome = pb.Outcome(reply=reply(1000), result=bytes(2 * MAX_REPLY))
    await fit(outcome, Refusing("practice"))

    assert outcome == pb.Outcome(reply=reply(1000))


class Away(MemoryBlobs):
    """The bus does not answer the first time."""

    tries = 0

    async def put(self, data: bytes, *, media_type: str, name: str = "") -> chat.BlobRef:
        self.tries += 1
        if self.tries == 1:
            raise Unconfirmed("no answer")
        return await super().put(data, media_type=media_type, name=name)


async def test_a_bus_that_is_away_is_waited_for() -> None:
    """The result is known here alone."""
    blobs, outcome = Away("practice"), pb.Outcome(reply=reply(MAX_REPLY))
    await fit(outcome, blobs)

    assert blobs.tries == 2
    assert outcome.HasField("reply_blob")
