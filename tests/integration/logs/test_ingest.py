"""How lines get in: followed files, Loki's push API, syslog over UDP and TCP."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bellboard.testing.eventually import eventually
from bellboard_logs.ingest import push, syslog
from bellboard_logs.ingest.follow import Followed, Follower
from bellboard_logs.ingest.packed import kinds
from tests.integration.logs.conftest import NOW, House


def said(*words: str) -> str:
    return "".join(json.dumps({"ts": NOW, "app": "shop", "msg": word}) + "\n" for word in words)


@pytest.fixture
async def follower(store: House, tmp_path: Path) -> Follower:
    """Follows ``*.jsonl``, a look at a time."""
    return Follower([Followed(str(tmp_path / "*.jsonl"), "sandbox")], store.writer, store.reader)


async def look(follower: Follower) -> None:
    while await follower.look():
        pass


async def test_a_file_is_followed_line_by_line(store: House, follower: Follower, tmp_path: Path) -> None:
    """A line without its end is left until it has one."""
    file = tmp_path / "web.jsonl"
    file.write_text(said("a") + said("b")[:20])
    await look(follower)
    assert await store.find() == ["a"]

    file.write_text(said("a", "b"))
    await look(follower)
    assert await store.find() == ["a", "b"]


async def test_a_rotated_file_is_read_to_its_end(store: House, follower: Follower, tmp_path: Path) -> None:
    """And then the one that took its place."""
    file = tmp_path / "web.jsonl"
    file.write_text(said("a"))
    await look(follower)
    with file.open("a") as old:
        old.write(said("b"))
    file.rename(tmp_path / "web.jsonl.1")
    file.write_text(said("c"))
    await look(follower)

    assert sorted(await store.find()) == ["a", "b", "c"]


async def test_a_truncated_file_is_read_anew(store: House, follower: Follower, tmp_path: Path) -> None:
    """Also where it has grown beyond its old length since."""
    file = tmp_path / "web.jsonl"
    file.write_text(said("a"))
    await look(follower)
    os.truncate(file, 0)
    file.write_text(said("b", "c", "d"))
    await look(follower)

    assert sorted(await store.find()) == ["a", "b", "c", "d"]


async def test_what_can_not_be_read_keeps_nothing_else_from_it(store: House, follower: Follower, tmp_path: Path) -> None:
    """Folders, pipes, and links in a circle, whose names come first."""
    (tmp_path / "a.jsonl").mkdir()
    os.mkfifo(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "c.jsonl")
    (tmp_path / "web.jsonl").write_text(said("a"))
    await look(follower)

    assert await store.find() == ["a"]


async def test_nothing_is_read_twice_after_a_restart(store: House, follower: Follower, tmp_path: Path) -> None:
    """How far a file was read stands beside its lines."""
    (tmp_path / "web.jsonl").write_text(said("a", "b"))
    await look(follower)
    again = asyncio.create_task(Follower([Followed(str(tmp_path / "*.jsonl"))], store.writer, store.reader).run())
    with (tmp_path / "web.jsonl").open("a") as file:
        file.write(said("c"))

    async def all_there() -> bool:
        return len(await store.find()) >= 3

    await eventually(all_there)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert sorted(await store.find()) == ["a", "b", "c"]


@pytest.fixture
async def door(store: House) -> AsyncIterator[str]:
    """The address of the push API."""
    async with push.answer(store.writer, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/loki/api/v1/push"


def pushed(*lines: str) -> bytes:
    values = [[str(int(NOW * 1e9) + at), line, {"level": "error"}] for at, line in enumerate(lines)]
    return json.dumps({"streams": [{"stream": {"app": "shop", "version": "v2"}, "values": values}]}).encode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_what_loki_takes_is_taken(store: House, door: str, packed: bool) -> None:
    """204 says that it is on the disk."""
    body = gzip.compress(pushed("token mismatch")) if packed else pushed("token mismatch")
    headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if packed else {})}
    async with aiohttp.ClientSession() as session, session.post(door, data=body, headers=headers) as answer:
        assert answer.status == 204

    assert await store.find("error", "v2") == ["token mismatch"]


async def test_what_loki_s_own_shippers_send_is_taken(store: House, door: str) -> None:
    """Promtail, Alloy and Docker's driver speak nothing but Snappy's protobuf."""
    push_ = kinds()["Push"]()
    stream = push_.streams.add(labels='{app="shop", version="v2"}')
    entry = stream.entries.add(line=b"token \xff mismatch")
    entry.at.seconds = int(NOW)
    entry.labels.add(name="level", value="error")
    raw = push_.SerializeToString()
    body = bytes([len(raw), 60 << 2, len(raw) - 1]) + raw  # all of it as it is, which Snappy may do
    headers = {"Content-Type": "application/x-protobuf"}
    async with aiohttp.ClientSession() as session, session.post(door, data=body, headers=headers) as answer:
        assert answer.status == 204

    assert await store.find("error", "v2") == ["token \ufffd mismatch"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/x-protobuf", b"\x05\x00", 400),
        ("application/x-protobuf", b"\x02\x04\xff\xff", 400),
        ("application/x-protobuf", b"\xff\xff\xff\xff\x0f\x00", 400),
        ("application/json", b"no", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'{"streams":[{"stream":{},"values":[["x","y"]]}]}', 400),
        ("application/json", b'{"streams":[{"stream":{},"values":[["1",2]]}]}', 400),
    ],
)
async def test_what_is_no_push_is_refused(store: House, door: str, kind: str, body: bytes, status: int) -> None:
    """By a status after which a shipper does not try again."""
    async with aiohttp.ClientSession() as session, session.post(door, data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status == status
        assert await answer.text()


async def test_syslog_is_taken_in_every_framing(store: House) -> None:
    """UDP, and TCP with lengths or with lines, the last of which may have no end."""
    now = datetime.now(UTC).isoformat(timespec="seconds")  # what is old would be dropped at once
    messages = [f"<11>1 {now} web shop - - - way {n}".encode() for n in range(4)]
    async with syslog.listen(store.writer, "127.0.0.1", 0) as port:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(messages[0], ("127.0.0.1", port))
        for frame in (messages[1] + b"\n", b"%d %s" % (len(messages[2]), messages[2]), messages[3]):
            _, stream = await asyncio.open_connection("127.0.0.1", port)
            stream.write(frame)
            await stream.drain()
            stream.close()
            await stream.wait_closed()

        async def all_there() -> bool:
            return sorted(await store.find("way", "error")) == ["way 0", "way 1", "way 2", "way 3"]

        await eventually(all_there)
