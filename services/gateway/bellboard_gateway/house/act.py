"""What people do to commands: cancel, run again, approve, reject, resolve."""

from __future__ import annotations

from collections.abc import Sequence

from bellboard import Call, Failed, UserError, replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BusError
from bellboard.grammar import NotUnderstood, Parsed
from bellboard.grammar.pipes import join
from bellboard.ids import child_id
from bellboard.ledger import gate
from bellboard.ledger.ops import Op, Snapshot, Stop, seconds, timestamp
from bellboard.ledger.state import S
from bellboard.marks import parse

from ..enrolments import HOUSE
from ..lines import NotAccepted
from ..orders import START_WITHIN, Order
from ..policy import Verdict, plan
from ..projection import View
from .bot import bot
from .hall import Hall, short, stands

Blocks = list[chat.Block]

OUTCOMES = {"succeeded": True, "failed": False}

ENDED_BY = {"P": "page resolve", "A": "alert resolve", "I": "incident close"}
"""The commands by which what has an id of its own is ended, by its letter."""


@bot.command
async def cancel(call: Call, id_: str, *, hall: Hall) -> Blocks:  # the contract's word
    """Stop a command.

    Before it has started that is certain; after, its worker is asked.
    """
    view = await hall.find(call, "cancel", id_)
    if isinstance(view, chat.Block):
        return [view]
    view = hall.stage_of(view)
    hall.check_may_touch(call, view)

    async def stop(op: Op) -> None:
        assert isinstance(op, Stop)
        wish = pb.CancelRequest(id=op.key.id, by=op.by)
        try:
            await hall.dispatch.bus.send(f"ctl.{op.key.bot}.{op.key.id}", wish.SerializeToString())
        except BusError:
            raise Failed("the bus can't be reached; nothing was stopped", hint="try again") from None

    procedure = gate.cancel(view.key, call.person, "", hall.dispatch.world)
    match await hall.dispatch.store.drive(procedure, stop):
        case gate.Moved():
            return [replies.text(f"{short(view)} is cancelled; nothing of it was run.")]
        case gate.Asked():
            return [replies.text(f"{short(view)} has started; its bot was asked to stop, if it can.")]
        case gate.NotMoved(snapshot=seen):
            raise UserError(f"{short(view)} can't be cancelled: {stands(seen.record if seen else None)}")


@bot.command
async def again(call: Call, id_: str, *, hall: Hall) -> Blocks:  # the contract's word
    """Run your last line here, or another command's, once more.

    It is a new command, judged anew.
    """
    view = await hall.find(call, "again", id_)
    if isinstance(view, chat.Block):
        return [view]
    view = hall.board.pipe(view)[0]
    if view.envelope.sealed:
        raise UserError(f"{short(view)} held a secret, which is not kept readable", hint="type it again")
    stages = _parsed(hall, view, call)
    id = await onward(hall, call, stages, rehearsal=view.envelope.rehearsal)
    return [replies.text(f"{join([stage.canonical for stage in stages])} runs again as {id[:6]}.")]


async def onward(hall: Hall, call: Call, stages: Sequence[Parsed], *, rehearsal: bool = False) -> str:
    """Have a line run by whoever asked for this command, on its card; the new command's id.

    Raises:
        Failed: it is not certain that it will run.
    """
    person, own = hall.person(call), hall.board.known(call.id)
    assert own is not None
    first, *then = stages
    order = Order(
        id=child_id(call.id, 0),
        parsed=first,
        then=tuple(then),
        digest=hall.registry.digest(first.command),
        principal=pb.Principal(person=person.id),
        cause=own.envelope.cause,
        origin=own.envelope.origin,
        parent=call.id,
        card=own.envelope.card,
        traceparent=own.envelope.traceparent,
        rehearsal=rehearsal,
    )
    taken = await hall.dispatch.run(order)
    if isinstance(taken, NotAccepted):
        raise Failed(taken.reason)
    return order.id


def _parsed(hall: Hall, view: View, call: Call) -> tuple[Parsed, ...]:
    """The line as it was understood, or, where the bot's contract has changed since, read anew."""
    envelope = view.envelope
    try:
        parsed, *then = hall.inbox.understand(join([envelope.line, *envelope.pipe]), call.room, call.person)
    except NotUnderstood as error:
        raise UserError(error.reason, hint=error.suggestion) from None
    if hall.registry.digest(parsed.command) != envelope.digest or parsed.command.method != envelope.method:
        return parsed, *then
    request = parsed.command.request_type.FromString(envelope.request)
    return Parsed(parsed.command, request, envelope.preview, envelope.force, envelope.line, parsed.rehearsal), *then


@bot.command
async def approve(call: Call, id_: str, *, hall: Hall) -> Blocks:  # the contract's word
    """Let a command run that waits for approval.

    It runs exactly as asked for, and only somebody else may approve it.
    """
    view = await _waiting(call, "approve", id_, hall)
    if isinstance(view, chat.Block):
        return [view]
    if hall.history.lost:
        raise UserError(hall.history.safe_mode)
    approval, now = pb.Approval(), hall.dispatch.world.now()
    approval.CopyFrom(view.record.approval)
    if now > seconds(approval.not_after):
        raise UserError(f"the time to approve {short(view)} has run out", hint="run it again")
    if plan(view.envelope, hall.policy.digest) != approval.plan:
        raise UserError(f"the rules have changed since {short(view)} was asked for", hint="run it again")
    if view.key.bot != HOUSE and not view.envelope.rehearsal and await hall.dispatch.rehearsals.by(view.room):
        raise UserError(f"{short(view)} is for real, and this room rehearses", hint="rehearse off, or run it again")
    if _still(hall, view) is Verdict.DENY:
        raise UserError(f"{short(view)} would not be let through any more", hint="run it again")
    envelope = pb.Envelope()
    envelope.CopyFrom(view.envelope)
    envelope.not_after.CopyFrom(timestamp(now + START_WITHIN))
    approval.nonce = hall.dispatch.world.nonce()
    signed = hall.dispatch.signer.sign(envelope)
    seen = Snapshot(view.sequence, view.record)
    procedure = gate.approve(view.key, seen, signed, approval, call.person, hall.dispatch.world)
    return _moved(await hall.dispatch.store.drive(procedure), view, "approved")


