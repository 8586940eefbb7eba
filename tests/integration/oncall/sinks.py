"""Other sides that messages go to: a web server and a mail server on this machine, which take down what reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class WebSink:
    """A web server.

    Attributes:
        status: what it answers with; 0: nothing, the connection ends. ``wait``: seconds before it answers.
        taken, paths: the bodies that it took, in order, and where.
    """

    port: int = 0
    status: int = 200
    wait: float = 0.0
    taken: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.append(await request.json())
        self.paths.append(request.path)
        await asyncio.sleep(self.wait)
        if not self.status and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status or 200)


@asynccontextmanager
async def web_sink() -> AsyncIterator[WebSink]:
    """Start one on a port of its own."""
    sink = WebSink()
    app = web.Application()
    app.router.add_post("/{name:.*}", sink._take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.port = runner.addresses[0][1]
    try:
        yield sink
    finally:
        await runner.cleanup()


@dataclass
class MailSink:
    """A mail server, as far as it has to be.

    Attributes:
        refuse: what it answers to a command of this name, such as ``RCPT``; ``vanish``: where it ends the connection instead.
        taken: the mails that it took.
    """

    port: int = 0
    refuse: str = ""
    vanish: str = ""
    taken: list[str] = field(default_factory=list)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                verb = line.split()[0].upper()
                if verb == self.vanish:
                    break
                if verb == self.refuse:
                    writer.write(b"554 not here\r\n")
                elif verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    self.taken.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    if self.vanish == ".":
                        break
                    writer.write(b"250 taken\r\n")
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 fine\r\n")
        finally:
            writer.close()


@asynccontextmanager
async def mail_sink() -> AsyncIterator[MailSink]:
    """Start one on a port of its own."""
    sink = MailSink()
    server = await asyncio.start_server(sink._serve, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink
