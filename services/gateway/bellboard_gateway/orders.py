"""From an order to the envelope and the record that stand for it in the ledger. Pure; no I/O."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.command import Command
from bellboard.envelope import Signer
from bellboard.errors import UserError
from bellboard.grammar import Parsed, canonical
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard.sealed import seal, split_secrets
from bellboard.telemetry import trace

from .enrolments import HOUSE
from .policy import APPROVAL_LIFE, Decision, Verdict, plan
from .stages import next_key

START_WITHIN = 60.0
"""Seconds in which a worker must have claimed a command for the first time."""

OWN_PATIENCE = 3600.0
"""Seconds for the same where a bot asks for its own commands: what an escalation does next is not to be lost with its bot."""

MAX_SHOWN = 400
"""Characters that are kept of a line that is no command."""


@dataclass(frozen=True, slots=True)
class Order:
    """A line that was understood, on its way into the ledger.

    Attributes:
        id: the command's id.
        digest: of the contract by which it was parsed.
        card: the id of the root command, on whose card it is shown.
        traceparent: as it came with the line; empty for a trace of its own.
        rehearsal: it runs against the sandbox's twins, whatever the line says.
        then: the stages of its pipe that follow.
        stage: its place in a pipe, from 0.
        table: what is piped into it, where that is too large for the request.
        refresh: it is shown in place of what its card said before.
        patience: seconds in which a worker must have claimed it for the first time.
    """

    id: str
    parsed: Parsed
    digest: str
    principal: pb.Principal
    cause: pb.Cause.ValueType
    origin: pb.Origin
    parent: str = ""
    card: str = ""
    traceparent: str = ""
    rehearsal: bool = False
    then: tuple[Parsed, ...] = ()
    stage: int = 0
    table: chat.BlobRef | None = None
    refresh: bool = False
    patience: float = START_WITHIN

    def rehearses(self, stage: Parsed) -> bool:
        """Whether a stage is a rehearsal. The gateway has no twin: what it does itself is one only if its line says so."""
        if stage.command.bot == HOUSE:
            return stage.rehearsal
        return self.rehearsal or any(one.rehearsal for one in (self.parsed, *self.then))

    def written(self, stage: Parsed) -> str:
        """A stage that follows, as a line. Where this one is the gateway's, which can't rehearse, the line says so itself."""
        if not self.rehearsal or self.parsed.command.bot != HOUSE or stage.command.bot == HOUSE:
            return stage.canonical
        request = stage.request
        return canonical(stage.command, request, mask=True, preview=stage.preview, force=stage.force, rehearsal=True)

    @property
    def key(self) -> Key:
        return key_of(self.parsed.command, self.id, preview=self.parsed.preview)

    @property
    def next_at(self) -> str:
        """Where the records of the stage that follows stand, whatever becomes of it; empty if none does."""
        if not self.then:
            return ""
        key = key_of(self.then[0].command, "", preview=self.then[0].preview)
        return f"{key.lane}.{key.bot}"


def effect_of(command: Command, *, preview: bool) -> options.Effect.ValueType:
    """A preview does nothing, whatever the command does."""
    return options.EFFECT_READ if preview else command.effect


def key_of(command: Command, id: str, *, preview: bool) -> Key:
    """Where a command's records stand. A preview travels with the reads."""
    lane = command.lane.removesuffix("-work") + "-read" if preview and command.lane.endswith("-work") else command.lane
    return Key(lane, command.bot, id)


def envelope(order: Order, decision: Decision, team: str, enrolment: registry.Enrolment | None, now: float) -> pb.Envelope:
    """What the bot gets to know.

    Raises:
        UserError: it holds a secret, and the bot has no key to seal it to.
    """
    parsed, command = order.parsed, order.parsed.command
    public, secret = split_secrets(command, parsed.request)
    made = pb.Envelope(
        id=order.id,
        team=team,
        bot=command.bot,
        method=command.method,
        digest=order.digest,
        request=public,
        sealed=seal(_box_key(enrolment), secret, order.id.encode()) if secret else b"",
        effect=effect_of(command, preview=parsed.preview),
        lane=order.key.lane,
        principal=order.principal,
        cause=order.cause,
        parent=order.parent,
        card=order.card or order.id,
        stage=order.stage,
        rehearsal=order.rehearses(parsed),
        preview=parsed.preview,
        force=parsed.force,
        pipe=[order.written(stage) for stage in order.then],
        next_at=order.next_at,
        table=order.table,
        refresh=order.refresh,
        origin=order.origin,
        line=parsed.canonical,
        received_at=timestamp(now),
        not_after=timestamp(now + order.patience),
        deadline=_duration(command.deadline),
        traceparent=trace.begin(order.id, order.traceparent),
        rules=decision.rules,
        cancellable=command.cancellable or effect_of(command, preview=parsed.preview) == options.EFFECT_READ,
    )
    if decision.verdict is Verdict.ASK:
        made.not_after.CopyFrom(timestamp(now + APPROVAL_LIFE))
    return made


def _box_key(enrolment: registry.Enrolment | None) -> bytes:
    try:
        key = base64.b64decode(enrolment.box_key if enrolment else "", validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise UserError("the bot has no key that a secret could be sealed to", hint="enrol it again")
    return key


def _duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def first_record(
    made: pb.Envelope, decision: Decision, signer: Signer, rules_digest: str, world: World
) -> tuple[Author, pb.Record]:
    """The first record of a command: it may run, it waits for approval, or it was denied.

    Raises:
        EnvelopeError: the envelope is too large.
    """
    signed, effect = signer.sign(made), made.effect
    if decision.verdict is Verdict.ALLOW:
        return Author.RUN, world.record(S.STATE_RECEIVED, command=signed, effect=effect)
    if decision.verdict is Verdict.DENY:
        return Author.GATEWAY, world.record(S.STATE_DENIED, command=signed, effect=effect, reason=decision.reason)
    approval = pb.Approval(plan=plan(made, rules_digest), group=decision.group, not_after=made.not_after)
    record = world.record(S.STATE_AWAITING_APPROVAL, command=signed, effect=effect, approval=approval, reason=decision.reason)
    return Author.GATEWAY, record


def unrunnable(
    above: pb.Envelope, id: str, line: str, cause: pb.Cause.ValueType, principal: pb.Principal, now: float
) -> pb.Envelope:
    """What stands in the ledger for a line that can't be run, so that the room sees it with the command ``above`` it."""
    return pb.Envelope(
        id=id,
        team=above.team,
        bot=above.bot,
        effect=options.EFFECT_READ,
        lane=above.lane,
        principal=principal,
        cause=cause,
        parent=above.id,
        card=above.card or above.id,
        rehearsal=above.rehearsal,
        origin=above.origin,
        line=line[:MAX_SHOWN],
        received_at=timestamp(now),
        not_after=timestamp(now),
        traceparent=trace.begin(id, trace.onward(above.id, above.traceparent)),
    )


def never(above: pb.Envelope, now: float) -> pb.Envelope:
    """What stands in the ledger for the next stage of a pipe that will never begin, in the one place where it could."""
    key = next_key(above)
    made = unrunnable(above, key.id, above.pipe[0], pb.CAUSE_PIPE, above.principal, now)
    made.lane, made.bot, made.stage = key.lane, key.bot, above.stage + 1
    made.pipe.extend(above.pipe[1:])
    return made
