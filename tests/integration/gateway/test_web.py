"""The web room over HTTP and its socket, without a browser."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bellboard_gateway
from bellboard.testing import eventually
from tests.integration.gateway.stage import TOKENS, Stage, envelope, not_accepted, text

pytestmark = pytest.mark.integration

FILES = Path(bellboard_gateway.__file__).parent / "web"
PNG = b"\x89PNG\r\n\x1a\n" + b"not decoded here"


class Client:
    """A browser's side of HTTP: cookies, and the Origin that a browser would send."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.http = aiohttp.ClientSession(self.base, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.origin = {"Origin": self.base}

    async def sign_in(self, person: str) -> None:
        answer = await self.http.post("/in", data={"token": TOKENS[person]}, headers=self.origin, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")

    async def socket(self) -> Socket:
        return Socket(await self.http.ws_connect("/ws", headers=self.origin))


class Socket:
    """The page's side of the socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def tell(self, **message: Any) -> None:
        await self.ws.send_str(json.dumps(message))

    async def hear(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next message of a kind, with these fields if any are given."""
        async with asyncio.timeout(10):
            while True:
                said: dict[str, Any] = json.loads(await self.ws.receive_str())
                if said["t"] == kind and fields.items() <= said.items():
                    return said


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    """A browser that is not signed in yet."""
    client = Client(await stage.web.start("127.0.0.1", 0))
    yield client
    await client.http.close()
    await stage.web.stop()


@pytest.fixture
async def ann(client: Client) -> Client:
    """Ann's browser."""
    await client.sign_in("ann")
    return client


def message_id() -> str:
    return str(uuid.uuid4())


# --- who may come in ---


@pytest.mark.parametrize("path", ["/ws", "/blob/gw/" + "0" * 64])
async def test_strangers_get_nothing(client: Client, path: str) -> None:
    """Without a session there is only the door."""
    assert (await client.http.get(path)).status == 401
    answer = await client.http.get("/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/in")


async def test_a_one_time_link_opens_once(stage: Stage, client: Client) -> None:
    """For whoever opens it first; a second try is refused, also by another replica."""
    code = stage.sign_in.code("ann")
    assert (await client.http.get(f"/in?code={code}", allow_redirects=False)).status == 303
    client.http.cookie_jar.clear()
    assert (await client.http.get(f"/in?code={code}", allow_redirects=False)).status == 403
    assert (await client.http.get("/", allow_redirects=False)).status == 303


async def test_a_link_for_whoever_brings_a_token(client: Client) -> None:
    """So `bell up` prints one without knowing any key."""
    assert (await client.http.post("/link", headers={"Authorization": "Bearer wrong"})).status == 401
    answer = await client.http.post("/link", headers={"Authorization": f"Bearer {TOKENS['ann']}"})
    path = (await answer.json())["path"]
    assert (await client.http.get(path, allow_redirects=False)).headers["Location"] == "/"


async def test_a_wrong_token_is_refused_and_leaves_no_cookie(client: Client) -> None:
    """Politely, and with nothing to learn from."""
    answer = await client.http.post("/in", data={"token": "wrong"}, headers=client.origin)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


async def test_the_session_cookie_can_not_be_read_or_sent_from_elsewhere(client: Client) -> None:
    """HttpOnly, SameSite=Strict, for the whole house."""
    answer = await client.http.post("/in", data={"token": TOKENS["ann"]}, headers=client.origin, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))


async def test_a_person_who_is_taken_off_the_list_is_out(stage: Stage, ann: Client) -> None:
    """A session is worth what the people file says now."""
    assert (await ann.http.get("/")).status == 200
    stage.house.people.write_text(stage.house.people.read_text().replace("id: ann", "id: anna"))

    async def out() -> bool:
        return (await ann.http.get("/", allow_redirects=False)).status == 303

    await eventually(out)


async def test_signing_out_ends_the_session(ann: Client) -> None:
    """In this browser."""
    await ann.http.post("/out", headers=ann.origin)
    assert (await ann.http.get("/ws", headers=ann.origin)).status == 401


async def test_signing_out_closes_the_other_tabs_too(ann: Client) -> None:
    """Those of this browser; where else the person is signed in they stay so."""
    elsewhere = Client(int(ann.base.rpartition(":")[2]))
    await elsewhere.sign_in("ann")
    stays, tab = await elsewhere.socket(), await ann.socket()
    await tab.hear("hello")

    closed, _ = await asyncio.gather(until_closed(tab), ann.http.post("/out", headers=ann.origin, allow_redirects=False))

    assert closed == 1001
    await stays.tell(t="complete", n=3, room="general", line="meme", cursor=4)
    await stays.hear("completions", n=3)
    await elsewhere.http.close()


