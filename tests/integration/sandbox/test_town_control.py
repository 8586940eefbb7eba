"""The control socket: what is refused has no effect."""

from __future__ import annotations

import asyncio
import json
import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bellboard_sandbox.catalog import FAULTS, NAME, SHOP
from tests.integration.sandbox.towns import Town

V2 = {"version": "v2", "digest": SHOP.versions["v2"].digest}

evil = ("../../x", "..%2f..%2fetc", "web-1/../x", "web-1%00", "", ".", "$(reboot)", "%s%n", "WEB-1", "-", "x" * 64)
words = st.sampled_from(evil) | st.text(max_size=24)
segments = words.map(lambda word: quote(word, safe="/$()%"))
anything = st.none() | st.booleans() | st.integers() | words | st.lists(words, max_size=2)
wrong_names = segments.filter(lambda name: not NAME.fullmatch(name))
wrong_versions = st.fixed_dictionaries({"version": st.sampled_from(list(SHOP.versions)) | anything, "digest": anything})
wrong_faults = st.fixed_dictionaries({"app": words, "fault": anything}) | st.fixed_dictionaries(
    {"app": st.just("shop"), "fault": anything.filter(lambda fault: not isinstance(fault, str) or fault not in FAULTS)}
)
payloads = st.one_of(
    st.tuples(st.just("PUT"), wrong_names.map("apps/shop/replicas/{}".format), st.just(V2)),
    st.tuples(st.just("PUT"), segments.map("apps/shop/replicas/{}".format), wrong_versions | anything),
    st.tuples(st.just("PUT"), segments.map("apps/{}/replicas/web-9".format), st.just(V2)),
    st.tuples(st.just("DELETE"), segments.map("apps/{}/replicas/web-1".format), anything),
    st.tuples(st.just("DELETE"), wrong_names.map("apps/shop/replicas/{}".format), anything),
    st.tuples(st.just("PUT"), st.just("faults"), wrong_faults | anything),
    st.tuples(st.sampled_from(["GET", "POST", "PATCH", "DELETE", "BREW"]), segments, anything),
)


class _Connection(HTTPConnection):
    """A connection that knows nothing of what it asks."""

    def __init__(self, path: Path) -> None:
        super().__init__("sandbox", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))

    def ask(self, method: str, target: str, body: Any = None) -> tuple[int, Any]:
        self.request(method, f"/v1/{target}", json.dumps(body))
        with self.getresponse() as answer:
            return answer.status, json.loads(answer.read())


async def test_what_is_wrong_has_no_effect(town: Town) -> None:
    """Five thousand wrong names, versions, digests and faults: each is answered, and the sandbox is what it was."""
    before = await _all_of(town)
    connection = _Connection(town.folder / "control.sock")

    @settings(max_examples=5000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(payloads)
    def ask(payload: tuple[str, str, Any]) -> None:
        code, _ = connection.ask(*payload)
        assert code in (200, 400, 404, 409)

    ask()
    connection.close()
    assert await _all_of(town) == before


async def _all_of(town: Town) -> object:
    """Everything that could have changed: processes, files, faults."""
    files = {path: path.read_bytes() for path in town.folder.glob("*.json")}
    replicas = (await town.told("GET", "status"))["replicas"]
    return (
        replicas,
        await town.told("GET", "faults"),
        files,
        {*town.folder.parent.glob("*"), *town.folder.glob("[!c]*/*")},
        town.family(),
    )


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"x" * 20_000,
        b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["bytes", "short", "endless", "negative", "large", "chunked"],
)
async def test_what_is_no_http_is_refused(town: Town, garbage: bytes) -> None:
    """The connection is closed, and the next one works."""
    reader, writer = await asyncio.open_unix_connection(town.folder / "control.sock")
    writer.write(garbage)
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (await town.ask("GET", "apps"))[1] == [{"app": "shop", "service": "web"}]


async def test_a_replica_is_named_once(town: Town) -> None:
    """The same name and digest is the same replica; with another one it is refused."""
    first = await town.add("web-9", "v2.1")

    assert await town.add("web-9", "v2.1") == first
    code, said = await town.ask("PUT", "apps/shop/replicas/web-9", V2)
    assert (code, said["error"]) == (409, "web-9 is there already, with web v2.1")


async def test_ten_ask_for_one_replica_at_once(town: Town) -> None:
    """They are all told of the same process; and ten who remove it all succeed."""
    made = await asyncio.gather(*(town.told("PUT", "apps/shop/replicas/web-9", V2) for _ in range(10)))
    await asyncio.gather(*(town.told("DELETE", "apps/shop/replicas/web-9") for _ in range(10)))

    assert len({replica["pid"] for replica in made}) == 1
    assert list(await town.replicas()) == ["web-1", "web-2"]


async def test_stock_is_not_deployed(town: Town) -> None:
    """Its replica can be neither removed nor replaced."""
    assert (await town.ask("DELETE", "apps/shop/replicas/stock-1"))[0] == 409
    assert (await town.ask("PUT", "apps/shop/replicas/stock-1", V2))[0] == 409


async def test_replicas_are_few(town: Town) -> None:
    """A laptop has other things to do: the thirteenth is refused."""
    for i in range(3, 13):
        await town.add(f"web-{i}", "v1")
    code, said = await town.ask("PUT", "apps/shop/replicas/web-13", V2)

    assert (code, said["error"]) == (409, "the sandbox runs at most 12 replicas")
    assert len(await town.replicas()) == 12


async def test_a_wrong_digest_is_refused(town: Town) -> None:
    """What was pinned is not what would run."""
    code, said = await town.ask("PUT", "apps/shop/replicas/web-9", {"version": "v2", "digest": "0" * 64})

    assert (code, said["error"]) == (409, f"v2 has another digest: {V2['digest']}")


async def test_an_app_is_held_by_one_at_a_time(town: Town) -> None:
    """Ten ask for it: one has it, and the others are told who that is."""
    asked = [town.ask("PUT", "apps/shop/lease", {"key": f"c{n}", "who": f"D{n}", "seconds": 60}) for n in range(10)]
    answers = await asyncio.gather(*asked)

    assert sorted(code for code, _ in answers) == [200] + [409] * 9
    winner = next(said["key"] for code, said in answers if code == 200)
    assert all(f"held by D{winner[1:]}" in said["error"] for code, said in answers if code == 409)
    await town.told("PUT", "apps/shop/lease", {"key": winner, "who": "", "seconds": 0})
    await town.told("PUT", "apps/shop/lease", {"key": "other", "who": "D11", "seconds": 60})


@pytest.mark.parametrize(
    "wrong", [{}, {"key": 1}, {"key": "c", "who": "D1", "seconds": -1}, {"key": "c", "who": "D1", "seconds": True}]
)
async def test_a_wrong_lease_is_refused(town: Town, wrong: dict[str, Any]) -> None:
    """It has a key, a name for people, and a length."""
    assert (await town.ask("PUT", "apps/shop/lease", wrong))[0] == 400
