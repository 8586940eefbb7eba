"""Every name that can be seen from outside is declared in one place, used, and documented."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from bellboard.telemetry import names

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("kit", "services") for path in (ROOT / folder).rglob("*.py") if "api" not in path.parts]


def test_the_page_of_signals_is_fresh() -> None:
    """docs/signals.md is what the code declares."""
    page = subprocess.run([sys.executable, "-m", "bellboard.telemetry"], capture_output=True, text=True, check=True).stdout

    assert (ROOT / "docs" / "signals.md").read_text() == page


def test_every_declared_name_is_used() -> None:
    """A name that nothing writes is a promise that nobody keeps."""
    declared = {name for name in vars(names) if name.isupper()} - {
        "LOGS",
        "SPANS",
        "METRICS",
        "INFO",
        "WARNING",
        "ERROR",
        "DEBUG",
    }
    used = {
        node.attr
        for path in SOURCES
        if path.name != "names.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "names"
    }

    assert declared - used == set()


def test_metrics_are_declared_nowhere_else() -> None:
    """prometheus_client's classes are called in names.py alone."""
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info"}
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if path.name != "names.py" and "prometheus_client" in path.read_text()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers
    ]

    assert strays == []


def test_log_lines_are_written_by_declared_events() -> None:
    """Nothing logs past `logs.emit`."""
    strays = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.parts[-2] != "telemetry" and any(word in path.read_text() for word in ("logging.getLogger", "structlog."))
    ]

    assert strays == []


def test_metric_names_begin_with_the_house() -> None:
    """One prefix, and the suffixes Prometheus asks for."""
    for metric in names.METRICS:
        assert next(iter(metric.describe())).name.startswith("bellboard_")
