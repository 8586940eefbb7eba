"""The stages of a line: one, or those of a pipe. How they are read, what follows which, and what is handed on. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError, Message

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import READ, Command, Kind
from bellboard.grammar import NotUnderstood, Parsed, Scope, Vocabulary, normalise
from bellboard.grammar.pipes import PIPE, stages
from bellboard.ids import command_id
from bellboard.ledger.subjects import Key

from .enrolments import HOUSE

MOST = 8
"""Stages of one pipe."""

TABLE = chat.Table.DESCRIPTOR.full_name


def successor_id(before: str, stage: int) -> str:
    """The id of the ``stage``-th stage of a pipe (from 0), which follows another."""
    return command_id("pipe", "", "", before, stage=stage)


def next_id(envelope: pb.Envelope) -> str:
    """The id of the stage that follows this one; empty if none does."""
    return successor_id(envelope.id, envelope.stage + 1) if envelope.pipe else ""


def next_key(envelope: pb.Envelope) -> Key:
    """Where that stage's records stand. It is settled before, so that replicas which see it differently can't both write."""
    lane, _, bot = envelope.next_at.partition(".")
    return Key(lane or envelope.lane, bot or envelope.bot, next_id(envelope))


def understand(vocabulary: Vocabulary, text: str, scope: Scope) -> tuple[Parsed, ...]:
    """Read a line, as typed, stage by stage.

    Raises:
        NotUnderstood: a stage is no command, or can't stand where it stands. The caret points into the whole line.
    """
    if PIPE not in text:
        return (vocabulary.parse(text, scope),)
    try:
        line = normalise(text)
    except NotUnderstood as error:
        error.line = vocabulary.discreet(error.line)
        raise
    parts = list(_parts(vocabulary, line))
    if len(parts) == 1:
        return (vocabulary.parse(line, scope),)
    if len(parts) > MOST:
        raise NotUnderstood(
            f"a pipe has at most {MOST} stages",
            line=discreet(vocabulary, line),
            caret=parts[MOST][0],
            length=1,
            suggestion="say it in fewer stages",
        )
    read: list[Parsed] = []
    for number, (start, part) in enumerate(parts):
        try:
            read.append(_stage(vocabulary, part, scope, piped=number > 0))
            _check_place(read[-1], part, first=number == 0, last=number == len(parts) - 1)
        except NotUnderstood as error:
            _point_into(error, shown := discreet(vocabulary, line), start, start + len(part), safe=shown == line)
            raise
    return tuple(read)


def _stage(vocabulary: Vocabulary, part: str, scope: Scope, *, piped: bool) -> Parsed:
    if not part:
        raise NotUnderstood("a stage of this pipe is empty", line=part, suggestion="leave out the |")
    return vocabulary.parse(part, scope, piped=piped)


def _point_into(error: NotUnderstood, line: str, start: int, end: int, *, safe: bool) -> None:
    """What is wrong with a stage, as what is wrong with the line in which it stands. ``safe``: no secret stands there."""
    error.line, error.caret = line, start + error.caret
    if error.corrected:
        error.corrected = line[:start] + error.corrected + line[end:] if safe else ""


def discreet(vocabulary: Vocabulary, line: str) -> str:
    """A normalised line with each character of a secret hidden, in whichever stage it stands."""
    hidden = line
    for start, part in _parts(vocabulary, line):
        hidden = hidden[:start] + vocabulary.discreet(part) + hidden[start + len(part) :]
    return hidden


def _parts(vocabulary: Vocabulary, line: str) -> Iterator[tuple[int, str]]:
    """Each stage of a normalised line, and where it starts."""
    if takes_all(vocabulary, line):
        yield 0, line
        return
    at = 0
    for part in stages(line):
        start = line.index(part, at) if part else at
        yield start, part
        at = line.find(PIPE, start + len(part)) + 1


def stage_at(text: str, cursor: int) -> int:
    """Where the stage starts that the cursor is in, in a line as typed."""
    typed = text[:cursor]
    *before, here = stages(typed)
    if not before:
        return 0
    return len(typed.rstrip(" ")) - len(here) if here else len(typed)


def takes_all(vocabulary: Vocabulary, line: str) -> bool:
    """Whether a line is about a line or holds words for people, as in ``can I LINE``: a pipe in it is part of those."""
    found = vocabulary.find([word.rstrip("!?") for word in line.split(None, 8)[:8]])
    return found is not None and found[0].bot == HOUSE and any(place.kind is Kind.REST for place in found[0].positionals)


def _check_place(parsed: Parsed, part: str, *, first: bool, last: bool) -> None:
    command = parsed.command
    if command.effect != READ and not last:
        reason, hint = f"{command.name} changes something, so it can only stand last in a pipe", f"… | {command.usage}"
        raise NotUnderstood(reason, line=part, length=max(1, len(part)), suggestion=hint, usage=command.usage)
    if not first and any(_is_given(parsed.request, secret.name) for secret in command.secrets):
        reason, hint = "a secret can only stand in the first stage of a pipe", "run it by itself, or first"
        raise NotUnderstood(reason, line=part, length=max(1, len(part)), suggestion=hint)


def _is_given(request: Message, field: str) -> bool:
    return any(given.name == field for given, _ in request.ListFields())


def table_of(command: Command | None, result: bytes, reply: chat.Reply) -> chat.Table | None:
    """The table that a stage hands on: the response's own, if its contract has one, else the first that people see."""
    field = None
    if command is not None:
        fields = command.response_type.DESCRIPTOR.fields
        field = next((one for one in fields if one.message_type and one.message_type.full_name == TABLE), None)
    if command is None or field is None:
        return next((block.table for block in reply.blocks if block.HasField("table")), None)
    try:
        response = command.response_type.FromString(result)
    except DecodeError:
        return None
    if field.is_repeated or not response.HasField(field.name):
        return None
    return chat.Table.FromString(getattr(response, field.name).SerializeToString())  # it may be of another pool
