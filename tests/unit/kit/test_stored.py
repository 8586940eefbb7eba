"""Reading what another version wrote down."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bellboard.stored import revive


@dataclass(frozen=True)
class Thing:
    name: str
    count: int = 1


def test_what_a_newer_version_added_is_passed_over() -> None:
    """It has to be read while both run, and after the newer one was taken back."""
    assert revive(Thing, {"name": "a", "count": 2, "colour": "red"}) == Thing("a", 2)


def test_what_an_older_version_did_not_know_has_its_default() -> None:
    """A new field has one."""
    assert revive(Thing, {"name": "a"}) == Thing("a")


def test_what_can_not_be_done_without_is_missed() -> None:
    """It is nothing that such a thing was made from."""
    with pytest.raises(TypeError):
        revive(Thing, {"count": 2})
