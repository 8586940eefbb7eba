"""What every deployer and balancer does, in a real cluster; and where versions taking each other's place makes a difference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bellboard import UserError
from bellboard.kube import Kube, connect
from bellboard_deploy.kubernetes import waiting
from bellboard_deploy.providers import Balancer, Deployer
from tests.cluster.servers import write_kubeconfig
from tests.cluster.shops import Shop, a_list, balancer_of, deployer_of, digest
from tests.integration.deploy.provider_suite import BalancerSuite, DeployerSuite, Told

pytestmark = pytest.mark.timeout(180)


class OnKubernetes:
    """A Deployment of two pods behind a Service."""

    @pytest.fixture(autouse=True)
    def _shop(self, admin: Kube, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "LOOK", 0.05)
        self.folder = tmp_path
        self.shop = Shop(admin, namespace, a_list(tmp_path))


class TestKubernetesDeploys(OnKubernetes, DeployerSuite):
    """By a Deployment."""

    def town(self) -> AbstractAsyncContextManager[Deployer]:
        return self._town()

    @asynccontextmanager
    async def _town(self) -> AsyncIterator[Deployer]:
        yield deployer_of(await self.shop.open())

    def broken(self) -> Deployer | None:
        nowhere = write_kubeconfig(self.folder / "hunter22", {"server": "http://127.0.0.1:9"}, {"token": "hunter22"})
        return deployer_of(Shop(connect(nowhere).own, "nowhere", self.shop.names))

    async def test_started_replicas_take_no_requests_yet(self) -> None:
        """None are started: what would be is only judged by the API server, and its image is remembered."""
        async with self.town() as deployer:
            before = await deployer.observe("shop")
            await deployer.start("shop", await deployer.pin("shop", "v2"), 0, "a")
            assert await deployer.observe("shop") == before

    async def test_shares_are_percent_of_the_traffic(self) -> None:
        """As near as whole pods allow: one beside two is a third, and there are never more beside them than they are."""
        async with self.town() as deployer:
            await deployer.start("shop", await deployer.pin("shop", "v2"), 0, "a")
            for share, near in ((10, 33), (50, 50), (75, 50), (100, 100)):
                for _ in range(2):
                    await deployer.shift("shop", {"v1": 100 - share, "v2": share})
                    assert (await deployer.observe("shop")).shares().get("v2", 0) == near

    async def test_what_is_not_kept_is_stopped(self) -> None:
        """The canary too; once more is no error."""
        async with self.town() as deployer:
            await deployer.start("shop", await deployer.pin("shop", "v2"), 0, "a")
            await deployer.shift("shop", {"v1": 50, "v2": 50})
            await deployer.shift("shop", {"v2": 100})
            for _ in range(2):
                await deployer.retire("shop", "v2", Told())
                seen = await deployer.observe("shop")
                assert [(one.version, one.digest) for one in seen.replicas] == [("v2", digest("v2"))] * 2
                assert await self.shop.deployments() == ["shop"]


class TestKubernetesBalances(OnKubernetes, BalancerSuite):
    """By the labels of pods."""

    def town(self) -> AbstractAsyncContextManager[Balancer]:
        return self._town()

    @asynccontextmanager
    async def _town(self) -> AsyncIterator[Balancer]:
        yield balancer_of(await self.shop.open())

    async def test_a_weight_is_beside_the_others(self) -> None:
        """There are no weights: a Service sends each pod as much as any other."""
        async with self.town() as balancer:
            first = (await balancer.backends("shop"))[0].name
            with pytest.raises(UserError, match="as many requests as any other"):
                await balancer.weight("shop", first, 3)
