"""Syslog as RFC 5424 and RFC 3164 have it, over UDP, and over TCP with both ways of framing (RFC 6587)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bellboard import ProviderError, SettingsError
from bellboard.telemetry import logs, names

from ..entries import SEVERITIES, Entry
from ..store.writer import Writer
from .lines import clean, moment, name, read

LARGEST = 64 * 1024
"""Bytes of one message."""

MOST_WAITING = 50_000
"""Messages that wait to be stored; syslog knows no "slower", so the oldest are dropped beyond."""

AT_ONCE = 5_000

_5424 = re.compile(
    r"<(\d{1,3})>1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32})"
    r" (-|(?:\[(?:[^\]\"\\]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)"
    r"(?: (.*))?",
    re.DOTALL,
)
_3164 = re.compile(r"<(\d{1,3})>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S{1,255}) (.*)", re.DOTALL)
_TAG = re.compile(r"([\w./-]{1,48})(?:\[([^\]]{0,48})\])?: ?(.*)", re.DOTALL)
_ANY = re.compile(r"<(\d{1,3})>(.*)", re.DOTALL)


def parse(text: str, *, now: float) -> Entry:
    """One message; what follows neither RFC is taken whole."""
    if found := _5424.fullmatch(text):
        priority, at, host, app, _, _, data, message = found.groups()
        entry = read((message or "").removeprefix("\ufeff"), now=moment(at, now), labels={"app": _nil(app)})
        more = entry.more or (clean(data) if data != "-" else "")
        return _graded(entry, priority)._replace(replica=entry.replica or name(_nil(host)), more=more)
    if found := _3164.fullmatch(text):
        priority, at, host, rest = found.groups()
        tag = _TAG.fullmatch(rest)
        labels = {"app": tag[1] if tag else "", "replica": host}
        return _graded(read(tag[3] if tag else rest, now=_old_time(at, now), labels=labels), priority)
    found = _ANY.fullmatch(text)
    return _graded(read(found[2], now=now), found[1]) if found else read(text, now=now)


def _graded(entry: Entry, priority: str) -> Entry:
    return entry._replace(level=SEVERITIES[int(priority) % 8])


def _nil(text: str) -> str:
    return "" if text == "-" else text


def _old_time(text: str, now: float) -> float:
    """A time without a year or a zone: UTC, and of the year in which it is nearest to now."""
    today = datetime.fromtimestamp(now, UTC)
    near = []
    for year in (today.year - 1, today.year, today.year + 1):
        with contextlib.suppress(ValueError):  # 29 Feb
            near.append(datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC).timestamp())
    return min(near, key=lambda at: abs(at - now), default=now)


UNFRAMED = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, ConnectionError)


class _Inbox(asyncio.DatagramProtocol):
    """What has come and is not yet stored."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self.came = asyncio.Event()
        self.dropped = 0

    def take(self, data: bytes) -> None:
        self.dropped += len(self.waiting) == MOST_WAITING
        self.waiting.append(data)
        self.came.set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.take(data[:LARGEST])


@asynccontextmanager
async def listen(writer: Writer, host: str, port: int) -> AsyncIterator[int]:
    """Take syslog over UDP and TCP as long as the context lasts; gives the port, which 0 leaves open.

    Raises:
        SettingsError: the port is taken.
    """
    inbox = _Inbox()

    async def connected(reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        with contextlib.closing(stream), contextlib.suppress(*UNFRAMED):  # who sends what can't be framed is hung up on
            await _read_frames(reader, inbox)

    try:
        server = await asyncio.start_server(connected, host, port, limit=LARGEST)
        bound: int = server.sockets[0].getsockname()[1]
        udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: inbox, local_addr=(host, bound))
    except OSError as error:
        raise SettingsError(f"nothing can listen on {host}:{port}", hint="set BELLBOARD_SYSLOG_PORT") from error
    storing = asyncio.create_task(_store(inbox, writer))
    try:
        yield bound
    finally:
        udp.close()
        server.close()
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)


async def _read_frames(reader: asyncio.StreamReader, inbox: _Inbox) -> None:
    """Messages with their length before them, or one a line."""
    while first := await reader.read(1):
        if first.isdigit() and first != b"0":
            length = int(first + (await reader.readuntil(b" ")))
            if length > LARGEST:
                raise ValueError("too long")
            inbox.take(await reader.readexactly(length))
        else:
            line = first + await _to_its_end(reader) if first != b"\n" else b""
            if line.strip():
                inbox.take(line.rstrip(b"\r\n"))


async def _to_its_end(reader: asyncio.StreamReader) -> bytes:
    """The rest of a line; the last one of a connection may have no end."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _store(inbox: _Inbox, writer: Writer) -> None:
    while True:
        await inbox.came.wait()
        inbox.came.clear()
        while inbox.waiting:
            some = [inbox.waiting.popleft() for _ in range(min(AT_ONCE, len(inbox.waiting)))]
            now = time.time()
            entries = [parse(data.decode("utf-8", "replace").rstrip("\0\n"), now=now) for data in some]
            try:
                await writer.write(entries)
            except ProviderError as error:
                inbox.dropped += len(entries)
                logs.emit(names.LOGS_DROPPED, exc=error, lines=inbox.dropped)
