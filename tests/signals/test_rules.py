"""Prometheus' rules: they are valid, each fires when it should and not otherwise, and each has a page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.graphs.servers import need

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "helm/bellboard/files/rules").glob("*.yaml"))
CASES = sorted((ROOT / "tests/signals/rules").glob("*.yaml"))
PAGES = ROOT / "docs/runbooks"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


ALL = [rule for path in RULES for group in read(path)["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in ALL if "alert" in rule]
RECORDS = [rule["record"] for rule in ALL if "record" in rule]
EXPECTED = [test for path in CASES for case in read(path)["tests"] for test in case["promql_expr_test"]]


@pytest.fixture
def promtool() -> str:
    """Prometheus' own tool."""
    need(shutil.which("promtool") is not None, "prometheus")
    return "promtool"


def alert_of(expr: str) -> str:
    """The alert that an expectation is about; empty if it is about none."""
    found = re.search(r'alertname="(\w+)"', expr)
    return found[1] if found else ""


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rules_are_valid(promtool: str, path: Path) -> None:
    """As Prometheus reads them, templates too."""
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_rules_do_what_their_cases_say(promtool: str, path: Path) -> None:
    """Prometheus' own unit tests."""
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    """An alert that was never seen to fire may never do so; one that was never seen quiet may never end."""
    fires = {alert_of(one["expr"]) for one in EXPECTED if one["exp_samples"]}
    quiet = {alert_of(one["expr"]) for one in EXPECTED if not one["exp_samples"]}
    alerts = {rule["alert"] for rule in ALERTS}

    assert alerts - fires == set()
    assert alerts - quiet == set()


def test_every_recorded_series_has_an_expected_value() -> None:
    """A record that is wrong makes every alert on it wrong."""
    tested = " ".join(one["expr"] for one in EXPECTED if one["exp_samples"])

    assert [record for record in RECORDS if record not in tested] == []


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    """Whoever is woken up knows where to read; the index names all."""
    alerts = {rule["alert"] for rule in ALERTS}

    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == alerts
    assert set(re.findall(r"\[(\w+)\]\(\1\.md\)", (PAGES / "README.md").read_text())) == alerts
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{rule['alert']}.md"


def test_a_page_says_what_it_means_where_to_look_what_to_do_and_whether_it_may_wait() -> None:
    """In that order, on one screen."""
    for path in PAGES.glob("Bellboard*.md"):
        heads = re.findall(r"^#+ .+$", path.read_text(), re.MULTILINE)
        assert heads == [f"# {path.stem}", "## Look", "## Do", "## May it wait?"], path.name
        assert len(path.read_text().splitlines()) <= 40, path.name


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_names_only_labels_that_it_has(rule: dict[str, Any]) -> None:
    """A template that names another leaves a hole in the message."""
    told = [
        set(re.findall(r"(\w+)=\"", sample["labels"]))
        for one in EXPECTED
        if alert_of(one["expr"]) == rule["alert"]
        for sample in one["exp_samples"]
    ]
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))

    assert rule["labels"]["severity"] in ("critical", "warning")
    assert {"summary", "description", "runbook"} == rule["annotations"].keys()
    assert all(named <= labels for labels in told)
