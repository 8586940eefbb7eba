"""HAProxy under traffic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bellboard import ProviderError, SettingsError, UserError
from bellboard.testing import eventually
from bellboard_deploy.haproxy import open_haproxy
from bellboard_deploy.providers import Observed, Version
from tests.integration.deploy.provider_haproxy import VERSIONS, HAProxyTown, haproxy_town
from tests.integration.deploy.provider_suite import Told


@pytest.fixture
async def town() -> AsyncIterator[HAProxyTown]:
    """HAProxy with two replicas of v1."""
    with TemporaryDirectory(prefix="bb-") as name:
        async with haproxy_town(Path(name)) as town:
            yield town


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name."""
    with TemporaryDirectory(prefix="bb-") as name:
        yield Path(name)


@asynccontextmanager
async def customers(town: HAProxyTown, count: int = 4) -> AsyncIterator[Counter[tuple[int, str]]]:
    """Customers who keep asking; what they got: how many answers of each code and version."""
    got: Counter[tuple[int, str]] = Counter()

    async def ask() -> None:
        async with town.customer() as session:
            while not over.is_set():
                async with session.get("/") as answer:
                    got[answer.status, answer.headers.get("X-Version", "")] += 1

    over = asyncio.Event()
    tasks = [asyncio.create_task(ask()) for _ in range(count)]
    try:
        yield got
    finally:
        over.set()
        await asyncio.gather(*tasks)


async def test_a_tenth_of_the_requests_go_to_the_new_version(town: HAProxyTown) -> None:
    """Counted by the customers, and by HAProxy itself."""
    await town.deployer.start("shop", VERSIONS[1], 1, "new")
    await town.deployer.shift("shop", {"v1": 90, "v2": 10})

    async with customers(town) as got:
        await eventually(lambda: sum(got.values()) >= 400)

    assert got[200, "v2"] / sum(got.values()) == pytest.approx(0.1, abs=0.02)
    assert set(got) == {(200, "v1"), (200, "v2")}
    counted = await town.balancer.count("shop", "v2", 30)
    assert counted.requests == got[200, "v2"]


async def test_a_rollout_loses_no_request(town: HAProxyTown) -> None:
    """Canary, half, whole, and the old ones stopped, while customers keep asking."""
    async with customers(town) as got:
        await town.deployer.start("shop", VERSIONS[2], 2, "new")
        for share in (10, 50, 100):
            await town.deployer.shift("shop", {"v1": 100 - share, "v2.1": share})
            before = sum(got.values())
            await eventually(lambda before=before: sum(got.values()) > before + 50)  # type: ignore[misc]
        await town.deployer.retire("shop", "v2.1", Told())
        before = sum(got.values())
        await eventually(lambda: sum(got.values()) > before + 50)

    assert {code for code, _ in got} == {200}
    assert sorted(town.hosts.running) == ["shop-new-1", "shop-new-2"]


async def test_slow_requests_are_finished_before_a_replica_stops(town: HAProxyTown) -> None:
    """Those that run on the old version get their answers from it."""
    await town.deployer.start("shop", VERSIONS[1], 1, "new")
    async with town.customer() as session:

        async def slow() -> tuple[int, str]:
            async with session.get("/slow") as answer:
                return answer.status, answer.headers["X-Version"]

        tasks = [asyncio.create_task(slow()) for _ in range(4)]
        await eventually(lambda: _busy(town, 4))
        await town.deployer.shift("shop", {"v2": 100})
        seen = await town.deployer.observe("shop")
        assert seen.shares() == {"v2": 100}
        assert sum(one.connections for one in seen.of("v1")) == 4

        await town.deployer.retire("shop", "v2", Told())

        assert [task.done() for task in tasks] == [True] * 4
        assert await asyncio.gather(*tasks) == [(200, "v1")] * 4


async def test_killing_a_backend_fails_nobody(town: HAProxyTown) -> None:
    """HAProxy sends its requests to the other one, and says that it is down."""
    async with customers(town) as got:
        await eventually(lambda: sum(got.values()) > 50)
        town.kill("shop-old-1")
        await eventually(lambda: _states(town, {"shop-old-1": "down", "shop-old-2": "up"}))
        before = sum(got.values())
        await eventually(lambda: sum(got.values()) > before + 50)

    assert {code for code, _ in got} == {200}


async def test_the_balancers_own_counters_are_gauges(town: HAProxyTown) -> None:
    """The app need not count anything itself."""
    await town.deployer.start("shop", VERSIONS[1], 1, "new")
    await town.deployer.shift("shop", {"v1": 50, "v2": 50})
    assert (await town.balancer.read("shop", "v2", "errors", 30)).value is None  # there is nothing yet to compare with

    async with town.customer() as session:
        for _ in range(40):
            await (await session.get("/buy")).read()

    bad = await town.balancer.read("shop", "v2", "errors", 30)
    assert (bad.value, bad.requests) == (100, 20)
    good = await town.balancer.count("shop", "v1", 30)
    assert (good.requests, good.failed) == (20, 0)
    assert (await town.balancer.read("shop", "v2", "p95", 30)).value is None


async def test_one_that_was_drained_by_hand_stays_so(town: HAProxyTown) -> None:
    """Beside others of its version, however the shares change."""
    await town.balancer.drain("shop", "shop-old-1")
    await town.deployer.start("shop", VERSIONS[1], 1, "new")

    await town.deployer.shift("shop", {"v1": 50, "v2": 50})

    weights = {one.name: one.weight for one in (await town.deployer.observe("shop")).replicas}
    assert weights["shop-old-1"] == 0
    assert weights["shop-old-2"] == weights["shop-new-1"] > 0


