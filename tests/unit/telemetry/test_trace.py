"""Spans follow from the ledger's records alone."""

from __future__ import annotations

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author
from bellboard.telemetry import trace

INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def entry(sequence: int, author: Author, state: pb.State.ValueType, at: float, **fields: object) -> trace.Entry:
    return trace.Entry(sequence, author, pb.Record(state=state, at=timestamp(at), **fields))  # type: ignore[arg-type]


def received(traceparent: str = "", id_: str = "k3f9") -> trace.Entry:
    envelope = pb.Envelope(id=id_, bot="memes", method="Make", received_at=timestamp(99.5))
    envelope.traceparent = trace.begin(id_, traceparent)
    signed = pb.SignedEnvelope(envelope=envelope.SerializeToString())
    return entry(1, Author.RUN, S.STATE_RECEIVED, 100.0, command=signed)


def by_name(spans: list[trace.Span]) -> dict[str, trace.Span]:
    return {span.name: span for span in spans}


@pytest.mark.parametrize(
    "header",
    ["", INCOMING[:-1], INCOMING.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), "ff" + INCOMING[2:], INCOMING.upper()],
)
def test_a_traceparent_that_is_not_valid_is_ignored(header: str) -> None:
    """The W3C recommendation: a header that can't be read begins a new trace."""
    assert trace.parse(header) is None
    assert trace.parse(trace.begin("k3f9", header)) is not None


def test_the_callers_trace_goes_on() -> None:
    """A command that came with a trace context becomes part of that trace."""
    root = by_name(trace.lifecycle([received(INCOMING)]))["command"]

    assert root.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert root.parent_id == "b7ad6b7169203331"


def test_a_read_has_a_wait_and_a_run() -> None:
    """A READ leaves two records; the final one says when its run began."""
    done = entry(2, Author.BOT, S.STATE_SUCCEEDED, 101.0, epoch=1, outcome=pb.Outcome(), started_at=timestamp(100.25))
    spans = by_name(trace.lifecycle([received(), done]))

    assert (spans["command"].start, spans["command"].end) == (99.5, 101.0)
    assert (spans["wait"].start, spans["wait"].end) == (100.0, 100.25)
    assert (spans["run"].start, spans["run"].end) == (100.25, 101.0)
    assert spans["run"].parent_id == spans["command"].span_id
    assert spans["command"].parent_id == ""


def test_each_attempt_is_a_run_of_its_own() -> None:
    """A worker that was lost leaves a run that ends where the next one begins."""
    entries = [
        received(),
        entry(2, Author.BOT, S.STATE_CLAIMED, 101.0, epoch=1),
        entry(3, Author.BOT, S.STATE_CLAIMED, 111.0, epoch=2),
        entry(4, Author.BOT, S.STATE_STARTED, 111.1, epoch=2, started=True),
        entry(5, Author.REAPER, S.STATE_UNKNOWN, 130.0, epoch=2, started=True),
    ]
    runs = [span for span in trace.lifecycle(entries) if span.name == "run"]

    assert [(span.start, span.end) for span in runs] == [(101.0, 111.0), (111.0, 130.0)]
    assert [span.failed for span in runs] == [False, True]
    assert len({span.span_id for span in runs}) == 2


def test_steps_stand_under_their_run() -> None:
    """Each step is a span under the attempt that began it."""
    steps = [pb.StepRecord(name="boots", state=pb.STEP_STATE_STARTED, epoch=1), pb.StepRecord(name="rope")]
    later = [pb.StepRecord(name="boots", state=pb.STEP_STATE_DONE, epoch=1)]
    later.append(pb.StepRecord(name="rope", state=pb.STEP_STATE_STARTED, epoch=1))
    entries = [
        received(),
        entry(2, Author.BOT, S.STATE_CLAIMED, 101.0, epoch=1),
        entry(3, Author.BOT, S.STATE_STARTED, 102.0, epoch=1, started=True),
        entry(4, Author.BOT, S.STATE_STEP, 103.0, epoch=1, steps=steps, started=True),
        entry(5, Author.BOT, S.STATE_STEP, 104.0, epoch=1, steps=later, started=True),
        entry(6, Author.BOT, S.STATE_SUCCEEDED, 105.0, epoch=1, started=True),
    ]
    spans = by_name(trace.lifecycle(entries))

    assert (spans["step boots"].start, spans["step boots"].end) == (103.0, 104.0)
    assert (spans["step rope"].start, spans["step rope"].end) == (104.0, 105.0)
    assert spans["step rope"].parent_id == spans["run"].span_id == trace.run_span("k3f9", 1)


def test_what_goes_on_has_no_end() -> None:
    """A command that is not final has spans without an end."""
    spans = by_name(trace.lifecycle([received(), entry(2, Author.BOT, S.STATE_CLAIMED, 101.0, epoch=1)]))

    assert spans["command"].end is None
    assert spans["run"].end is None
    assert spans["wait"].end == 101.0


def test_the_same_records_make_the_same_spans() -> None:
    """Order of arrival and repetition by another process change nothing."""
    entries = [received(INCOMING), entry(2, Author.BOT, S.STATE_SUCCEEDED, 101.0, epoch=1, outcome=pb.Outcome())]

    assert trace.lifecycle(entries) == trace.lifecycle(reversed(entries))


def test_without_its_envelope_a_command_has_no_spans() -> None:
    """Records alone do not say which trace they belong to."""
    assert trace.lifecycle([entry(2, Author.BOT, S.STATE_SUCCEEDED, 101.0)]) == []
