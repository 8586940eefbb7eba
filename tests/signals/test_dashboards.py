"""Grafana's dashboards: fresh, whole, and about metrics that there are. Whether each panel shows something, e2e tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.__main__ import FOLDER, render
from tests.signals.queries import DASHBOARDS, exposed, metrics_of, queries
from tests.signals.test_rules import ALL

KUBELET = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
"""What a cluster measures of volumes; the house has no say in it."""


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", sorted(render()))
def test_what_the_chart_ships_is_fresh(name: str) -> None:
    """`make dashboards` was run after the last change."""
    assert (FOLDER / name).read_text() == render()[name]


def test_no_dashboard_is_left_over() -> None:
    """One that nothing makes any more."""
    assert {f"dashboards/{path.name}" for path in DASHBOARDS} == {name for name in render() if name.startswith("dashboards/")}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_is_what_grafana_calls_one(path: Path) -> None:
    """Grafana's own types, made from its schema, read it and write the same; this is no proof that it is drawn."""
    register_default_plugins()
    told = Dashboard.from_json(read(path))

    assert told.uid == f"bellboard-{path.stem}"
    assert told.panels
    assert [variable.name for variable in told.templating.list_val or []][:2] == ["datasource", "namespace"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_lie_side_by_side(path: Path) -> None:
    """No two cover each other, none reaches beyond the page, and each has an id of its own and says what it shows."""
    taken: set[tuple[int, int]] = set()
    panels = read(path)["panels"]
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel.get("title")
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] in ("row", "text") or (panel["title"] and panel["description"]), panel.get("title")
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel.get("targets", []))

    assert len({panel["id"] for panel in panels}) == len(panels)


def test_dashboards_ask_for_metrics_that_there_are() -> None:
    """Those that the code declares, and those that the client library adds; records are the rules' own."""
    recorded = {rule["record"] for rule in ALL if "record" in rule}
    for query in queries():
        left = query.expr
        for record in recorded:
            left = left.replace(record, "")
        assert metrics_of(left) <= exposed(), query


def test_rules_ask_for_metrics_that_there_are() -> None:
    """A rule about a name that nobody exposes never fires."""
    recorded = {rule["record"] for rule in ALL if "record" in rule}
    for rule in ALL:
        left = rule["expr"]
        for record in recorded:
            left = left.replace(record, "")
        assert metrics_of(left) <= exposed() | KUBELET, rule
