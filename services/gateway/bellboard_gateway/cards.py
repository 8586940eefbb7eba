"""What people see of a command: its newest record and its progress, as a card. Pure; no I/O.

A card is always made anew from the latest state, so it can't drift from the ledger however many records were skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.grammar.pipes import join
from bellboard.ledger.state import S, is_final
from bellboard.ledger.subjects import Author, Key

SHORT = 6
"""Characters of an id that people are shown, and may type."""


@dataclass(slots=True)
class Attempt:
    """What one attempt shows: ``index`` of its newest progress record, and that record's blocks."""

    index: int = 0
    blocks: Sequence[chat.Block] = ()

    def add(self, record: pb.ProgressRecord) -> bool:
        """Take in a progress record, in place of the one before; False if it is older than that."""
        if record.index <= self.index:
            return False
        self.index, self.blocks = record.index, record.blocks
        return True


@dataclass(frozen=True, slots=True)
class Waits:
    """Where a command waits for its turn: its place from 1, and the id and line of the one that has the turn."""

    place: int
    holder: str
    line: str = ""

    def said(self) -> str:
        """In words for the room."""
        line = f": {self.line}" if self.line else ""
        return f"Queued, {_ordinal(self.place)} behind {self.holder[:SHORT]}{line}"


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a card is made from.

    Attributes:
        envelope: empty where the command's first record is not known.
        sequence: of ``record`` in the ledger.
        said: what the attempt that counts has said.
        reply: the final blocks, where the record keeps them in a blob and they were loaded.
        waits: where it stands in its line, while it is QUEUED.
        newer: the newest command that brought this card up to date.
        behind: the newest record of a command that should have done so after that, and did not.
    """

    key: Key
    envelope: pb.Envelope
    record: pb.Record
    sequence: int
    said: Attempt | None = None
    reply: chat.Reply | None = None
    waits: Waits | None = None
    newer: Shown | None = None
    behind: pb.Record | None = None


def card(shown: Shown) -> gateway.Card:
    """Make the card of one command."""
    envelope, record = shown.envelope, shown.record
    made = gateway.Card(
        command_id=shown.key.id,
        card_id=envelope.card or shown.key.id,
        room=envelope.origin.room,
        thread=envelope.origin.thread,
        principal=principal(envelope.principal),
        line=join([envelope.line, *envelope.pipe]) if envelope.pipe and not envelope.stage else envelope.line,
        state=record.state,
        final=is_final(record),
        blocks=_blocks(shown.newer or shown),
        trace_id=trace_id(envelope.traceparent),
        received_at=envelope.received_at,
        at=record.at,
        bot=shown.key.bot,
        effect=record.effect or envelope.effect,
        sequence=shown.sequence,
        reason=shown.waits.said() if shown.waits else words(record),
        steps=record.steps,
        message_id=envelope.origin.message,
        rehearsal=envelope.rehearsal,
        cancellable=not is_final(record) and (envelope.cancellable or not record.started),
        refresh=envelope.refresh,
        cause=envelope.cause,
        silent=is_silent(shown),
    )
    if shown.behind is not None:
        made.reason = " ".join(filter(None, (made.reason, f"It is not up to date. {words(shown.behind)}")))
    if envelope.pipe or envelope.stage:
        made.stage, made.stages = envelope.stage, envelope.stage + 1 + len(envelope.pipe)
        if is_final(record) and record.state != S.STATE_SUCCEEDED:
            made.reason = f"The pipe ended at stage {made.stage + 1} of {made.stages}. {made.reason}"
    for block in made.blocks:
        if block.HasField("failure") and not block.failure.trace_id:
            block.failure.trace_id = made.trace_id
    return made


_UNASKED = frozenset({pb.CAUSE_TRIGGER, pb.CAUSE_TIMER, pb.CAUSE_WEBHOOK})
_LOUD = frozenset({S.STATE_AWAITING_APPROVAL, S.STATE_REJECTED, S.STATE_EXPIRED, S.STATE_UNKNOWN, S.STATE_FAILED})
"""Where a command may stand that people have to see, whether or not it says anything."""


def is_silent(shown: Shown) -> bool:
    """Whether there is nothing to show of a command: nobody typed it, and it has said nothing so far."""
    envelope, record = shown.envelope, shown.record
    alone = envelope.card in ("", envelope.id)
    if envelope.cause not in _UNASKED and not (envelope.cause == pb.CAUSE_BOT and (alone or envelope.refresh)):
        return False
    if record.state in _LOUD or (record.state == S.STATE_DENIED and not alone):
        return False
    said = shown.newer or shown
    return not said.record.outcome.HasField("reply_blob") and not any(True for _ in _blocks(said))


def principal(who: pb.Principal) -> str:
    """A person's id, a bot's name, or the person under whom a timer runs."""
    kind = who.WhichOneof("who")
    return who.timer.person if kind == "timer" else getattr(who, kind) if kind else ""


def trace_id(traceparent: str) -> str:
    """The trace's id in hex; empty if the context is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""


