"""What the gateway tells: help, what is going on, why, and whether one may."""

from __future__ import annotations

from datetime import UTC, datetime

from bellboard import Call, UserError, replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command
from bellboard.grammar import NotUnderstood, Parsed, help_blocks
from bellboard.grammar.pipes import join
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import name as state_name

from .. import cards
from ..enrolments import HOUSE
from ..people import Person
from ..policy import Ask, Chance, Decision, Verdict
from .bot import bot
from .hall import Hall, short


@bot.command
async def help_(call: Call, about: str, *, hall: Hall) -> chat.Reply:  # the word that people type
    """Say what can be typed here.

    What no rule could permit is hidden, and what nobody is there to run.

    Raises:
        UserError: there is no such command.
    """
    chances: dict[Command, Chance] = {}

    def allowed(command: Command) -> bool:
        if not hall.registry.available(command.bot):
            return False
        chances[command] = hall.policy.can_ever(call.person, call.room, command)
        return chances[command] is not Chance.NO

    reply = help_blocks(hall.registry.vocabulary, about, allowed)
    for block in reply.blocks:
        if block.HasField("failure"):
            raise UserError(block.failure.text, hint=block.failure.hint)
    said = " ".join(row.cells[0].text for block in reply.blocks for row in block.table.rows)
    depends = sorted(c.name for c, chance in chances.items() if chance is Chance.MAYBE and (about or c.usage in said))
    if depends:
        shown = [name for name in depends if not about or about.casefold() in name.casefold()]
        if shown:
            reply.blocks.append(replies.text(f"What you type decides whether you may: {', '.join(shown)}."))
    return reply


@bot.command
async def running(call: Call, all_: bool, *, hall: Hall) -> list[chat.Block]:  # the contract's word
    """List the commands that are not done yet.

    The oldest comes first.
    """
    await hall.see(call)
    now = datetime.now(UTC)
    views = [view for view in hall.board.open() if (all_ or view.room == call.room) and view.key.id != call.id]
    if not views:
        return [replies.text("Nothing is running." if all_ else "Nothing is running here.")]
    rows = [
        (
            short(view),
            view.envelope.line,
            cards.principal(view.envelope.principal),
            f"{state_name(view.record.state)}{f', {view.waits.place} in line' if view.waits else ''}",
            now - datetime.fromtimestamp(view.began, UTC),
            *((view.room,) if all_ else ()),
        )
        for view in sorted(views, key=lambda view: view.began)
    ]
    return [replies.table(["id", "command", "who", "state", "for", *(["room"] if all_ else [])], rows)]


@bot.command
async def why(call: Call, id_: str, *, hall: Hall) -> list[chat.Block]:  # the contract's word
    """Tell how a command came to stand where it stands.

    Its life is told record by record.
    """
    view = await hall.find(call, "why", id_)
    if isinstance(view, chat.Block):
        return [view]
    history = await hall.board.history(view.key.id)
    rows = [
        (
            datetime.fromtimestamp(seconds(record.at), UTC),
            state_name(record.state),
            cards.writer(author, record),
            _because(record),
        )
        for _, author, record in history
    ]
    envelope = view.envelope
    cause = pb.Cause.Name(envelope.cause).removeprefix("CAUSE_").lower()
    asked = f"{cards.principal(envelope.principal)} asked for it ({cause})"
    rules = f"; let through by {', '.join(envelope.rules)}" if envelope.rules else ""
    trace = cards.trace_id(envelope.traceparent)
    blocks = [
        replies.text(f"{short(view)}: {envelope.line}"),
        replies.table(["when", "state", "by", "why"], rows),
        replies.text(f"{asked}{rules}. Trace {trace}."),
    ]
    if url := hall.board.trace_url(trace):
        blocks.append(replies.link(url, f"trace {trace[:8]}"))
    pipe = hall.board.pipe(view)
    if len(pipe) > 1 or envelope.pipe:
        told = [(short(one), one.envelope.line, state_name(one.record.state)) for one in pipe]
        told += [("", line, "not begun") for line in pipe[-1].envelope.pipe]
        blocks.append(replies.table(["id", "stage", "state"], told))
    elif envelope.parent:
        blocks.append(replies.text(f"It was started by {envelope.parent[: cards.SHORT]}."))
    return blocks


def _because(record: pb.Record) -> str:
    steps = [step.name for step in record.steps if step.state == pb.STEP_STATE_STARTED]
    attempt = f"attempt {record.epoch}" if record.epoch > 1 else ""
    return "; ".join(part for part in (record.reason or cards.words(record), *steps, attempt) if part)


@bot.command
async def rehearse(call: Call, *, hall: Hall) -> list[chat.Block]:
    """Say whether this room rehearses."""
    by = await hall.dispatch.rehearsals.by(call.room)
    if by:
        return [
            replies.text(
                f"This room rehearses: what is run here is run against the sandbox. {by} said so.", tone=replies.WARNING
            )
        ]
    return [replies.text("This room does not rehearse: what is run here is for real.")]


@bot.command
async def can(call: Call, line: str, *, hall: Hall) -> list[chat.Block]:
    """Say whether you may run a line, and why.

    A rule is named, and who could approve it.
    """
    person = hall.person(call)
    try:
        parsed = hall.inbox.understand(line, call.room, call.person)
    except NotUnderstood as error:
        raise UserError(error.reason, hint=error.suggestion) from None
    rehearsal = any(stage.rehearsal for stage in parsed) or bool(await hall.dispatch.rehearsals.by(call.room))
    decisions = [_judged(hall, person, stage, call.room, rehearsal=rehearsal) for stage in parsed]
    worst = [Verdict.DENY, Verdict.ASK, Verdict.ALLOW]
    decision = min(decisions, key=lambda one: worst.index(one.verdict))
    shown = join([stage.canonical for stage in parsed])
    rules = f" The rule: {', '.join(decision.rules)}." if decision.rules else ""
    match decision.verdict:
        case Verdict.ALLOW:
            return [replies.text(f"Yes: {shown}.{rules}", tone=replies.GOOD)]
        case Verdict.ASK:
            return [replies.text(f"Yes, but {decision.reason}: {shown}.{rules}", tone=replies.WARNING)]
    return [replies.text(f"No: {decision.reason}.{rules}", tone=replies.BAD)]


def _judged(hall: Hall, person: Person, stage: Parsed, room: str, *, rehearsal: bool) -> Decision:
    who = pb.Principal(person=person.id)
    rehearsal = stage.rehearsal if stage.command.bot == HOUSE else rehearsal
    ask = Ask(
        who, stage.command, stage.request, room, pb.CAUSE_LINE, preview=stage.preview, rehearsal=rehearsal, force=stage.force
    )
    return hall.policy.judge(ask)
