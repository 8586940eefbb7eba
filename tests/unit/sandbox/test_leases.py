"""Leases: one holder of an app at a time."""

from __future__ import annotations

import pytest

from bellboard_sandbox.leases import Held, Leases


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_holds_an_app_and_says_so_again() -> None:
    """Another is told who it is, and gets it once it was let go."""
    leases = Leases(Clock())
    leases.hold("shop", "a", "D1 by ann", 60)
    leases.hold("shop", "a", "D1 by ann", 60)
    with pytest.raises(Held, match="shop is held by D1 by ann, for 60 s"):
        leases.hold("shop", "b", "D2 by bo", 60)
    leases.hold("shop", "b", "", 0)  # it held nothing, so it lets nothing go
    with pytest.raises(Held):
        leases.hold("shop", "b", "D2 by bo", 60)
    leases.hold("shop", "a", "", 0)
    leases.hold("shop", "b", "D2 by bo", 60)


def test_one_that_is_silent_for_too_long_holds_nothing() -> None:
    """And whoever came after it keeps it."""
    clock = Clock()
    leases = Leases(clock)
    leases.hold("shop", "a", "D1 by ann", 60)
    clock.now = 60.0
    leases.hold("shop", "b", "D2 by bo", 60)
    with pytest.raises(Held):
        leases.hold("shop", "a", "D1 by ann", 60)
