"""``python -m bellboard.telemetry`` prints docs/signals.md."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from . import names

HEAD = """# What can be seen from outside

Made by `python -m bellboard.telemetry > docs/signals.md` from the names that the code declares; a test keeps it true.

Every service answers `/metrics`, `/healthz` and `/readyz` on its health port (`bell status` and `run.json` say which), and
writes log lines as JSON, each with the `trace_id` of the command it is about. Spans go to the collector named by
OpenTelemetry's standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, …); the spans of a command's
life are made from its ledger records by the reaper, so a trace is whole even where a process was killed. A reaper that was not
there for over a minute leaves out those that ended before; `bell trace` shows them still.

In a cluster the label `namespace` is the team. The reaper's counts of the ledger and measures of the streams, and the gateway's
of replicas, are told whole by each of their replicas: take the largest, not the sum. An autoscaler goes by what waits and what
runs, shared out over a bot's replicas:
`sum(max by (stage) (bellboard_open_commands{namespace="…", bot="…", stage=~"waiting|running"}))`. How all of it is scraped,
what is shown and what is told to whom: [telemetry](operate/telemetry.md).
"""


def main() -> None:
    print(HEAD)
    table("Log events", ("event", "level", "meaning"), ((e.name, logging.getLevelName(e.level), e.help) for e in logs()))
    table("Metrics", ("metric", "labels", "meaning"), metrics())
    table("Spans", ("span", "meaning"), ((s.name, s.help) for s in names.SPANS.values()), last=True)


def logs() -> Iterable[names.LogEvent]:
    return sorted(names.LOGS.values(), key=lambda event: event.name)


def metrics() -> Iterable[tuple[str, str, str]]:
    for metric in sorted(names.METRICS, key=lambda metric: next(iter(metric.describe())).name):
        family = next(iter(metric.describe()))
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        yield name, labels, family.documentation


def table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, last: bool = False) -> None:
    print(f"## {title}\n")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for first, *rest in rows:
        print(f"| {' | '.join([f'`{first}`', *rest])} |")
    print(end="" if last else "\n")


if __name__ == "__main__":
    main()
