"""Blobs on a real bus."""

from __future__ import annotations

import os

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.blobs import CHUNK, LARGEST, Blobs
from bellboard.errors import BlobError, BusError
from bellboard.testing.plugin import BusAs

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, LARGEST])
async def test_what_was_stored_is_read_back(bus_as: BusAs, size: int) -> None:
    """A blob of any size up to the largest, stored by a bot and read by the gateway."""
    data = os.urandom(size)
    ref = await Blobs(await bus_as("memes"), "memes").put(data, media_type="image/png", name="a.png")
    assert (ref.owner, ref.size, ref.media_type, ref.name) == ("memes", size, "image/png", "a.png")
    assert await Blobs(await bus_as("gw-1"), "gw").get(ref) == data


async def test_storing_the_same_twice_stores_it_once(bus_as: BusAs) -> None:
    """Its chunks are told apart by the hash of the whole."""
    bus = await bus_as("gw-1")
    blobs, data = Blobs(bus, "gw"), os.urandom(3 * CHUNK)
    first = await blobs.put(data, media_type="image/png")
    end = await bus.end("BLOB")
    assert await blobs.put(data, media_type="image/png") == first
    assert await bus.end("BLOB") == end == 3


async def test_a_bot_reads_what_was_uploaded_and_its_own(bus_as: BusAs) -> None:
    """The gateway's blobs are open to every bot; another bot's are not."""
    uploaded = await Blobs(await bus_as("gw-1"), "gw").put(b"upload", media_type="image/png")
    own = await Blobs(await bus_as("memes"), "memes").put(b"own", media_type="image/png")
    assert await Blobs(await bus_as("memes"), "memes").get(uploaded) == b"upload"
    assert await Blobs(await bus_as("memes"), "memes").get(own) == b"own"
    with pytest.raises(BusError):
        await Blobs(await bus_as("practice"), "practice").get(own)


async def test_size_and_type_of_a_reference_may_be_missing(bus_as: BusAs) -> None:
    """A browser knows only owner and hash."""
    blobs = Blobs(await bus_as("gw-1"), "gw")
    ref = await blobs.put(b"x" * (CHUNK + 1), media_type="image/gif")
    assert await blobs.get(chat.BlobRef(owner="gw", sha256=ref.sha256)) == b"x" * (CHUNK + 1)
    assert await blobs.media_type("gw", ref.sha256) == "image/gif"


async def test_what_does_not_fit_its_hash_is_refused(bus_as: BusAs) -> None:
    """A bot may store anything under a hash, but nobody takes it for the real thing."""
    bot, gateway = await bus_as("memes"), Blobs(await bus_as("gw-1"), "gw")
    await bot.publish(f"blob.memes.{'a' * 64}.0", b"lies", headers={"Bellboard-Chunks": "1"})
    await bot.publish(f"blob.memes.{'b' * 64}.0", b"lies", headers={"Bellboard-Chunks": "1000000"})
    await bot.publish(f"blob.memes.{'c' * 64}.0", b"lies", headers={"Bellboard-Media-Type": "text/html;<script>"})
    for letter in "abcd":
        with pytest.raises(BlobError):
            await gateway.get(chat.BlobRef(owner="memes", sha256=letter * 64))
    assert await gateway.media_type("memes", "c" * 64) == "application/octet-stream"


@pytest.mark.parametrize(
    "ref",
    [
        chat.BlobRef(owner="gw.*", sha256="a" * 64),
        chat.BlobRef(owner="", sha256="a" * 64),
        chat.BlobRef(owner="gw", sha256=">"),
        chat.BlobRef(owner="gw", sha256="A" * 64),
        chat.BlobRef(owner="gw", sha256="a" * 64, size=LARGEST + 1),
    ],
)
async def test_a_reference_that_names_no_blob_is_refused(bus_as: BusAs, ref: chat.BlobRef) -> None:
    """Nothing of a reference gets into a subject unchecked."""
    with pytest.raises(BlobError):
        await Blobs(await bus_as("gw-1"), "gw").get(ref)


async def test_empty_too_large_or_typeless_is_refused_before_anything_is_sent(bus_as: BusAs) -> None:
    """The caller hears how large it may be."""
    bus = await bus_as("gw-1")
    with pytest.raises(BlobError, match="8 MiB"):
        await Blobs(bus, "gw").put(b"x" * (LARGEST + 1), media_type="image/png")
    with pytest.raises(BlobError):
        await Blobs(bus, "gw").put(b"", media_type="image/png")
    with pytest.raises(BlobError):
        await Blobs(bus, "gw").put(b"x", media_type="image/png\r\nX: y")
    assert await bus.end("BLOB") == 0