def _blocks(shown: Shown) -> Iterable[chat.Block]:
    outcome, said = shown.record.outcome, shown.said
    if not is_final(shown.record):
        return said.blocks if said else ()
    final = shown.reply or outcome.reply
    if final.blocks or outcome.HasField("reply_blob"):
        return final.blocks
    return [block for block in said.blocks if not block.HasField("progress")] if said else ()


def writer(author: Author, record: pb.Record) -> str:
    """Who wrote a record: a person by way of the gateway, a worker, or the house. Every record names the worker of before."""
    if author is Author.BOT:
        return record.worker or "the bot"
    if author is Author.REAPER or record.state == S.STATE_READY:
        return "the reaper"
    return record.by or "the gateway"


def words(record: pb.Record) -> str:
    """Why a command stands where it stands, in words for the room."""
    write = _WORDS.get(record.state)
    return write(record) if write else record.reason


def _received(record: pb.Record) -> str:
    return ""


def _awaiting(record: pb.Record) -> str:
    return f"Waits for approval by {record.approval.group or 'someone who may'}"


def _queued(record: pb.Record) -> str:
    return f"Queued behind {record.turn.holder[:SHORT]}" if record.turn.holder else "Queued"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _ready(record: pb.Record) -> str:
    return "Worker lost; offered to another" if record.epoch else "Its turn has come"


def _working(record: pb.Record) -> str:
    taken = f"Worker lost; another took over (attempt {record.epoch})" if record.epoch > 1 else ""
    return "; ".join(part for part in (taken, _step(record.steps)) if part)


def _step(steps: Sequence[pb.StepRecord]) -> str:
    for number, step in enumerate(steps, 1):
        if step.state == pb.STEP_STATE_STARTED:
            return f"Step {number} of {len(steps)}: {step.name}"
    return ""


def _unknown(record: pb.Record) -> str:
    reason = record.reason.rstrip(".") or "its worker was lost after it had started"
    again = "" if "not run again" in reason else ". It was not run again"
    return f"UNKNOWN: {reason}{again}."


def _resolved(record: pb.Record) -> str:
    what = "it happened" if record.state == S.STATE_RESOLVED_SUCCEEDED else "it did not happen"
    return _because(f"Resolved by {record.by}: {what}" if record.by else f"Resolved: {what}", record)


def _because(start: str, record: pb.Record) -> str:
    return f"{start} ({record.reason})" if record.reason else start


def _by(verb: str, record: pb.Record) -> str:
    return f"{verb} by {record.by}" if record.by else verb


def _ended(verb: str, silent: str, record: pb.Record) -> str:
    return f"{verb}: {record.reason or silent}"


_WORDS: Mapping[pb.State.ValueType, Callable[[pb.Record], str]] = {
    S.STATE_RECEIVED: _received,
    S.STATE_DENIED: lambda record: _ended("Denied", "no rule permits it", record),
    S.STATE_AWAITING_APPROVAL: _awaiting,
    S.STATE_APPROVED: lambda record: _by("Approved", record),
    S.STATE_REJECTED: lambda record: _because(_by("Rejected", record), record),
    S.STATE_EXPIRED: lambda record: _ended("Expired", "no bot answered; nothing was run", record),
    S.STATE_QUEUED: _queued,
    S.STATE_READY: _ready,
    S.STATE_CLAIMED: _working,
    S.STATE_STARTED: _working,
    S.STATE_STEP: _working,
    S.STATE_CANCELLED: lambda record: _because(_by("Cancelled", record), record),
    S.STATE_UNKNOWN: _unknown,
    S.STATE_RESOLVED_SUCCEEDED: _resolved,
    S.STATE_RESOLVED_FAILED: _resolved,
    S.STATE_TOMBSTONE: lambda record: _ended("Not accepted", "it was not run", record),
}
