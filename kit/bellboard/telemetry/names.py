"""Every log event, metric and span name, declared once. A test holds docs/signals.md against this file."""

from __future__ import annotations

from dataclasses import dataclass
from logging import ERROR, INFO, WARNING

from prometheus_client import Counter, Gauge


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A kind of log line: a dotted name, a level of `logging`, and what it means in one line."""

    name: str
    level: int
    help: str


@dataclass(frozen=True, slots=True)
class SpanName:
    """A kind of span, and what it covers in one line."""

    name: str
    help: str


# --- log events ---
BUS_CONNECTED = LogEvent("bus.connected", INFO, "The bus was reached, for the first time or again.")
BUS_LOST = LogEvent("bus.lost", WARNING, "The bus can't be reached; it is tried again.")
BUS_DENIED = LogEvent("bus.denied", ERROR, "The bus refused a publish or subscribe; the account's permissions are wrong.")
UNEXPECTED = LogEvent("unexpected", ERROR, "An error nobody foresaw; the line holds its traceback.")

# --- metrics ---
CAS_CONFLICTS = Counter("bellboard_ledger_conflicts_total", "Ledger writes that another record came before.", ["role"])
BUS_UP = Gauge("bellboard_bus_connected", "1 while the bus can be reached.")

# --- spans ---
COMMAND = SpanName("command", "A command from its line to its final state.")

LOGS = {value.name: value for value in list(globals().values()) if isinstance(value, LogEvent)}
SPANS = {value.name: value for value in list(globals().values()) if isinstance(value, SpanName)}
