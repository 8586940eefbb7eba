"""A script for every test."""

from __future__ import annotations

import pytest

from tests.unit.ledger.script import Script


@pytest.fixture
def script() -> Script:
    """An empty ledger, and nothing planned."""
    return Script()
