"""Spans sent to an OpenTelemetry collector, in bulk, away from whatever made them.

Where to is said by OpenTelemetry's standard variables (``OTEL_EXPORTER_OTLP_ENDPOINT`` and its kin); without one, spans are
dropped where they are made. The SDK's exporter does the sending. It is given bytes that were encoded here, since its own way
through `ReadableSpan` costs thirty times as much a span.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as otel
from opentelemetry.sdk.resources import Resource

from . import logs, names
from .trace import Span

CAPACITY = 5_000
"""Commands (calls of `SpanSender.add`) whose spans wait to be sent; newer ones are dropped beyond, and counted."""

BATCH = 500
"""Of them in one request."""

_INTERNAL = otel.Span.SPAN_KIND_INTERNAL


def wanted() -> bool:
    """Whether the standard variables ask for traces."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(
        os.environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


class _BytesExporter(OTLPSpanExporter):
    def send(self, request: ExportTraceServiceRequest) -> bool:
        return bool(self._client.export(request.SerializeToString()).success)


class SpanSender:
    """Takes finished spans and sends them every second.

    `run` must be running for anything to be sent; `close` sends what is left.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.enabled = wanted()
        self._waiting: list[Iterable[Span]] = []
        self._exporter = _BytesExporter() if self.enabled else None

    def add(self, spans: Iterable[Span]) -> None:
        """Hand spans over; returns at once. They are looked through when they are sent; those without an end are left out."""
        if not self.enabled:
            return
        if len(self._waiting) < CAPACITY:
            self._waiting.append(spans)
        else:
            names.SPANS_DROPPED.inc(sum(1 for _ in spans))

    async def run(self) -> None:
        """Send every second, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            await self.flush()

    async def flush(self) -> None:
        """Send what waits. A collector that can't be reached costs these spans, never a command."""
        while self._waiting and self._exporter is not None:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            spans = [span for told in batch for span in told if span.end is not None]
            if spans and not await asyncio.to_thread(self._exporter.send, encode(spans, self.service)):
                names.SPANS_DROPPED.inc(len(spans))
                logs.emit(names.SPANS_NOT_SENT, spans=len(spans))

    async def close(self) -> None:
        await self.flush()
        if self._exporter is not None:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def encode(spans: Iterable[Span], service: str) -> ExportTraceServiceRequest:
    """Spans as OTLP, grouped by the service they belong to; ``service`` stands for the sender's own."""
    request = ExportTraceServiceRequest()
    by_service: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_service[span.service or service].append(span)
    for name, group in by_service.items():
        resource = request.resource_spans.add()
        resource.resource.attributes.extend(_resource(name))
        scoped = resource.scope_spans.add()
        scoped.scope.name = "bellboard"
        for span in group:
            _put(scoped, span)
    return request


@cache
def _resource(service: str) -> tuple[KeyValue, ...]:
    attributes = Resource.create({"service.name": service, "service.namespace": "bellboard"}).attributes
    return tuple(KeyValue(key=key, value=AnyValue(string_value=str(value))) for key, value in attributes.items())


def _put(scoped: otel.ScopeSpans, span: Span) -> None:
    put = scoped.spans.add(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        name=span.name,
        kind=_INTERNAL,
        start_time_unix_nano=_nanos(span.start),
        end_time_unix_nano=_nanos(span.end or span.start),
    )
    for key, value in span.attributes.items():
        put.attributes.add(key=key).value.string_value = value
    if span.failed:
        put.status.code = otel.Status.STATUS_CODE_ERROR


def _nanos(at: float) -> int:
    """What a bot writes of its times may be any number; here it must be one of 64 bits without a sign."""
    return min(max(int(at * 1e9), 0), 2**64 - 1)
