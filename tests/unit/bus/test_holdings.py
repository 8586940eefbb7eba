"""How many servers hold a stream, read from what NATS answers."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.bus.holdings import _copies

BOTH = [{"name": "n1", "current": True, "active": 1388516}, {"name": "n2", "current": True, "active": 1174243}]


@pytest.mark.parametrize(
    ("cluster", "copies"),
    [
        (None, 1),
        ({"name": "c", "leader": "n0"}, 1),
        ({"name": "c", "leader": "n0", "replicas": BOTH}, 3),
        ({"name": "c", "leader": "n0", "replicas": [BOTH[0], {"name": "n2", "current": False, "lag": 7}]}, 2),
        ({"name": "c", "leader": "n0", "replicas": [BOTH[0], {"name": "n2", "current": True, "offline": True}]}, 2),
        ({"name": "c", "replicas": BOTH}, 0),
        ({"name": "c", "leader": "", "replicas": None}, 0),
    ],
    ids=["no cluster", "one copy", "all", "one behind", "one away", "no leader", "nobody"],
)
def test_a_copy_counts_if_it_is_whole_and_there(cluster: dict[str, Any] | None, copies: int) -> None:
    """As a server that stands alone, as a cluster of three that is well, and as one that is not."""
    assert _copies(cluster) == copies
