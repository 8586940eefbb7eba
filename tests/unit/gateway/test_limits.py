"""How fast one may ask."""

from __future__ import annotations

from bellboard_gateway.limits import KNOWN, Buckets


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    """Tokens come back with time."""
    now = [0.0]
    buckets = Buckets(rate=2.0, burst=3.0, clock=lambda: now[0])
    assert [buckets.take("ann") for _ in range(4)] == [True, True, True, False]
    now[0] += 0.5
    assert [buckets.take("ann"), buckets.take("ann")] == [True, False]


def test_everyone_has_their_own() -> None:
    """One person's flood is nobody else's."""
    buckets = Buckets(rate=0.0, burst=1.0, clock=lambda: 0.0)
    assert buckets.take("ann")
    assert not buckets.take("ann")
    assert buckets.take("bob")


def test_only_so_many_names_are_kept() -> None:
    """The one not heard of for longest is forgotten first."""
    buckets = Buckets(rate=0.0, burst=1.0, clock=lambda: 0.0)
    for number in range(KNOWN + 5):
        buckets.take(str(number))
    assert len(buckets._buckets) == KNOWN
