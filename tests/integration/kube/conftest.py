"""A scripted API of Kubernetes, and a cluster that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.kube import Cluster, connect
from tests.integration.kube.api import Api, served


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The server."""
    async with served(tmp_path) as made:
        yield made


@pytest.fixture
async def cluster(api: Api) -> AsyncIterator[Cluster]:
    """Asks it."""
    async with connect(api.kubeconfig()) as made:
        yield made
