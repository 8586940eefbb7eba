"""HTTP/1.1 over unix sockets, as much of it as the sandbox needs: it has to be small, in memory and in time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_HEAD, MAX_BODY = 16_384, 65_536
"""The most bytes of a request's or an answer's head, and of a request's body."""

TRIES = 3
"""The most new connections on which a client sends one request."""

_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 402: "Payment Required", 404: "Not Found", 409: "Conflict"}
_EMPTY: Mapping[str, str] = {}


@dataclass(slots=True)
class Request:
    """A request: its target is as sent, without decoding; header names are small."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Answer:
    """An answer. Header names of one that was received are small."""

    code: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]


class WireError(Exception):
    """What came is no HTTP, or more than is taken."""


def as_json(value: Any, code: int = 200, headers: Mapping[str, str] = _EMPTY) -> Answer:
    """An answer in JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(code, body, {"Content-Type": "application/json", **headers})


def listening(path: Path) -> socket.socket:
    """A socket at a path that only its owner may connect to. One that is there is replaced."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    made.bind(os.fspath(path))
    path.chmod(0o600)
    return made


class Server:
    """Answers at a unix socket. A handler that breaks is answered with 500, and its traceback goes to stderr."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path, self._handler = path, handler
        self._server: asyncio.AbstractServer | None = None
        self.connections: set[_Served] = set()
        self.closing = False

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Served(self), sock=listening(self._path))

    async def answer(self, request: Request) -> Answer:
        try:
            return await self._handler(request)
        except Exception:  # noqa: BLE001  # a task boundary: one request must not end the server
            traceback.print_exc(file=sys.stderr)
            return as_json({"error": "it broke"}, 500)

    async def close(self, grace: float | None = None) -> None:
        """Take no more connections, let running requests finish, in so many seconds if that is said, and close the rest."""
        self.closing = True
        if self._server:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for connection in tuple(self.connections):
            connection.finish()
        if running := [connection.task for connection in self.connections if connection.task]:
            _, late = await asyncio.wait(running, timeout=grace)
            for task in late:
                task.cancel()


class _Served(asyncio.Protocol):
    """One connection of a server: a request after the other."""

    def __init__(self, server: Server) -> None:
        self._server, self._buffer = server, bytearray()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def finish(self) -> None:
        """Close as soon as nothing runs."""
        if self.task is None:
            self._transport.close()

    def _next(self) -> None:
        if self.task is not None:
            return
        try:
            request = _request(self._buffer)
        except WireError as error:
            self._send(as_json({"error": str(error)}, 400), keep=False)
            return
        if request:
            self.task = asyncio.get_running_loop().create_task(self._run(request))

    async def _run(self, request: Request) -> None:
        answer = await self._server.answer(request)
        self.task = None
        keep = not self._server.closing and request.headers.get("connection", "").lower() != "close"
        self._send(answer, keep=keep)
        if keep:
            self._next()

    def _send(self, answer: Answer, *, keep: bool) -> None:
        if self._transport.is_closing():
            return
        head = [f"HTTP/1.1 {answer.code} {_REASONS.get(answer.code, 'Error')}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.code != 204:
            head.append(f"Content-Length: {len(answer.body)}")
        if not keep:
            head.append("Connection: close")
        self._transport.write("\r\n".join([*head, "\r\n"]).encode("latin-1", "replace") + answer.body)
        if not keep:
            self._transport.close()


class Client:
    """Asks at a unix socket. Connections are kept and used again."""

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self.idle: list[_Asked] = []

    async def ask(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] = _EMPTY) -> Answer:
        """Send a request, and wait for its answer.

        Where a connection is closed before anything was heard, it is sent again on another, as HTTP allows; a POST never is.
        Caddy closes some, even new ones, when it takes another configuration.

        Raises:
            OSError: the socket can't be reached, or connections broke each time.
            WireError: what came back is no HTTP.
        """
        loop = asyncio.get_running_loop()
        left = TRIES
        while True:
            if self.idle:
                asked = self.idle.pop()
            else:
                _, asked = await loop.create_unix_connection(lambda: _Asked(self), self._path)
                left -= 1
            try:
                return await self._on(asked, method, target, body, headers)
            except ConnectionError:
                if asked.heard or method == "POST" or not left:
                    raise

    async def _on(self, asked: _Asked, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return await asked.ask(method, target, body, headers)
        except BaseException:
            asked.close()
            raise

    def close(self) -> None:
        while self.idle:
            self.idle[-1].close()


class _Asked(asyncio.Protocol):
    """One connection of a client, with at most one request on its way, of whose answer something was heard or nothing yet."""

    def __init__(self, client: Client) -> None:
        self._client, self._buffer = client, bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self.heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._answer = asyncio.get_running_loop().create_future()
        self.heard = False
        head = [f"{method} {target} HTTP/1.1", "Host: sandbox", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self._transport.write("\r\n".join([*head, "\r\n"]).encode("latin-1") + body)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self.heard = True
        waiting = self._answer
        if waiting is None or waiting.done():
            self.close()
            return
        try:
            answer = _answer(self._buffer)
        except WireError as error:
            waiting.set_exception(error)
            return
        if answer:
            waiting.set_result(answer)
            if answer.headers.get("connection", "").lower() == "close":
                self.close()
            else:
                self._client.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the connection was closed before an answer came"))

    def close(self) -> None:
        with contextlib.suppress(ValueError):
            self._client.idle.remove(self)
        self._transport.close()


def _request(buffer: bytearray) -> Request | None:
    """Take a whole request from a buffer; None while there is none. Raises WireError."""
    found = _take(buffer, MAX_BODY)
    if found is None:
        return None
    first, headers, body = found
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise WireError("that is no HTTP/1.1")
    return Request(parts[0], parts[1], headers, body)


def _answer(buffer: bytearray) -> Answer | None:
    """Take a whole answer from a buffer; None while there is none. Raises WireError."""
    found = _take(buffer, 1 << 24)
    if found is None:
        return None
    first, headers, body = found
    parts = first.split(" ")
    if len(parts) < 2 or not parts[1].isdecimal():
        raise WireError("that is no HTTP/1.1")
    return Answer(int(parts[1]), body, headers)


def _take(buffer: bytearray, most: int) -> tuple[str, dict[str, str], bytes] | None:
    end = buffer.find(b"\r\n\r\n")
    if max(end, 0 if end >= 0 else len(buffer)) > MAX_HEAD:
        raise WireError("the head is too long")
    if end < 0:
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()) or len(length) > 9 or int(length) > most:
        raise WireError("the body's length is not given, or is too much")
    if len(buffer) < (whole := end + 4 + int(length)):
        return None
    body = bytes(buffer[end + 4 : whole])
    del buffer[:whole]
    return first, headers, body
