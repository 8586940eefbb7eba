"""Webhooks over HTTP: ``POST /hooks/NAME`` and ``POST /hooks/NAME/SECRET``.

=========  ==========================================================================================
202        it is on disk; ``{"taken": SEQUENCE}``
400, 415   it is not JSON, or packed in a way that nobody unpacks
401        its signature is right, its time is not
404        there is no such webhook, or that is not its secret
409        this signed request was taken before, whatever its sender was told
413        it is too large
503        it was not taken; send it again, as senders of alerts do by themselves
=========  ==========================================================================================
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from bellboard import hooks as files
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.errors import BellboardError, CasLost
from bellboard.hooks import Hook
from bellboard.telemetry import logs, names

from ..limits import Buckets
from ..watched import Watched
from .checks import MAX_BODY, REPLAYED, TOO_LARGE, Admitted, Knock, Refused, admit, proven

INLINE = 32 * 1024
"""Bytes of a body that is kept in the stream itself; a larger one is kept as a blob, to which the stream refers."""

BLOB, JSON = "Bellboard-Blob", "application/json"
RETRY_AFTER = {"Retry-After": "5"}
SLOWEST = 10.0
"""Seconds in which a body must have come."""

AT_ONCE, QUEUE = 32, 5.0
"""Bodies that are taken in at the same time, each of up to 1 MiB; and seconds that others wait for their turn. As many again
may be from strangers, for all that is known before a signed body has come; they take nobody else's turn."""

BUSY = Refused(503, "busy", "too much comes in; send it again")
AWAY = Refused(503, "bus", "the message bus does not answer; send it again")
SLOW = Refused(408, "slow", "the body did not come in time")

Hooks = Watched[Mapping[str, Hook]]


def watch(path: Path | None) -> Hooks:
    """The webhooks of a file, read again when it or a file of a secret changes; none without one. Raises SettingsError."""
    if path is None:
        return Watched(list, dict)
    return Watched(lambda: files.files(path), lambda: files.read(path))


@dataclass
class HookDoor:
    """Takes requests, and keeps those that are let in.

    Attributes:
        taken: called with a webhook's name when something new is kept.
        now: the clock, in seconds since 1970.
    """

    hooks: Hooks
    bus: Bus
    blobs: Blobs
    taken: Callable[[str], None]
    now: Callable[[], float] = time.time
    _rate: Buckets = field(default_factory=lambda: Buckets(rate=500.0, burst=5000.0))
    _told: Buckets = field(default_factory=lambda: Buckets(rate=1.0, burst=20.0))
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _strangers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def routes(self) -> list[web.RouteDef]:
        """For the gateway's application."""
        return [web.post("/hooks/{name}", self.take), web.post("/hooks/{name}/{secret}", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """Answer one request."""
        name = request.match_info["name"]
        try:
            sequence = await self._take(name, request)
        except Refused as error:
            self._tell(name, error.reason, request.remote)
            headers = RETRY_AFTER if error.status == AWAY.status else {}
            return web.json_response({"refused": error.text}, status=error.status, headers=headers)
        names.HOOK_REQUESTS.labels(name, "taken").inc()
        self.taken(name)
        return web.json_response({"taken": sequence}, status=202)

    async def _take(self, name: str, request: web.Request) -> int:
        if not self._rate.take(request.remote or ""):
            raise BUSY
        headers = {key.lower(): request.headers.getall(key) for key in request.headers}
        knock, hook = Knock(request.match_info.get("secret", ""), headers, b""), self.hooks.value.get(name)
        turns = self._turns if proven(hook, knock) else self._strangers
        try:
            async with asyncio.timeout(QUEUE):
                await turns.acquire()
        except TimeoutError:
            raise BUSY from None
        try:
            return await self._keep(name, admit(hook, replace(knock, body=await _body(request)), self.now()))
        finally:
            turns.release()

    async def _keep(self, name: str, admitted: Admitted) -> int:
        """Write down what was let in; what may come but once, under a subject that can be written once."""
        payload, marks = admitted.body, {}
        try:
            if len(payload) > INLINE:
                payload, marks = (await self.blobs.put(payload, media_type=JSON)).SerializeToString(), {BLOB: "1"}
            subject, expected = (f"hook.{name}.{admitted.once}", 0) if admitted.once else (f"hook.{name}.any", None)
            return await self.bus.publish(subject, payload, headers=marks, expected=expected)
        except CasLost:
            raise REPLAYED from None
        except BellboardError:
            raise AWAY from None

    def _tell(self, name: str, reason: str, remote: str | None) -> None:
        """Count a refusal, and log it; a flood of them fills no log. What a stranger made up is no label."""
        known = name if name in self.hooks.value else "?"
        names.HOOK_REQUESTS.labels(known, reason).inc()
        if self._told.take(remote or ""):
            logs.emit(names.HOOK_REFUSED, hook=known, reason=reason, remote=remote)


async def _body(request: web.Request) -> bytes:
    """The body as it was sent. Raises Refused."""
    if (request.content_length or 0) > MAX_BODY:
        raise TOO_LARGE
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY:
                    raise TOO_LARGE
    except TimeoutError:
        raise SLOW from None
    return bytes(body)


async def body_of(payload: bytes, headers: Mapping[str, str], blobs: Blobs) -> bytes:
    """What was kept, as it came. Raises BellboardError."""
    return await blobs.get(chat.BlobRef.FromString(payload)) if BLOB in headers else payload