def _still(hall: Hall, view: View) -> Verdict:
    """What the rules say now of the very request, for whoever asked for it."""
    command, request = hall.command(view)
    order = Order(
        id=view.key.id,
        parsed=Parsed(command, request, view.envelope.preview, view.envelope.force, view.envelope.line),
        digest=view.envelope.digest,
        principal=view.envelope.principal,
        cause=view.envelope.cause,
        origin=view.envelope.origin,
        rehearsal=view.envelope.rehearsal,
    )
    return hall.dispatch.judge(order).verdict


@bot.command
async def reject(call: Call, id_: str, reason: str, *, hall: Hall) -> Blocks:  # the contract's word
    """Refuse a command that waits for approval."""
    view = await _waiting(call, "reject", id_, hall)
    if isinstance(view, chat.Block):
        return [view]
    seen = Snapshot(view.sequence, view.record)
    procedure = gate.reject(view.key, seen, call.person, reason, hall.dispatch.world)
    return _moved(await hall.dispatch.store.drive(procedure), view, "rejected")


async def _waiting(call: Call, verb: str, word: str, hall: Hall) -> View | chat.Block:
    """A command that waits for the approval of somebody like the one who asks, and was not asked for by them."""
    found = await hall.find(call, verb, word)
    if isinstance(found, chat.Block):
        return found
    found = hall.stage_of(found)
    person = hall.person(call)
    if found.record.state != S.STATE_AWAITING_APPROVAL:
        raise UserError(f"{short(found)} does not wait for approval: {stands(found.record)}")
    group = found.record.approval.group
    if group not in person.groups:
        raise UserError(f"people in {group} can {verb} {short(found)}, and you are not one of them")
    if verb == "approve" and person.id in hall.behind(found):
        raise UserError(f"you asked for {short(found)} yourself", hint=f"someone else in {group} must approve it")
    return found


@bot.command
async def resolve(call: Call, id_: str, outcome: str, *, hall: Hall) -> Blocks:  # the contract's word
    """Say what became of an UNKNOWN command, or end an alert.

    A page, an alert or an incident is ended by its own bot's command, for whoever asks.
    """
    mark = parse(id_)
    if mark and mark[0] in ENDED_BY and (id_[0].isupper() or not hall.board.matching(id_.lower())):
        return await _end(call, f"{ENDED_BY[mark[0]]} {mark[0]}{mark[1]} {outcome}".rstrip(), hall)
    word, _, reason = outcome.partition(" ")
    if (happened := OUTCOMES.get(word.lower())) is None:
        raise UserError("say what became of it", hint=f"resolve {id_} succeeded, or resolve {id_} failed")
    view = await hall.find(call, "resolve", id_)
    if isinstance(view, chat.Block):
        return [view]
    view = hall.stage_of(view)
    hall.check_may_touch(call, view)
    seen = Snapshot(view.sequence, view.record)
    procedure = gate.resolve(view.key, seen, happened, call.person, reason.strip(), hall.dispatch.world)
    return _moved(
        await hall.dispatch.store.drive(procedure), view, f"resolved: it {'happened' if happened else 'did not happen'}"
    )


async def _end(call: Call, line: str, hall: Hall) -> Blocks:
    try:
        stages = hall.inbox.understand(line, call.room, call.person)
    except NotUnderstood as error:
        raise UserError(error.reason, hint=error.suggestion) from None
    await hall.see(call)
    id = await onward(hall, call, stages)
    return [replies.text(f"{stages[0].canonical} runs as {id[:6]}.")]


@bot.command
async def accept_history(call: Call, *, hall: Hall) -> Blocks:
    """Go on after the bus has lost history: what is left of it counts."""
    person = hall.person(call)
    if not hall.history.lost and not hall.registry.losses:
        raise UserError("no history is missing, as far as anybody knows")
    try:
        await hall.history.accept(person.id)
    except BusError as error:
        raise Failed(f"it could not be written down: {error.text}", hint="try again") from None
    return [
        replies.text(
            "What is left of the history counts; commands run again. What was asked for before, and is not done by it, may "
            "have been run: it is not run again."
        )
    ]


@bot.command
async def rehearse_on(call: Call, *, hall: Hall) -> Blocks:
    """Run every command of this room against the sandbox."""
    await hall.dispatch.rehearsals.begin(call.room, hall.person(call).id)
    return [replies.text("This room rehearses now: what is run here is run against the sandbox.", tone=replies.WARNING)]


@bot.command
async def rehearse_off(call: Call, *, hall: Hall) -> Blocks:
    """Run the commands of this room for real again."""
    await hall.dispatch.rehearsals.end(call.room)
    return [replies.text("This room rehearses no more: what is run here is for real.", tone=replies.GOOD)]


def _moved(answer: gate.Moved | gate.NotMoved, view: View, done: str) -> Blocks:
    if isinstance(answer, gate.Moved):
        return [replies.text(f"{short(view)} is {done}.")]
    raise UserError(
        f"{short(view)} can't be {done.partition(':')[0]}: {stands(answer.snapshot.record if answer.snapshot else None)}"
    )
