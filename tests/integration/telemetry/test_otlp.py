"""Spans arrive at a collector that is not ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from bellboard.telemetry.otlp import SpanSender
from bellboard.telemetry.trace import Span
from bellboard.testing.servers import free_port

PARENT, CHILD = "b7ad6b7169203331", "00f067aa0ba902b7"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OtelTapHttpProtobufReceiver]:
    """An independent OTLP receiver, named by the standard variable."""
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    settings = OtelTapHttpProtobufReceiverSettings(http_port=port)
    async with OtelTapHttpProtobufReceiver(settings) as receiver:
        yield receiver


def span(name: str, span_id: str, parent_id: str = "", end: float | None = 101.5, failed: bool = False) -> Span:
    return Span(name, "0af7651916cd43dd8448eb211c80319c", span_id, parent_id, "memes", 100.25, end, failed=failed)


async def test_a_span_arrives_as_it_was(collector: OtelTapHttpProtobufReceiver) -> None:
    """Ids, parent, times and status are those that were handed over."""
    sender = SpanSender("bellboard-reaper")
    sender.add([span("command", PARENT), span("run", CHILD, PARENT, failed=True)])
    run, _ = await asyncio.gather(collector.await_trace(lambda seen: seen.name == "run", timeout=10), sender.flush())
    await sender.close()

    assert run.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert (run.span_id.hex(), run.parent_span_id.hex()) == (CHILD, PARENT)
    assert (run.start_time_unix_nano, run.end_time_unix_nano) == (100_250_000_000, 101_500_000_000)
    assert run.status.code == run.status.STATUS_CODE_ERROR


async def test_a_span_without_an_end_waits(collector: OtelTapHttpProtobufReceiver) -> None:
    """What goes on is not sent: only the end of a span is told."""
    sender = SpanSender("bellboard-reaper")
    sender.add([span("goes on", CHILD, end=None), span("over", PARENT)])
    first, _ = await asyncio.gather(collector.await_trace(lambda seen: True, timeout=10), sender.flush())
    await sender.close()

    assert first.name == "over"


async def test_times_that_are_none_do_not_stop_the_others(collector: OtelTapHttpProtobufReceiver) -> None:
    """A bot may write any number as the time of its record."""
    sender = SpanSender("bellboard-reaper")
    sender.add([span("never", CHILD, end=-5.0), span("too late", CHILD, end=1e18), span("over", PARENT)])
    over, _ = await asyncio.gather(collector.await_trace(lambda seen: seen.name == "over", timeout=10), sender.flush())
    await sender.close()

    assert over.end_time_unix_nano == 101_500_000_000


async def test_without_a_collector_spans_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a standard variable names one, nothing is kept and nothing is sent."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    sender = SpanSender("bellboard-reaper")
    sender.add([span("command", PARENT)])

    assert not sender.enabled
    await sender.close()
