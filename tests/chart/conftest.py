"""Fixtures: the programs that the chart is tried with."""

from __future__ import annotations

import pytest

from tests.chart.tools import folder


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """Helm and kubectl, fetched if they are not here."""
    try:
        folder()
    except RuntimeError as error:
        pytest.skip(str(error))