async def test_a_start_that_was_cut_off_is_taken_up_again(town: HAProxyTown) -> None:
    """Killed before the replica runs, HAProxy already knows of it; it is started once, or stopped with the others."""
    from bellboard_deploy.haproxy.naming import server_name

    version = VERSIONS[1]
    for number in (1, 2):
        await town.runtime.add("shop-web", server_name(f"shop-new-{number}", version.name, version.digest), "check")
    seen = await town.deployer.observe("shop")
    assert {one.state for one in seen.of("v2")} == {"starting"}

    await town.deployer.start("shop", version, 1, "new")
    assert {one.name: one.state for one in (await town.deployer.observe("shop")).of("v2")} == {
        "shop-new-1": "ready",
        "shop-new-2": "starting",
    }
    await town.deployer.retire("shop", "v1", Told())
    assert not (await town.deployer.observe("shop")).of("v2")
    assert town.hosts.starts["shop-new-1"] == 1


async def test_a_retirement_that_was_cut_off_is_taken_up_again(town: HAProxyTown) -> None:
    """Killed after the replica stopped, HAProxy still knows of it; it is forgotten then."""
    await town.deployer.start("shop", VERSIONS[1], 1, "new")
    (server,) = [one for one in await town.balancer.servers("shop") if one.version == "v2"]
    await town.runtime.state("shop-web", server.id, "maint")
    await town.hosts.stop("shop", "shop-new-1")
    assert {one.state for one in (await town.deployer.observe("shop")).replicas if one.version == "v2"} == {"stopping"}

    await town.deployer.retire("shop", "v1", Told())

    assert {one.version for one in (await town.deployer.observe("shop")).replicas} == {"v1"}


async def test_nothing_is_stopped_while_what_stays_takes_no_requests(town: HAProxyTown) -> None:
    """Else there would be nobody left."""
    await town.deployer.start("shop", VERSIONS[1], 1, "new")
    with pytest.raises(ProviderError, match="takes no requests"):
        await town.deployer.retire("shop", "v2", Told())
    assert len((await town.deployer.observe("shop")).replicas) == 3


async def test_hostile_names_are_words_to_haproxy(town: HAProxyTown) -> None:
    """Versions, digests and keys of every kind name servers that come back as they were, and move no weight."""
    names = ["v;2", "v\n2", "v 2;set weight shop-web/x 0\n", "ü/€\u2028", "::", ":3B", "#1", "a" * 60, "%s", "v2\0"]
    for number, name in enumerate(names):
        version = Version(name, f"sha;{number}\n")
        await town.deployer.start("shop", version, 1, f"k;{number}\nshow info")
    seen: Observed = await town.deployer.observe("shop")

    assert [one.version for one in seen.replicas if one.version != "v1"] == names
    assert [one.digest for one in seen.replicas if one.version != "v1"] == [f"sha;{n}\n" for n in range(len(names))]
    assert seen.shares() == {"v1": 100}
    await town.deployer.shift("shop", {"v1": 50, names[2]: 50})
    await town.deployer.retire("shop", names[2], Told())
    assert [one.version for one in (await town.deployer.observe("shop")).replicas] == [names[2]]


async def test_a_name_that_is_too_long_is_refused(town: HAProxyTown) -> None:
    """Before anything is sent."""
    with pytest.raises(UserError, match="too long"):
        await town.deployer.start("shop", Version("v" * 500, "x"), 1, "new")


async def test_what_haproxy_does_not_know_is_an_error_in_a_few_words(town: HAProxyTown) -> None:
    """A backend that its configuration does not have, a server that is gone, an address that is none."""
    for ask in (
        town.runtime.servers("nix"),
        town.runtime.weight("shop-web", "nix", 1),
        town.runtime.servers("shop-web;show"),
        town.runtime.place("shop-web", "x", "example.org:80"),
        town.runtime.place("shop-web", "x", "fe80::1%; show info:80"),
        town.runtime.place("shop-web", "x", "1.2.3.4:99999"),
    ):
        with pytest.raises(ProviderError) as error:
            await ask
        assert len(str(error.value)) < 160


async def test_an_entry_of_the_file_makes_an_environment(town: HAProxyTown) -> None:
    """Without hosts it is a balancer and gauges; with them a deployer too."""
    entry = {"kind": "haproxy", "socket": str(town.folder / "admin.sock"), "apps": {"shop": "shop-web"}}
    async with open_haproxy("prod", entry) as environment:
        assert environment.deployer is None
        assert environment.balancer is not None
        assert len(await environment.balancer.backends("shop")) == 2
    hosts = {"versions": ["/bin/true"], "start": ["/bin/true", "{name}"], "stop": ["/bin/true", "{name}"]}
    async with open_haproxy("prod", {**entry, "hosts": hosts}) as environment:
        assert environment.deployer is not None
        assert (await environment.deployer.observe("shop")).shares() == {"v1": 100}


@pytest.mark.parametrize(
    "wrong",
    [
        {"apps": {"shop": "a;b"}},
        {"check": "check; show info"},
        {"socket": None},
        {"colour": "red"},
        {"hosts": {"versions": ["ls"], "start": ["/x"], "stop": ["/x"]}},
    ],
)
async def test_a_wrong_entry_names_the_environment(wrong: dict[str, object], folder: Path) -> None:
    """And what is wrong with it, at start."""
    entry = {"kind": "haproxy", "socket": str(folder / "s"), "apps": {"shop": "web"}, **wrong}
    with pytest.raises(SettingsError, match="prod"):
        async with open_haproxy("prod", entry):
            pass


async def _busy(town: HAProxyTown, count: int) -> bool:
    return sum(one.connections for one in await town.balancer.servers("shop")) == count


async def _states(town: HAProxyTown, states: dict[str, str]) -> bool:
    return {one.name: one.state for one in await town.balancer.backends("shop")} == states
