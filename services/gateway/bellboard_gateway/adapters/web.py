"""The web room: one page, one socket.

====================  ==================================================================================================
``GET /``             the page; without a session, on to ``/in``
``GET /in``           sign in; with ``?code=`` by a one-time link
``POST /in``          sign in with a person's token (form field ``token``)
``POST /link``        a one-time link for whoever brings a token as ``Authorization: Bearer``: ``{"url", "path"}``
``POST /out``         sign out
``GET /ws``           the socket: see `web_socket`
``POST /upload``      one file (the body; ``?name=``) -> its BlobRef
``GET /blob/O/SHA``   a blob (``?type=&size=&name=`` from its BlobRef)
``GET /static/…``     the page's own files
``more``              what others serve here, such as webhooks and feeds
====================  ==================================================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from pathlib import Path

from aiohttp import web
from google.protobuf.json_format import MessageToDict

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.errors import BellboardError, BusError, UserError
from bellboard.telemetry import logs, names

from ..board import Board
from ..people import People, Person
from ..rooms import FILE, MAX_UPLOAD, PICTURES, Rooms
from ..signin import SESSION_LIFE, SignIn
from .web_door import Door
from .web_guard import add_headers, guard, origin_of
from .web_socket import Browser

FILES = Path(__file__).parent.parent / "web"
MAX_MESSAGE = 2 * 1024 * 1024
"""Bytes of one socket message: enough that a line that is far too long is still answered."""

BLOB_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=31536000, immutable",
}


class Web:
    """The web room. Start it with `start`; `browsers` are those that are connected."""

    def __init__(
        self,
        *,
        board: Board,
        rooms: Rooms,
        people: People,
        door: Door,
        sign_in: SignIn,
        bus: Bus,
        blobs: Blobs,
        hosts: Collection[str] = (),
        public_url: str = "",
        version: str = "",
        more: Iterable[web.RouteDef] = (),
    ) -> None:
        self.board, self.rooms, self.people, self.door, self.version = board, rooms, people, door, version
        self._sign_in, self._bus, self._blobs, self._hosts, self._more = sign_in, bus, blobs, hosts, tuple(more)
        self._public_url = public_url
        self.browsers: set[Browser] = set()
        self._runner: web.AppRunner | None = None

    def app(self) -> web.Application:
        """The application, for a server of one's own."""
        app = web.Application(middlewares=[guard(self._hosts, self._public_url)], client_max_size=MAX_UPLOAD + 1024)
        app.on_response_prepare.append(add_headers)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/in", self._sign_in_page, allow_head=False),  # who only looks at a link does not spend it
                web.post("/in", self._sign_in_with_token),
                web.post("/link", self._link),
                web.post("/out", self._sign_out),
                web.get("/ws", self._socket),
                web.post("/upload", self._upload),
                web.get(r"/blob/{owner:[a-z0-9-]+}/{sha256:[0-9a-f]{64}}", self._blob),
                web.static("/static", FILES),
                *self._more,
            ]
        )
        return app

    async def start(self, host: str, port: int) -> int:
        """Serve on a host and port (0: any), and return the port.

        Raises:
            OSError: the port is taken.
        """
        # Bodies are handed on as they were sent: what is signed is what was sent, and what unpacks them has a limit.
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=2, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket and stop serving."""
        for browser in list(self.browsers):
            await browser.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- who is there ---

    def present(self) -> list[str]:
        """The ids of the people who have the page open."""
        return sorted({browser.person.id for browser in self.browsers})

    async def tell_present(self) -> None:
        """Tell every browser who is there."""
        names.BROWSERS.set(len(self.browsers))
        people = self.present()
        for browser in list(self.browsers):
            await browser.send(t="present", people=people)

    def _who(self, request: web.Request) -> Person | None:
        cookie = request.cookies.get(_cookie(request))
        person = self._sign_in.who(cookie) if cookie else None
        return self.people.person(person) if person else None

    def _require(self, request: web.Request) -> Person:
        person = self._who(request)
        if person is None:
            raise web.HTTPUnauthorized(text="Sign in first.\n")
        return person

    # --- pages ---

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self._who(request) is None:
            raise web.HTTPSeeOther("/in")
        return web.FileResponse(FILES / "index.html")

    async def _sign_in_page(self, request: web.Request) -> web.StreamResponse:
        code = request.query.get("code")
        if code is None:
            return web.FileResponse(FILES / "signin.html")
        try:
            person = await self._sign_in.spend(code, self._bus)
        except BusError:
            return web.Response(status=503, text="The bus does not answer; open the link again in a moment.\n")
        return self._enter(request, person)

    async def _sign_in_with_token(self, request: web.Request) -> web.StreamResponse:
        token = (await request.post()).get("token")
        person = self.people.by_token(token.strip()) if isinstance(token, str) and token else None
        return self._enter(request, person.id if person else None)

    def _enter(self, request: web.Request, person: str | None) -> web.StreamResponse:
        if person is None or self.people.person(person) is None:
            logs.emit(names.SIGN_IN_REFUSED)
            return web.FileResponse(FILES / "refused.html", status=403)
        logs.emit(names.SIGNED_IN, person=person)
        response = web.Response(status=303, headers={"Location": "/"})
        session, secure = self._sign_in.session(person), origin_of(request, self._public_url).startswith("https:")
        response.set_cookie(
            _cookie(request), session, max_age=SESSION_LIFE, path="/", httponly=True, samesite="Strict", secure=secure
        )
        return response

    async def _link(self, request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        person = self.people.by_token(token) if scheme == "Bearer" and token else None
        if person is None:
            raise web.HTTPUnauthorized(text="That token is nobody's.\n")
        path = f"/in?code={self._sign_in.code(person.id)}"
        return web.json_response({"path": path, "url": origin_of(request, self._public_url) + path})

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        session = request.cookies.get(_cookie(request))
        await asyncio.gather(*(one.close() for one in list(self.browsers) if session and one.session == session))
        response = web.Response(status=303, headers={"Location": "/in"})
        response.del_cookie(_cookie(request), path="/")
        return response

    # --- what the page asks for ---

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        person = self._require(request)
        socket = web.WebSocketResponse(heartbeat=20, max_msg_size=MAX_MESSAGE, compress=True)
        await socket.prepare(request)
        browser = Browser(self, socket, person, request.cookies.get(_cookie(request), ""))
        self.browsers.add(browser)
        try:
            await browser.run()
        finally:
            self.browsers.discard(browser)
            await self.tell_present()
        return socket

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self._require(request)
        try:
            ref = await self.rooms.upload(await request.read(), request.query.get("name", ""))
        except web.HTTPRequestEntityTooLarge:
            return _sorry(413, UserError("the file is too large", hint=f"at most {MAX_UPLOAD // 1024 // 1024} MiB"))
        except UserError as error:
            return _sorry(413, error)
        except BellboardError as error:
            return _sorry(503, error)
        return web.json_response(MessageToDict(ref, preserving_proto_field_name=True))

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        self._require(request)
        asked = request.query.get("type", FILE)
        size = request.query.get("size", "")
        if not size.isascii() or not size.isdigit():
            raise web.HTTPBadRequest(text="Say how large it is.\n")
        ref = chat.BlobRef(
            owner=request.match_info["owner"], sha256=request.match_info["sha256"], media_type=asked, size=int(size[:9])
        )
        try:
            data = await self._blobs.get(ref)
        except BusError:
            raise web.HTTPServiceUnavailable(text="The bus does not answer.\n") from None
        except BellboardError:
            raise web.HTTPNotFound(text="There is no such blob.\n") from None
        picture = asked in PICTURES
        headers = BLOB_HEADERS | ({} if picture else {"Content-Disposition": "attachment"})
        return web.Response(body=data, content_type=asked if picture else FILE, headers=headers)


def _cookie(request: web.Request) -> str:
    """The session cookie's name. Browsers do not keep the cookies of two ports of a host apart, so the port is in it."""
    _, _, port = request.host.rpartition(":")
    return f"bellboard_{port}" if port.isdigit() else "bellboard"


def _sorry(status: int, error: BellboardError) -> web.Response:
    return web.json_response({"text": error.text, "hint": error.hint}, status=status)
