"""What every answer of the web room bears, and whom it answers at all.

Only hosts that were named are answered (a page of another site can have its own name point at this machine), only pages
of the same origin may change anything or open a socket, and nothing typed can run: scripts and styles come from files of
this package alone, and the browser itself refuses to turn text into HTML (Trusted Types).

What programs outside come to by a secret, `OPEN`, is answered whatever they call this house: no cookie counts there.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..settings import LOOPBACK

OPEN = ("/hooks/", "/feeds/")
"""Where the paths begin that need no session, and heed none."""

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with "no-referrer" a form of this very house would come from the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def guard(hosts: Collection[str], public_url: str = "") -> Middleware:
    """A middleware that answers only as the loopback, as ``hosts`` and as the public URL, and only pages of its own."""
    allowed = LOOPBACK | set(hosts) | {_name(urlsplit(public_url).netloc)} - {""}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource  # as the router reads the path, however it was written
        is_open = resource is not None and resource.canonical.startswith(OPEN)
        if not is_open and _name(request.host) not in allowed:
            return web.Response(status=421, text="This house does not go by that name.\n")
        changes = request.method not in ("GET", "HEAD") or request.headers.get("Upgrade", "").lower() == "websocket"
        if not is_open and changes and not own(request):
            return web.Response(status=403, text="Only pages of this house may do that.\n")
        try:
            return await handler(request)
        except web.HTTPException as error:
            error.headers.update(_missing(error.headers))
            raise

    return check


def own(request: web.Request) -> bool:
    """Whether a page of this origin asks, or a program that brings its own token (no page of another site can)."""
    origin = request.headers.get("Origin")
    if origin is None:
        return "Authorization" in request.headers
    return urlsplit(origin).netloc.lower() == request.host.lower()


def origin_of(request: web.Request, public_url: str) -> str:
    """Where the browser believes to be: behind a proxy that speaks TLS for us, the request itself does not tell."""
    public = urlsplit(public_url)
    if public.netloc and public.netloc == request.host.lower():
        return f"{public.scheme}://{public.netloc}"
    return f"{request.scheme}://{request.host}"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put on what every answer bears, where the handler said nothing else. For `on_response_prepare`."""
    response.headers.update(_missing(response.headers))


def _missing(there: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in HEADERS.items() if name not in there}


def _name(host: str) -> str:
    """The host without its port."""
    return (urlsplit(f"//{host}").hostname or "").lower()
