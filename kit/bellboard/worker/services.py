"""What a running command may ask of the world: blobs, another command, a span."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.call import BlobStore, CallServices
from bellboard.errors import CasLost, Unconfirmed
from bellboard.history import History
from bellboard.telemetry import names, trace
from bellboard.telemetry.otlp import SpanSender

from .progress import Progress

ASK_TRIES = 3


@dataclass(frozen=True, slots=True)
class Means:
    """What every command of a process shares. Without a ``history`` nothing guards it against a bus that has lost some."""

    bus: Bus
    blobs: BlobStore
    spans: SpanSender
    history: History | None = None

    def services(self, envelope: pb.Envelope, epoch: int, progress: Progress) -> CallServices:
        """The services of one attempt at one command."""

        async def ask(request: pb.CommandRequest) -> None:
            await self._ask(envelope, request)

        def span(name: str) -> AbstractContextManager[None]:
            return self._span(envelope, epoch, name)

        return CallServices(blobs=self.blobs, ask=ask, progress=progress.show, span=span)

    async def _ask(self, envelope: pb.Envelope, request: pb.CommandRequest) -> None:
        """Write down what is asked for, once: a later attempt that asks again changes nothing.

        Raises:
            BusError: it is not certain that it is written down.
        """
        request.traceparent = trace.onward(envelope.id, envelope.traceparent)
        subject = f"req.{envelope.bot}.{envelope.id}.{request.ordinal}"
        for left in reversed(range(ASK_TRIES)):
            try:
                await self.bus.publish(subject, request.SerializeToString(), expected=0)
            except CasLost:
                return
            except Unconfirmed:
                if not left:
                    raise
            else:
                return

    @contextmanager
    def _span(self, envelope: pb.Envelope, epoch: int, name: str) -> Iterator[None]:
        context = trace.parse(envelope.traceparent)
        if context is None or not context.sampled or not self.spans.enabled:
            yield
            return
        start, failed = time.time(), True
        try:
            yield
            failed = False
        finally:
            span = trace.Span(
                name=f"{names.SPAN_CALL.name} {name}",
                trace_id=context.trace_id,
                span_id=secrets.token_hex(8),
                parent_id=trace.span_id(envelope.id, f"run-{epoch}"),
                service=envelope.bot,
                start=start,
                end=time.time(),
                failed=failed,
            )
            self.spans.add([span])
