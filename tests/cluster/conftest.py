"""A cluster for all tests of this folder, and a namespace for each."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from bellboard.kube import Kube, connect, kinds
from bellboard.testing import eventually
from tests.cluster import build
from tests.cluster.cluster import Kubernetes, start

Client = Callable[[Path], Kube]
PATIENCE = 360
"""Seconds that a test may take; that which comes first starts the cluster."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests here may take longer than others."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PATIENCE))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kubernetes]:
    """A cluster: the one that KUBECONFIG names, or one of the tests' own."""
    folder = tmp_path_factory.mktemp("cluster")
    if named := os.environ.get("KUBECONFIG"):
        yield Kubernetes(Path(named), folder)
        return
    if not build.program().exists():
        pytest.skip("there is no Kubernetes here: make test-cluster builds one, or KUBECONFIG names one")
    kubernetes = await start(build.program(), folder)
    yield kubernetes
    assert kubernetes.servers is not None
    kubernetes.servers.stop()


@pytest.fixture
def own(kubernetes: Kubernetes) -> Kubernetes:
    """The cluster, if it is the tests' own: its audit log can be read, and what pods write is said by the test."""
    if kubernetes.servers is None:
        pytest.skip("only in a cluster of the tests' own")
    return kubernetes


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Makes clients for kubeconfigs, which are closed at the end."""
    async with AsyncExitStack() as stack:
        made = {}

        def client(kubeconfig: Path) -> Kube:
            made[kubeconfig] = connect(kubeconfig)
            stack.push_async_callback(made[kubeconfig].close)
            return made[kubeconfig].own

        yield client


@pytest.fixture
def admin(kubernetes: Kubernetes, client: Client) -> Kube:
    """Who may do everything."""
    return client(kubernetes.admin)


@pytest.fixture
async def namespace(admin: Kube) -> AsyncIterator[str]:
    """A namespace of the test's own that takes pods, deleted afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    await admin.create(kinds.Namespace(metadata=kinds.ObjectMeta(name=name)))
    await eventually(lambda: admin.list(kinds.ServiceAccount, namespace=name))
    yield name
    await admin.delete(kinds.Namespace, name)
