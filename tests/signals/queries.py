"""Queries, as dashboards and rules hold them: which metrics they ask for, and their variables filled in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bellboard.telemetry import names

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "helm/bellboard/files/dashboards").glob("*.json"))

OF_PROCESSES = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds"}
"""What the client library measures of every process."""

_METRIC = re.compile(r"\b(?:bellboard|process|kubelet)_\w+")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    dashboard: str
    panel: str
    expr: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}"

    def filled(self, **values: str) -> str:
        """Its PromQL, with the dashboard's variables, and Grafana's own, as people would have chosen them."""
        text = self.expr
        for name, value in {"__rate_interval": "1m", "__range": "10m", **values}.items():
            text = text.replace(f"${name}", value)
        return text


def queries() -> list[Query]:
    """Every query of every dashboard."""
    return [
        Query(path.stem, panel["title"], target["expr"])
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
    ]


def metrics_of(expr: str) -> set[str]:
    """The metrics that a query names."""
    return set(_METRIC.findall(expr))


def exposed() -> set[str]:
    """Every series name that the house's processes may show."""
    found = set(OF_PROCESSES)
    for metric in names.METRICS:
        family = next(iter(metric.describe()))
        found |= {
            "counter": {f"{family.name}_total"},
            "histogram": {f"{family.name}_{part}" for part in ("bucket", "count", "sum")},
        }.get(family.type, {family.name})
    return found
