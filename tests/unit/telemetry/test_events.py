"""What is warned of is counted."""

from __future__ import annotations

from prometheus_client import REGISTRY

from bellboard.telemetry import logs, names


def count(event: names.LogEvent) -> float | None:
    return REGISTRY.get_sample_value("bellboard_events_total", {"event": event.name})


def test_warnings_are_counted_by_name() -> None:
    """An alert needs no search in logs."""
    before = count(names.BUS_DENIED) or 0.0
    logs.emit(names.BUS_DENIED, error="of a test")

    assert count(names.BUS_DENIED) == before + 1


def test_what_goes_as_it_should_is_not_counted() -> None:
    """A line for every command is no warning, and costs nothing here."""
    logs.emit(names.BUS_CONNECTED, user="of a test")

    assert count(names.BUS_CONNECTED) is None
