"""The balancer of the sandbox: shares, drains, and replicas that die."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from pathlib import Path

from bellboard.testing import eventually
from bellboard_sandbox.wire import Client
from tests.integration.sandbox.towns import Town, kill


class Crowd:
    """Customers who ask one after the other, as fast as they are answered, and count by code and replica."""

    def __init__(self, town: Town, size: int = 6) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self._town, self._size, self._stop = town, size, False

    async def __aenter__(self) -> Crowd:
        self._tasks = [asyncio.create_task(self._ask(i)) for i in range(self._size)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def more(self, count: int) -> None:
        """Wait until so many more were answered."""
        until = self.seen.total() + count
        await eventually(lambda: self.seen.total() >= until)

    async def _ask(self, i: int) -> None:
        client = Client(self._town.folder / "front.sock")
        while not self._stop:
            answer = await client.ask(*(("PUT", f"/orders/o-{i}") if i % 2 else ("GET", "/products/7")))
            self.seen[answer.code, answer.headers.get("x-replica", "")] += 1
        client.close()


async def test_a_canary_gets_its_share(town: Town) -> None:
    """Ten in a hundred, told by X-Version; and none before it is given a share."""
    await town.add("web-canary", "v2.1")
    await town.share({"web-1": 1, "web-2": 1, "web-canary": 0})
    before = Counter([(await town.visit()).headers["x-version"] for _ in range(50)])
    await town.share({"web-1": 45, "web-2": 45, "web-canary": 10})
    after = Counter([(await town.visit()).headers["x-version"] for _ in range(200)])

    assert before == {"v1": 50}
    assert 12 <= after["v2.1"] <= 28
    assert after.total() == 200


async def test_a_killed_replica_costs_no_request(town: Town) -> None:
    """Under load, three times; and a replica that has no share gets none because others are gone."""
    await town.add("web-bad", "v2")
    await town.share({"web-1": 1, "web-2": 1, "web-bad": 0})
    async with Crowd(town) as crowd:
        for lives in (1, 2, 3):
            await crowd.more(100)
            kill((await town.replicas())["web-1"]["pid"])
            await eventually(partial(town.back, "web-1", lives))
        await crowd.more(100)

    assert {code for code, _ in crowd.seen} == {200}
    assert {replica for _, replica in crowd.seen} <= {"web-1", "web-2"}


async def test_web_waits_for_stock_that_dies(town: Town) -> None:
    """There is only one; it is back soon enough."""
    async with Crowd(town) as crowd:
        await crowd.more(50)
        status = await town.told("GET", "status")
        kill(next(replica["pid"] for replica in status["replicas"] if replica["service"] == "stock"))
        await crowd.more(100)

    assert {code for code, _ in crowd.seen} == {200}


async def test_shares_are_changed_under_way(town: Town) -> None:
    """However often, no request is lost: neither one that takes a second, nor one on a connection that is kept."""
    await town.told("PUT", "faults", {"app": "shop", "fault": "db-slow"})
    async with Crowd(town, 20) as slow:
        for share in range(1, 40):
            await town.share({"web-1": share, "web-2": 40 - share})
            await slow.more(1)
        await town.told("DELETE", "faults")
        for share in range(1, 40):
            await town.share({"web-1": share, "web-2": 40 - share})
            await slow.more(5)

    assert {code for code, _ in slow.seen} == {200}


async def test_what_is_taken_out_finishes_its_requests(town: Town) -> None:
    """A slow request is answered by the replica that has it, though it is out of the balance and told to end."""
    await town.share({"web-1": 1})
    await town.told("PUT", "faults", {"app": "shop", "fault": "db-slow"})
    slow = asyncio.create_task(town.visit("/products/7"))
    await eventually(lambda: _busy(town))
    await town.share({"web-2": 1})
    gone = asyncio.create_task(town.told("DELETE", "apps/shop/replicas/web-1"))
    other = Client(town.folder / "front.sock")
    meanwhile = await other.ask("GET", "/")
    other.close()
    await gone

    answer = await slow
    assert (answer.code, answer.headers["x-replica"]) == (200, "web-1")
    assert (meanwhile.code, meanwhile.headers["x-replica"]) == (200, "web-2")
    assert list(await town.replicas()) == ["web-2"]


async def test_the_balancer_dies_and_keeps_the_shares(town: Town) -> None:
    """Caddy keeps what it was told."""
    await town.share({"web-1": 3, "web-2": 7})
    shares = await town.shares()
    kill(next(pid for pid in town.family() if _is_caddy(pid)))
    await eventually(lambda: _up(town))

    assert await town.shares() == shares
    assert (await town.visit()).code == 200


async def _busy(town: Town) -> bool:
    """Whether a customer waits; of an active health check Caddy tells too, by an address without a network."""
    upstreams = json.loads((await town.caddy.ask("GET", "/reverse_proxy/upstreams")).body)
    return any(entry["num_requests"] for entry in upstreams if entry["address"].startswith("unix/"))


async def _up(town: Town) -> bool:
    if (await town.told("GET", "status"))["balancer"]["restarts"] != 1:
        return False
    try:
        return (await town.caddy.ask("GET", "/id/shop")).code == 200
    except OSError:
        return False


def _is_caddy(pid: int) -> bool:
    return b"caddy" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
