"""Traces: the W3C context that commands carry, and the spans of a command's life, made from its ledger records.

No process has to live for a span to be told: span ids follow from the command's id and every time stands in the ledger, so
a trace survives kill -9, and telling it twice does no harm.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import FINAL, RUNNABLE
from bellboard.ledger.state import name as state_name
from bellboard.ledger.subjects import Author

from . import names

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Context:
    """A W3C trace context: ids in lower-case hex."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def parse(traceparent: str) -> Context | None:
    """Read a ``traceparent`` header; None where it is missing or not valid, as the W3C recommendation says."""
    match = _TRACEPARENT.fullmatch(traceparent.strip()[:55])
    if match is None or traceparent.startswith("ff") or not int(match[1], 16) or not int(match[2], 16):
        return None
    return Context(match[1], match[2], bool(int(match[3], 16) & 1))


def span_id(command_id: str, part: str = "command") -> str:
    """The id of a command's span: the same whoever asks."""
    return blake2b(f"{command_id}/{part}".encode(), digest_size=8).hexdigest()


def run_span(command_id: str, epoch: int) -> str:
    """The id of the span of one attempt, under which a bot puts its own."""
    return span_id(command_id, f"run-{epoch}")


def begin(command_id: str, incoming: str = "") -> str:
    """The ``traceparent`` for a command: the caller's own where it sent one, else that of a new trace."""
    if parse(incoming) is not None:
        return incoming.strip()
    return str(Context(secrets.token_hex(16), span_id(command_id)))


def onward(command_id: str, traceparent: str) -> str:
    """The ``traceparent`` that a command hands to what it calls."""
    context = parse(traceparent)
    return str(Context(context.trace_id, span_id(command_id), context.sampled)) if context else ""


class Span(NamedTuple):
    """One span. Times are seconds since 1970; ``end`` is None while it goes on."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    service: str
    start: float
    end: float | None
    state: str = ""
    failed: bool = False
    attributes: Mapping[str, str] = MappingProxyType({})


class Entry(NamedTuple):
    """One record as it stands in the stream."""

    sequence: int
    author: Author
    record: pb.Record


def envelope_of(entries: Iterable[Entry]) -> pb.Envelope | None:
    """The command that records are about. Its signature is not looked at: nothing is run because of it."""
    for entry in entries:
        if entry.record.HasField("command"):
            return pb.Envelope.FromString(entry.record.command.envelope)
    return None


def lifecycle(entries: Iterable[Entry]) -> list[Span]:
    """The spans of a command's life, by start; empty where the envelope is not among the records."""
    told = sorted(entries, key=lambda entry: entry.sequence)
    envelope = envelope_of(told)
    context = parse(envelope.traceparent) if envelope else None
    if envelope is None or context is None:
        return []
    life = _Life(envelope, context)
    for entry in told:
        life.take(entry.author, entry.record)
    return sorted(life.spans(), key=lambda span: span.start)


class _Life:
    """Follows a command through its records and notes what began and ended."""

    def __init__(self, envelope: pb.Envelope, context: Context) -> None:
        self.envelope, self.context = envelope, context
        self.root = span_id(envelope.id)
        self.began = seconds(envelope.received_at)
        self.last: pb.Record | None = None
        self.done: list[Span] = []
        self.open: dict[str, tuple[names.SpanName, float, str, str]] = {}  # name, start, detail, parent

    def take(self, author: Author, record: pb.Record) -> None:
        at, state = seconds(record.at), record.state
        if state == pb.STATE_AWAITING_APPROVAL:
            self._begin("approval", names.SPAN_APPROVAL, at)
        elif state in RUNNABLE:
            self._end_all(at, "")
            self._begin(f"wait-{len(self.done)}", names.SPAN_WAIT, at)
        elif state == pb.STATE_QUEUED:
            self._end_all(at, "")
            self._begin(f"turn-{len(self.done)}", names.SPAN_TURN, at)
        elif state == pb.STATE_CLAIMED:
            self._end_all(at, "")
            self._begin(f"run-{record.epoch}", names.SPAN_RUN, at)
        elif state == pb.STATE_STEP:
            self._step(record, at)
        elif state in FINAL:
            self._finish(author, record, at)
        self.last = record

    def _step(self, record: pb.Record, at: float) -> None:
        self._end_steps(at)
        for step in record.steps:
            if step.state == pb.STEP_STATE_STARTED:
                self._begin(
                    f"step-{step.name}-{step.epoch}", names.SPAN_STEP, at, step.name, run_span(self.envelope.id, step.epoch)
                )

    def _finish(self, author: Author, record: pb.Record, at: float) -> None:
        ran = f"run-{record.epoch}"
        if author == Author.BOT and record.HasField("outcome") and ran not in self.open and not record.started:
            start = seconds(record.started_at) if record.HasField("started_at") else at
            self._end_all(start, "")
            self._begin(ran, names.SPAN_RUN, start)
        self._end_all(at, state_name(record.state))

    def _begin(self, part: str, name: names.SpanName, at: float, detail: str = "", parent: str = "") -> None:
        self.open[part] = (name, at, detail, parent or self.root)

    def _end_all(self, at: float, state: str) -> None:
        self.done += [self._span(part, *what, end=at, state=state) for part, what in self.open.items()]
        self.open.clear()

    def _end_steps(self, at: float) -> None:
        for part in [part for part in self.open if part.startswith("step-")]:
            self.done.append(self._span(part, *self.open.pop(part), end=at, state="DONE"))

    def _span(
        self, part: str, name: names.SpanName, start: float, detail: str, parent: str, end: float | None, state: str
    ) -> Span:
        return Span(
            name=f"{name.name} {detail}" if detail else name.name,
            trace_id=self.context.trace_id,
            span_id=span_id(self.envelope.id, part),
            parent_id=parent,
            service=self.envelope.bot if name in _BOTS_OWN else "bellboard",
            start=start,
            end=max(end, start) if end is not None else None,
            state=state,
            failed=state in _BAD,
        )

    def spans(self) -> list[Span]:
        assert self.last is not None
        going_on = [self._span(part, *what, end=None, state="") for part, what in self.open.items()]
        final = self.last.state in FINAL
        state = state_name(self.last.state)
        root = Span(
            name=names.SPAN_COMMAND.name,
            trace_id=self.context.trace_id,
            span_id=self.root,
            parent_id="" if self.context.span_id == self.root else self.context.span_id,
            service="bellboard",
            start=self.began,
            end=seconds(self.last.at) if final else None,
            state=state,
            failed=state in _BAD,
            attributes={
                "bellboard.command.id": self.envelope.id,
                "bellboard.bot": self.envelope.bot,
                "bellboard.method": self.envelope.method,
                "bellboard.room": self.envelope.origin.room,
                "bellboard.state": state,
            },
        )
        return [root, *self.done, *going_on]


_BOTS_OWN = frozenset({names.SPAN_RUN, names.SPAN_STEP})
_BAD = frozenset({"FAILED", "UNKNOWN", "RESOLVED_FAILED", "EXPIRED"})
