"""A whole mesh, as processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mesh import Mesh


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """One mesh for all tests that leave it as they found it, with the practice bot enrolled."""
    traces = {"BELLBOARD_TRACE_URL": "https://traces.example.com/trace/{trace_id}"}
    mesh = Mesh(tmp_path_factory.mktemp("mesh") / "data", more=traces)
    try:
        mesh.start()
        yield mesh
    finally:
        mesh.stop()


@pytest.fixture
def own_mesh(tmp_path: Path) -> Iterator[Mesh]:
    """A mesh of the test's own, to be broken; not started yet."""
    mesh = Mesh(tmp_path / "data")
    try:
        yield mesh
    finally:
        mesh.stop()
