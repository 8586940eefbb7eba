"""Feeds over HTTP: ``GET /feeds/BOT/NAME``, for programs that can't sign in. Who knows the name may read."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web

from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.feeds import NAME
from bellboard.feeds.bus import served

from ..limits import Buckets

PLAIN = frozenset({"text/calendar", "text/plain", "text/csv", "application/json"})
"""What is served as what its bot says it is. Everything else is a file to be saved: nothing may run as a page of this house."""

FILE = "application/octet-stream"
HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@dataclass
class WebFeeds:
    """Serves what bots put into their feeds."""

    bus: Bus
    _rate: Buckets = field(default_factory=lambda: Buckets(rate=10.0, burst=100.0))

    def routes(self) -> list[web.RouteDef]:
        """For the gateway's application; a GET is a HEAD too."""
        return [web.get(r"/feeds/{bot:[a-z][a-z0-9-]{0,30}}/{name}", self.get)]

    async def get(self, request: web.Request) -> web.Response:
        """Serve one; whatever names none gets the same answer."""
        bot, name = request.match_info["bot"], request.match_info["name"]
        if not self._rate.take(request.remote or ""):
            return web.Response(status=429, text="That is too often.\n", headers={"Retry-After": "60"})
        try:
            feed = await served(self.bus, bot, name) if NAME.fullmatch(name) else None
        except BusError:
            return web.Response(status=503, text="The bus does not answer.\n", headers={"Retry-After": "5"})
        if feed is None:
            return web.Response(status=404, text="There is no such feed.\n", headers=HEADERS)
        tag = f'"{sha256(feed.data).hexdigest()[:32]}"'
        headers = HEADERS | {"ETag": tag}
        if any(one.value in (tag.strip('"'), "*") for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        plain = feed.media_type in PLAIN
        charset = "utf-8" if plain and feed.media_type.startswith("text/") else None
        kind = feed.media_type if plain else FILE
        if not plain:
            headers |= {"Content-Disposition": "attachment"}
        return web.Response(body=feed.data, content_type=kind, charset=charset, headers=headers)
