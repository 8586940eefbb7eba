"""What every deployer and every balancer does. Two suites, held against the one on paper, the sandbox and a real HAProxy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard import ProviderError, UserError
from bellboard_deploy.providers import Backend, Balancer, Deployer, Observed

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["shop", "v1", "shop-a-1", "v2"]).flatmap(
        lambda word: st.sampled_from(
            [";", "\n", "\r\n", " ", "\0", "/", "%0a", "{}", "'", '"', "\\", "$(id)", "`id`", "\u2028", "::"]
        ).map(lambda end: f"{word}{end}set weight shop/shop-a-1 0{end}")
    ),
    st.sampled_from(["../../etc/passwd", "--help", "-rf", "#1", "shop/../shop", "%s%n", "(a+)+$", "a" * 100_000]),
)
"""Names that nobody has, and that try to be more than names."""


@dataclass
class Told:
    """What a provider told of its progress."""

    texts: list[str] = field(default_factory=list)

    def __call__(self, text: str, done: float | None) -> None:
        assert done is None or 0 <= done <= 1
        self.texts.append(text)


class DeployerSuite(ABC):
    """What every `Deployer` does.

    Each town has the app ``shop``, which has the versions ``v1`` and ``v2``; two replicas of ``v1`` share its traffic.
    """

    @abstractmethod
    def town(self) -> AbstractAsyncContextManager[Deployer]:
        """A town of its own for each test."""

    @abstractmethod
    def broken(self) -> Deployer | None:
        """One whose environment can't be reached; None where that can't be."""

    async def test_a_version_is_pinned_to_a_digest(self) -> None:
        """The same each time, and different ones for different versions."""
        async with self.town() as deployer:
            first, again, other = [await deployer.pin("shop", name) for name in ("v1", "v1", "v2")]
            assert first == again
            assert len({first.digest, other.digest, ""}) == 3
            assert {"v1", "v2"} <= {one.name for one in await deployer.versions("shop")}
            assert list(await deployer.apps()) == ["shop"]

    async def test_an_unknown_version_is_refused_with_the_nearest(self) -> None:
        """It names what there is; an unknown app too."""
        async with self.town() as deployer:
            with pytest.raises(UserError) as version:
                await deployer.pin("shop", "v22")
            assert "v2" in version.value.hint
            for ask in (deployer.versions, deployer.observe):
                with pytest.raises(UserError) as app:
                    await ask("shopp")
                assert "shop" in app.value.hint

    async def test_started_replicas_take_no_requests_yet(self) -> None:
        """They are ready and have the weight 0; those that ran go on as they were."""
        async with self.town() as deployer:
            before = await deployer.observe("shop")
            await deployer.start("shop", await deployer.pin("shop", "v2"), 2, "a")

            seen = await deployer.observe("shop")

            assert sorted(one.name for one in seen.of("v2")) == ["shop-a-1", "shop-a-2"]
            assert {(one.state, one.weight) for one in seen.of("v2")} == {("ready", 0)}
            assert seen.shares() == before.shares() == {"v1": 100}

    async def test_starting_again_starts_nothing(self) -> None:
        """The same key names the same replicas; those that take requests go on with it."""
        async with self.town() as deployer:
            version = await deployer.pin("shop", "v2")
            await deployer.start("shop", version, 1, "a")
            await deployer.shift("shop", {"v1": 50, "v2": 50})
            before = _still(await deployer.observe("shop"))

            await deployer.start("shop", version, 1, "a")

            assert _still(await deployer.observe("shop")) == before

    async def test_shares_are_percent_of_the_traffic(self) -> None:
        """However many replicas a version has; said again, nothing changes."""
        async with self.town() as deployer:
            await deployer.start("shop", await deployer.pin("shop", "v2"), 1, "a")
            for share in (10, 50, 100):
                for _ in range(2):
                    await deployer.shift("shop", {"v1": 100 - share, "v2": share})
                    shares = (await deployer.observe("shop")).shares()
                    assert shares.get("v2", 0) == pytest.approx(share, abs=1)
                    assert shares.get("v1", 0) == pytest.approx(100 - share, abs=1)

    async def test_a_share_for_nobody_changes_nothing(self) -> None:
        """A version without a replica that is ready can't get requests."""
        async with self.town() as deployer:
            before = _still(await deployer.observe("shop"))
            with pytest.raises(ProviderError, match="v2"):
                await deployer.shift("shop", {"v1": 50, "v2": 50})
            assert _still(await deployer.observe("shop")) == before

    async def test_what_is_not_kept_is_stopped(self) -> None:
        """All of it; once more is no error."""
        async with self.town() as deployer:
            await deployer.start("shop", await deployer.pin("shop", "v2"), 1, "a")
            await deployer.shift("shop", {"v2": 100})
            told = Told()
            for _ in range(2):
                await deployer.retire("shop", "v2", told)
                assert [one.name for one in (await deployer.observe("shop")).replicas] == ["shop-a-1"]
            assert told.texts

    async def test_more_and_fewer_replicas(self) -> None:
        """Of the version that takes the traffic; again, nothing changes."""
        async with self.town() as deployer:
            for count, key in ((3, "s1"), (1, "s2")):
                for _ in range(2):
                    await deployer.scale("shop", count, key, Told())
                    seen = await deployer.observe("shop")
                    assert len(seen.of("v1")) == count
                    assert seen.shares() == {"v1": 100}
                    assert all(one.weight for one in seen.replicas)

    async def test_a_restart_leaves_the_same_versions_and_shares(self) -> None:
        """By replicas with other names; again, nothing changes."""
        async with self.town() as deployer:
            before = await deployer.observe("shop")
            await deployer.restart("shop", "r", Told())
            once = await deployer.observe("shop")
            await deployer.restart("shop", "r", Told())

            assert once.shares() == before.shares()
            assert len(once.replicas) == len(before.replicas)
            assert not {one.name for one in once.replicas} & {one.name for one in before.replicas}
            assert _still(await deployer.observe("shop")) == _still(once)

    async def test_hostile_names_do_nothing(self) -> None:
        """Half of the 5,000, as apps and as versions: each is refused, and nothing has changed."""
        async with self.town() as deployer:
            before = _still(await deployer.observe("shop"))
            for payload in payloads()[::2]:
                if payload != "shop":
                    with pytest.raises(UserError):
                        await deployer.observe(payload)
                if payload not in ("v1", "v2", "v2.1", "v3"):
                    with pytest.raises(UserError) as refused:
                        await deployer.pin("shop", payload)
                    assert len(str(refused.value)) < 300
            assert _still(await deployer.observe("shop")) == before

    async def test_what_can_not_be_reached_is_said_in_a_few_words(self) -> None:
        """By ProviderError, without a path or a secret."""
        deployer = self.broken()
        if deployer is None:
            return  # on paper there is nothing to reach
        for ask in (
            deployer.observe,
            partial(deployer.shift, shares={"v1": 100}),
            partial(deployer.retire, keep="v1", tell=Told()),
        ):
            with pytest.raises(ProviderError) as error:
                await ask("shop")
            assert len(str(error.value)) < 160
            assert "/" not in error.value.text
            assert "hunter22" not in str(error.value)