async def until_closed(socket: Socket) -> int | None:
    """Reads on until the socket is closed; with which code."""
    async with asyncio.timeout(10):
        async for _ in socket.ws:
            pass
    return socket.ws.close_code


async def test_who_only_looks_at_a_link_does_not_spend_it(stage: Stage, client: Client) -> None:
    """As what previews links does."""
    code = stage.sign_in.code("ann")
    assert (await client.http.head(f"/in?code={code}", allow_redirects=False)).status == 405
    assert (await client.http.get(f"/in?code={code}", allow_redirects=False)).status == 303


# --- what pages of other sites can not do ---


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
async def test_a_house_that_is_called_by_another_name_does_not_answer(client: Client, host: str) -> None:
    """A name of somebody else's may point at this machine (DNS rebinding)."""
    answer = await client.http.get("/in", headers={"Host": host})
    assert answer.status in (400, 421)


@pytest.fixture
async def outside(stage: Stage) -> AsyncIterator[Client]:
    """A browser that comes by https://bell.example.com, through a proxy that speaks TLS."""
    web = stage.new_web(public_url="https://bell.example.com")
    client = Client(await web.start("127.0.0.1", 0))
    client.http.headers["Host"] = "bell.example.com"
    client.origin = {"Origin": "https://bell.example.com"}
    yield client
    await client.http.close()
    await web.stop()


async def test_behind_a_proxy_the_cookie_is_for_https_alone(outside: Client) -> None:
    """The gateway itself is asked by http; what the browser sees is https, and so are links."""
    answer = await outside.http.post("/in", data={"token": TOKENS["ann"]}, headers=outside.origin, allow_redirects=False)
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    link = await outside.http.post("/link", headers={"Authorization": f"Bearer {TOKENS['ann']}"})
    assert (await link.json())["url"].startswith("https://bell.example.com/in?code=")


async def test_with_a_public_name_other_names_are_strangers_still(outside: Client) -> None:
    """And so are pages of other sites; who forwards a port comes in by the loopback, by http."""
    assert (await outside.http.get("/in", headers={"Host": "other.example.com"})).status == 421
    evil = {"Origin": "https://evil.example"}
    assert (await outside.http.post("/in", data={"token": TOKENS["ann"]}, headers=evil)).status == 403
    here = {"Host": outside.base.removeprefix("http://"), "Origin": outside.base}
    answer = await outside.http.post("/in", data={"token": TOKENS["ann"]}, headers=here, allow_redirects=False)
    assert answer.status == 303
    assert "Secure" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/ws"), ("POST", "/in"), ("POST", "/out"), ("POST", "/upload")])
