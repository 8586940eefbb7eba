"""Every deployer and balancer does the same."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bellboard_deploy.balance import SandboxBalancer
from bellboard_deploy.haproxy.balancer import HAProxyBalancer
from bellboard_deploy.haproxy.deployer import HAProxyDeployer
from bellboard_deploy.haproxy.runtime import Runtime
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.providers import Balancer, Deployer
from bellboard_deploy.sandbox import Sandbox
from bellboard_deploy.scrape import Scraper
from tests.integration.deploy.provider_haproxy import CHECK, LocalHosts, haproxy_town
from tests.integration.deploy.provider_suite import BalancerSuite, DeployerSuite
from tests.integration.sandbox.towns import Town

NOWHERE = Path("/nowhere/hunter22")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: sockets go into it."""
    with TemporaryDirectory(prefix="bb-") as name:
        yield Path(name)


class OnPaper:
    """The one in memory."""

    @asynccontextmanager
    async def town(self) -> AsyncIterator[PaperTown]:
        yield PaperTown()

    def broken(self) -> Deployer | None:
        return None


class OnSandbox:
    """The sandbox, without customers."""

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder / "t"

    @asynccontextmanager
    async def sandbox(self) -> AsyncIterator[Sandbox]:
        town = Town(self.folder, "--rate", "0")
        town.start()
        try:
            yield Sandbox(self.folder)
        finally:
            for client in (town.control, town.front, town.caddy):
                client.close()
            town.end(signal.SIGTERM)

    def broken(self) -> Deployer | None:
        return Sandbox(NOWHERE)


class OnHAProxy:
    """A real HAProxy."""

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder


class TestPaperDeploys(OnPaper, DeployerSuite):
    """On paper."""


class TestPaperBalances(OnPaper, BalancerSuite):
    """On paper."""


class TestSandboxDeploys(OnSandbox, DeployerSuite):
    """In the sandbox."""

    def town(self) -> AbstractAsyncContextManager[Sandbox]:
        return self.sandbox()


class TestSandboxBalances(OnSandbox, BalancerSuite):
    """In the sandbox, by its Caddy."""

    @asynccontextmanager
    async def town(self) -> AsyncIterator[SandboxBalancer]:
        async with self.sandbox() as sandbox:
            yield SandboxBalancer(sandbox, Scraper(self.folder / "control.sock"))


class TestHAProxyDeploys(OnHAProxy, DeployerSuite):
    """Behind HAProxy."""

    def town(self) -> AbstractAsyncContextManager[Deployer]:
        return self._town()

    @asynccontextmanager
    async def _town(self) -> AsyncIterator[Deployer]:
        async with haproxy_town(self.folder) as town:
            yield town.deployer

    def broken(self) -> Deployer | None:
        runtime = Runtime(NOWHERE / "admin.sock")
        return HAProxyDeployer(runtime, HAProxyBalancer(runtime, {"shop": "shop-web"}), LocalHosts(), CHECK)


class TestHAProxyBalances(OnHAProxy, BalancerSuite):
    """Behind HAProxy."""

    def town(self) -> AbstractAsyncContextManager[Balancer]:
        return self._town()

    @asynccontextmanager
    async def _town(self) -> AsyncIterator[Balancer]:
        async with haproxy_town(self.folder) as town:
            yield town.balancer