class BalancerSuite(ABC):
    """What every `Balancer` does, in towns as those of `DeployerSuite`."""

    @abstractmethod
    def town(self) -> AbstractAsyncContextManager[Balancer]:
        """A town of its own for each test."""

    async def test_backends_are_told_by_name(self) -> None:
        """With what they are, and what they take."""
        async with self.town() as balancer:
            backends = await balancer.backends("shop")
            assert [one.version for one in backends] == ["v1", "v1"]
            assert {(one.app, one.state) for one in backends} == {("shop", "up")}
            assert all(one.weight > 0 for one in backends)
            assert list(await balancer.apps()) == ["shop"]

    async def test_a_drained_backend_takes_nothing_until_it_is_enabled(self) -> None:
        """Then as much as the others; each said again changes nothing."""
        async with self.town() as balancer:
            first, second = [one.name for one in await balancer.backends("shop")]
            for _ in range(2):
                await balancer.drain("shop", first)
                seen = await _by_name(balancer)
                assert (seen[first].state, seen[first].weight) == ("draining", 0)
                assert seen[second].state == "up"
            for _ in range(2):
                await balancer.enable("shop", first)
                seen = await _by_name(balancer)
                assert seen[first].state == "up"
                assert seen[first].weight == seen[second].weight

    async def test_the_last_one_is_not_drained(self) -> None:
        """Somebody has to take the requests."""
        async with self.town() as balancer:
            first, second = [one.name for one in await balancer.backends("shop")]
            await balancer.drain("shop", first)
            with pytest.raises(UserError, match="last"):
                await balancer.drain("shop", second)
            assert (await _by_name(balancer))[second].state == "up"

    async def test_a_weight_is_beside_the_others(self) -> None:
        """Three to one is three quarters."""
        async with self.town() as balancer:
            first, second = [one.name for one in await balancer.backends("shop")]
            for _ in range(2):
                await balancer.weight("shop", first, 3)
                await balancer.weight("shop", second, 1)
                seen = await _by_name(balancer)
                assert seen[first].weight == 3 * seen[second].weight

    async def test_an_unknown_backend_is_refused_with_the_nearest(self) -> None:
        """By each verb; an unknown app too."""
        async with self.town() as balancer:
            name = (await balancer.backends("shop"))[0].name
            for ask in (balancer.drain, balancer.enable, partial(balancer.weight, weight=1)):
                with pytest.raises(UserError) as refused:
                    await ask("shop", f"{name}x")
                assert name in refused.value.hint
            with pytest.raises(UserError):
                await balancer.backends("shopp")

    async def test_hostile_backends_do_nothing(self) -> None:
        """The other half of them: each is refused, and nothing has changed."""
        async with self.town() as balancer:
            before = await _weights(balancer)
            for number, payload in enumerate(payloads()[1::2]):
                if payload in before:
                    continue
                ask = (balancer.drain, balancer.enable)[number % 2]("shop", payload)
                with pytest.raises(UserError) as refused:
                    await ask
                assert len(str(refused.value)) < 300
            assert await _weights(balancer) == before


@cache
def payloads() -> tuple[str, ...]:
    """5,000 hostile names, the same ones in every run."""
    found: list[str] = []

    @settings(max_examples=5000, derandomize=True, database=None, deadline=None)
    @given(HOSTILE)
    def collect(payload: str) -> None:
        found.append(payload)

    collect()
    return tuple(found)


def _still(seen: Observed) -> list[tuple[str, str, str, str, int]]:
    """What stays as it is while nothing is done: all but the requests of the moment."""
    return sorted((one.name, one.version, one.digest, one.state, one.weight) for one in seen.replicas)


async def _by_name(balancer: Balancer) -> dict[str, Backend]:
    return {one.name: one for one in await balancer.backends("shop")}


async def _weights(balancer: Balancer) -> dict[str, tuple[int, str]]:
    return {one.name: (one.weight, one.state) for one in await balancer.backends("shop")}