async def test_pages_of_other_sites_change_nothing(ann: Client, origin: str, method: str, path: str) -> None:
    """Even with the person's cookie: sockets and posts must come from a page of this house."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"} if path == "/ws" else {}
    assert (await ann.http.request(method, path, headers={"Origin": origin, **upgrade})).status == 403
    assert (await ann.http.request(method, path, headers=upgrade)).status == 403, "nor without an origin"


@pytest.mark.parametrize("path", ["/", "/in", "/static/app/main.js", "/nowhere"])
async def test_every_answer_forbids_what_could_run_text(ann: Client, path: str) -> None:
    """No inline script or style, no other site, no frame, no sniffing; text can't become HTML."""
    headers = (await ann.http.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"):
        assert rule in policy
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")


@pytest.mark.parametrize("path", ["../board.py", "%2e%2e/board.py", "..%2fboard.py", "/etc/passwd"])
async def test_only_the_pages_own_files_are_served(ann: Client, path: str) -> None:
    """Nothing beside them."""
    assert (await ann.http.get(f"/static/{path}")).status in (403, 404)


# --- uploads and blobs ---


async def test_an_upload_comes_back_as_a_picture_that_can_do_nothing(ann: Client) -> None:
    """With its own type, kept for good, in a sandbox."""
    answer = await ann.http.post("/upload?name=x.png", data=PNG, headers=ann.origin)
    ref = await answer.json()
    got = await ann.http.get(f"/blob/gw/{ref['sha256']}?type={ref['media_type']}&size={ref['size']}")
    assert (await got.read(), got.content_type) == (PNG, "image/png")
    assert "immutable" in got.headers["Cache-Control"]
    assert "sandbox" in got.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/javascript", "nonsense"])
async def test_a_blob_is_never_served_as_something_that_could_run(ann: Client, kind: str) -> None:
    """Whatever type is asked for: a picture, a download, or nothing."""
    ref = await (await ann.http.post("/upload?name=x", data=b"<script>1</script>", headers=ann.origin)).json()
    got = await ann.http.get(f"/blob/gw/{ref['sha256']}", params={"type": kind, "size": ref["size"]})
    if got.status == 200:
        assert got.content_type == "application/octet-stream"
        assert got.headers["Content-Disposition"] == "attachment"


async def test_what_is_not_there_is_not_there(ann: Client) -> None:
    """And an upload that is too large is refused with a hint."""
    assert (await ann.http.get(f"/blob/gw/{'0' * 64}?type=image/png&size=5")).status == 404
    answer = await ann.http.post("/upload?name=x", data=io.BytesIO(b"x" * (5 * 1024 * 1024 + 1)), headers=ann.origin)
    assert (answer.status, (await answer.json())["hint"]) == (413, "at most 5 MiB")


# --- the socket ---


async def test_a_line_gets_a_verdict_and_its_card_moves(stage: Stage, ann: Client) -> None:
    """From the browser's own message id to the last state of the card."""
    socket = await ann.socket()
    assert (await socket.hear("hello"))["me"] == "ann"
    await socket.tell(t="watch", room="general")
    assert (await socket.hear("batch"))["reset"]
    await socket.tell(t="say", id=message_id(), room="general", text="practice fire a")
    verdict = await socket.hear("verdict")
    id = verdict["command_id"]
    await eventually(lambda: id in stage.at)
    await stage.start(id)
    await stage.finish(id, text("fired"))
    cards: dict[str, Any] = {}
    while not cards.get("final"):
        for card in (await socket.hear("batch"))["cards"]:
            assert int(card["sequence"]) >= int(cards.get("sequence", 0))
            cards = card
    assert (cards["command_id"], cards["blocks"]) == (id, [{"text": {"text": "fired"}}])


async def test_the_same_message_again_is_the_same_line(stage: Stage, ann: Client) -> None:
    """A browser that heard no verdict sends again: one line, one command."""
    socket = await ann.socket()
    talk, command = message_id(), message_id()
    for _ in range(3):
        await socket.tell(t="say", id=talk, room="general", text="hello all")
        await socket.tell(t="say", id=command, room="general", text="practice fire a")
    ids = [(await socket.hear("verdict", id=command))["command_id"] for _ in range(3)]
    assert len(set(ids)) == 1
    await eventually(lambda: stage.board.lines("general") and stage.board.views("general"))
    assert [line.text for line in stage.board.lines("general")] == ["hello all"]
    assert [view.key.id for view in stage.board.views("general")] == ids[:1]


async def test_a_browser_that_was_away_catches_up_from_its_cursor(stage: Stage, ann: Client) -> None:
    """Without a gap, and without what it has."""
    first = await ann.socket()
    await first.tell(t="watch", room="general")
    await first.hear("batch")
    await stage.rooms.say(room="general", message="line-one", person="bo", text="one")
    cursor = (await first.hear("batch"))["cursor"]
    await first.ws.close()
    await stage.rooms.say(room="general", message="line-two", person="bo", text="two")
    await stage.accept(envelope("k3f9a2aaaaaaaaaaaaaaaaaaaa"))
    await eventually(lambda: len(stage.board.lines("general")) == 2 and stage.board.views("general"))
    again = await ann.socket()
    await again.tell(t="watch", room="general", cursor=cursor)
    batch = await again.hear("batch")
    assert not batch["reset"]
    assert [kept["line"]["text"] for kept in batch["lines"]] == ["two"]
    assert [card["command_id"] for card in batch["cards"]] == ["k3f9a2aaaaaaaaaaaaaaaaaaaa"]


async def test_a_line_that_may_not_have_been_taken_is_said_to_be_so(stage: Stage, ann: Client) -> None:
    """The browser asks again then; nobody else hears of it."""
    stage.verdicts.append(not_accepted("the bus did not answer", final=False))
    socket = await ann.socket()
    id = message_id()
    await socket.tell(t="say", id=id, room="general", text="practice fire a")
    assert await socket.hear("verdict") == {
        "t": "verdict", "id": id, "kind": "not_accepted", "reason": "the bus did not answer", "final": False,
    }  # fmt: skip


async def test_everybody_knows_who_is_there_and_where_something_happens(stage: Stage, client: Client) -> None:
    """Two people; one leaves. Rooms that are not looked at stir."""
    await client.sign_in("ann")
    socket = await client.socket()
    other = Client(int(client.base.rsplit(":", 1)[1]))
    await other.sign_in("bo")
    theirs = await other.socket()
    await socket.hear("present", people=["ann", "bo"])
    await stage.rooms.say(room="ops", message="line-one", person="bo", text="over here")

    async def stirred() -> bool:
        return bool((await socket.hear("stirs"))["rooms"].get("ops"))

    await eventually(stirred)
    await theirs.ws.close()
    await socket.hear("present", people=["ann"])
    await other.http.close()


async def test_a_person_hears_of_mentions_in_whatever_room(stage: Stage, client: Client) -> None:
    """By people and by bots, those of before too; and nobody else's."""
    await client.sign_in("bo")
    await stage.rooms.say(room="ops", message="m1", person="ann", text="@bo, look")
    await eventually(lambda: stage.board.lines("ops"))
    bo = await client.socket()
    (before,) = (await bo.hear("mentions"))["mentions"]
    assert (before["id"], before["room"], before["by"], before["text"]) == ("m1", "ops", "ann", "@bo, look")
    assert before["fresh"]

    await stage.rooms.say(room="play", message="m2", person="ann", text="@cy @nobody")
    id = await stage.accept(envelope("c1", room="general", person="ann"))
    await stage.start(id)
    await stage.finish(id, text("you are paged", mentions=["bo"]))

    (paged,) = (await bo.hear("mentions"))["mentions"]
    assert (paged["id"], paged["room"], paged["text"]) == ("c1", "general", "you are paged")


async def test_completion_a_card_by_its_id_and_what_was_earlier(stage: Stage, ann: Client) -> None:
    """What the page asks for besides."""
    await stage.accept(envelope("k3f9a2aaaaaaaaaaaaaaaaaaaa"))
    await eventually(lambda: stage.board.known("k3f9a2aaaaaaaaaaaaaaaaaaaa"))
    socket = await ann.socket()
    await socket.tell(t="complete", n=7, room="general", line="meme", cursor=4)
    assert await socket.hear("completions", n=7) == {
        "t": "completions", "n": 7, "items": [{"text": "meme list", "help": "show the templates", "start": 0}],
    }  # fmt: skip
    await socket.tell(t="find", id="k3f9a2")
    assert (await socket.hear("found"))["card"]["line"] == "practice fire a"
    await socket.tell(t="find", id="nobody")
    assert (await socket.hear("found"))["card"] is None
    await socket.tell(t="earlier", room="general", before=4e12)
    assert len((await socket.hear("earlier"))["cards"]) == 1


MALFORMED = [
    "",
    "{",
    "[]",
    "null",
    '{"t": "nothing"}',
    '{"t": "watch", "room": "nowhere"}',
    '{"t": "watch", "room": "general", "cursor": "x"}',
    '{"t": "say", "id": "../..", "room": "general", "text": "x"}',
    '{"t": "say", "id": "12345678", "room": "general", "text": 7}',
    '{"t": "say", "id": "12345678", "room": "general", "text": "x", "uploads": [{"sha256": "x", "size": 1}]}',
    '{"t": "complete", "n": "x", "room": "general", "line": "", "cursor": 0}',
]


@pytest.mark.parametrize("said", MALFORMED)
async def test_what_no_page_would_send_ends_the_socket_and_nothing_else(stage: Stage, ann: Client, said: str) -> None:
    """Closed with a reason; the house goes on."""
    socket = await ann.socket()
    await socket.ws.send_str(said)
    async with asyncio.timeout(10):
        while (message := await socket.ws.receive()).type != aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.TEXT
    assert message.data == 1007
    assert await (await ann.socket()).hear("hello")
    assert stage.said == []


# --- the page's own files ---


def test_vendored_files_are_those_that_were_published() -> None:
    """Their hashes are those of the npm packages, once the one named change is undone; each has its licence."""
    vendored = json.loads((FILES / "vendor" / "vendor.json").read_text())["files"]
    for entry in vendored:
        body = (FILES / "vendor" / entry["file"]).read_text()
        for published, here in entry.get("replaced", {}).items():
            body = body.replace(here, published)
        assert hashlib.sha256(body.encode()).hexdigest() == entry["sha256"], entry["file"]
        assert (FILES / "vendor" / entry["licence"]).stat().st_size > 500
    modules = {path.name for path in (FILES / "vendor").glob("*.js")}
    assert modules == {entry["file"] for entry in vendored}


def test_the_page_makes_no_html_of_text_and_asks_no_other_site() -> None:
    """Nothing in the page's own modules could, and none is so long that nobody reads it."""
    for path in [*FILES.glob("app/*.js"), *FILES.glob("*.html"), *FILES.glob("style/*.css")]:
        source = path.read_text()
        for never in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "@import"):
            assert never not in source, f"{path.name}: {never}"
        assert len(source.splitlines()) <= 250, path.name
        assert "<style" not in source
        assert "//cdn" not in source
