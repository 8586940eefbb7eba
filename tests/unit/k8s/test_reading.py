"""What Kubernetes writes, as values: amounts, kinds, settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard import SettingsError
from bellboard.testing.talk import settings_for
from bellboard_k8s.discovery import kinds_of
from bellboard_k8s.providers import Column, Listed, Row
from bellboard_k8s.scope import Scope
from bellboard_k8s.settings import Settings
from bellboard_k8s.tables import BYTES, typed
from bellboard_k8s.usage import amount

NOW = datetime(2026, 11, 29, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("250m", 0.25), ("2", 2), ("1500000n", 0.0015), ("100u", 1e-4), ("1Ki", 1024), ("1.5Gi", 1.5 * 2**30), ("12e3", 12000),
        ("1M", 1e6), (3, 3), ("", 0), ("x", 0), (None, 0), ("1.2.3", 0),
    ],
)  # fmt: skip
def test_amounts_are_read(text: object, is_: float) -> None:
    """Every suffix; what is none is nothing."""
    assert amount(text) == pytest.approx(is_)


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats()))
def test_no_amount_breaks_it(text: object) -> None:
    """Whatever a cluster may write."""
    assert isinstance(amount(text), float | int)


def cells(name: str, *values: Any, kind: str = "string") -> list[Any]:
    listed = Listed(
        [Column(name, kind, True)], [Row([value], {"creationTimestamp": "2026-11-29T19:59:30Z"}) for value in values]
    )
    block = typed(listed, wide=False, namespaces=False, now=NOW)
    found = [row.cells[0] for row in block.table.rows]
    return [getattr(cell, which) if (which := cell.WhichOneof("value")) else None for cell in found]


def test_cells_are_of_the_type_that_they_show() -> None:
    """Lengths and counts, unless one of a column is neither; an age is exact."""
    assert [length.seconds for length in cells("Age", "5d")] == [30]
    assert [length.seconds for length in cells("Duration", "3m5s", "2h")] == [185, 7200]
    assert cells("Restarts", "0", "3 (5m ago)") == [0, 3]
    assert cells("Replicas", 1, None, kind="integer") == [1, None]
    assert cells("Ready", "1/1", "5d") == ["1/1", "5d"]
    assert cells("Node", "<none>", "a") == [None, "a"]
    assert cells("Class", None) == [None]


def test_a_table_fits_into_a_record() -> None:
    """The first rows, and not all of them."""
    listed = Listed([Column("Name", "string", True)], [Row(["x" * 250], {}) for _ in range(500)])

    assert 100 < len(typed(listed, wide=True, namespaces=False, now=NOW).table.rows) < BYTES / 250


def test_kinds_are_those_that_can_be_listed() -> None:
    """In the version that their group prefers, with all their names."""
    resource = {
        "resource": "deployments",
        "responseKind": {"kind": "Deployment"},
        "scope": "Namespaced",
        "shortNames": ["deploy"],
    }
    review = {"resource": "tokenreviews", "responseKind": {"kind": "TokenReview"}, "scope": "Cluster", "verbs": ["create"]}
    one = {"version": "v1", "resources": [{**resource, "singularResource": "deployment", "verbs": ["get", "list"]}, review]}
    answer = {"items": [{"metadata": {"name": "apps"}, "versions": [one, {**one, "version": "v1beta1"}]}]}

    (kind,) = kinds_of(answer)

    assert (kind.full, kind.version, kind.name, kind.namespaced) == ("deployments.apps", "v1", "Deployment", True)
    assert {"deploy", "deployment", "deployments", "deploy.apps"} <= kind.names
    assert list(kinds_of({})) == []


@pytest.mark.parametrize(
    ("said", "own", "are"),
    [
        ((), "shop", ("shop",)),
        (("data",), "shop", ("data",)),
        (("data", "shop"), "shop", ("shop", "data")),
        (("*",), "shop", ("shop",)),
        (("*", "data"), "shop", ("shop", "data")),
    ],
)
def test_the_namespaces_are_those_that_are_named(said: tuple[str, ...], own: str, are: tuple[str, ...]) -> None:
    """The configuration's own comes first if it is among them, and is the only one where none is named."""
    scope = Scope.of(settings_for(Settings, namespaces=said), own)

    assert scope.namespaces == are
    assert scope.everywhere == ("*" in said)


@pytest.mark.parametrize(("name", "value"), [("NAMESPACES", '["Shop"]'), ("NAMESPACES", '["a/b"]'), ("KINDS", '["pods/log"]')])
def test_a_wrong_setting_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """At start."""
    for needed in ("NKEY_FILE", "TRUST_FILE", "BOX_KEY_FILE"):
        monkeypatch.setenv(f"BELLBOARD_{needed}", "/dev/null")
    monkeypatch.setenv(f"BELLBOARD_{name}", value)

    with pytest.raises(SettingsError, match=f"BELLBOARD_{name}"):
        Settings.load("k8s")
