"""Every log event, metric and span name, declared once. A test holds docs/signals.md against this file."""

from __future__ import annotations

from dataclasses import dataclass
from logging import ERROR, INFO, WARNING

from prometheus_client import Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase


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
SPANS_NOT_SENT = LogEvent("spans.not_sent", WARNING, "The collector did not take these spans; they are dropped.")
UNEXPECTED = LogEvent("unexpected", ERROR, "An error nobody foresaw; the line holds its traceback.")

# --- metrics ---
CAS_CONFLICTS = Counter("bellboard_ledger_conflicts_total", "Ledger writes that another record came before.", ["role"])
BUS_UP = Gauge("bellboard_bus_connected", "1 while the bus can be reached.")
BUILD_INFO = Gauge("bellboard_build_info", "Always 1; the labels say what runs.", ["service", "version", "python"])
SPANS_DROPPED = Counter("bellboard_spans_dropped_total", "Spans that could not be kept or sent.")

# --- spans ---
SPAN_COMMAND = SpanName("command", "A command, from its line to its final state.")
SPAN_APPROVAL = SpanName("approval", "A command waits for someone to approve it.")
SPAN_WAIT = SpanName("wait", "A command waits for a worker.")
SPAN_TURN = SpanName("turn", "A command waits for another one to finish.")
SPAN_RUN = SpanName("run", "One attempt of a worker to run a command.")
SPAN_STEP = SpanName("step", "One step of a command; the step's name follows.")
SPAN_CALL = SpanName("call", "A bot's call of an outside system; the call's name follows.")
SPAN_CARD = SpanName("card", "From a command's final record to its card on a gateway.")

LOGS = {value.name: value for value in list(globals().values()) if isinstance(value, LogEvent)}
SPANS = {value.name: value for value in list(globals().values()) if isinstance(value, SpanName)}
METRICS = [value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)]
