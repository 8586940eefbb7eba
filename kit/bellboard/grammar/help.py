"""What can be typed, told from the contracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.command import IDEMPOTENT, READ, Argument, Command, Kind

from .characters import clean
from .suggest import nearest
from .values import kind_name

if TYPE_CHECKING:
    from .vocabulary import Vocabulary

_EFFECTS = {READ: "It only reads.", IDEMPOTENT: "Running it again changes nothing more."}
_ONCE = "It is never run twice."


def help_blocks(vocabulary: Vocabulary, about: str, allowed: Callable[[Command], bool]) -> chat.Reply:
    """Help on a command, on a bot or a first word, or on everything; only what ``allowed`` lets through."""
    words = about.lower().strip(" ?!").split()[:8]
    commands = [command for command in vocabulary.commands if not command.internal and allowed(command)]
    if not words:
        return _reply(
            _table("What can be typed here", commands), _text("help COMMAND tells more; ? at the end of a line previews.")
        )
    found = vocabulary.find(words)
    if found is not None and found[1] == len(words) and found[0] in commands:
        return _one(found[0], [c for c in commands if c is not found[0] and c.phrase[: len(words)] == found[0].phrase])
    name = clean(" ".join(words))
    some = [c for c in commands if c.bot == name or [w.lower() for w in c.phrase[: len(words)]] == words]
    if some:
        return _reply(_table(name, some))
    near = nearest(name, {c.name: None for c in commands} | {c.bot: None for c in commands})
    hint = f"did you mean “help {near}”?" if near else "“help” lists what can be typed here"
    return _reply(chat.Block(failure=chat.Failure(text=f"there is no command “{name[:60]}”", hint=hint, code="not_understood")))


def _one(command: Command, longer: Sequence[Command]) -> chat.Reply:
    blocks = [_text(_sentence(command.summary)), chat.Block(code=chat.Code(text=command.usage))]
    if command.arguments:
        blocks.append(_arguments(command))
    if command.examples:
        blocks.append(chat.Block(code=chat.Code(text="\n".join(command.examples))))
    notes = [_EFFECTS.get(command.effect, _ONCE)]
    if command.dry_run:
        notes.append("“?” at the end shows what it would do.")
    if command.table:
        notes.append("It takes a table from a pipe: … | " + command.name + ".")
    if command.force:
        notes.append("“!” behind its name forces it, and wants a reason.")
    if command.steps:
        notes.append("Steps: " + ", ".join(step.name for step in command.steps) + ".")
    if command.aliases:
        notes.append("Also: " + ", ".join(" ".join(alias) for alias in command.aliases) + ".")
    blocks.append(_text(" ".join(notes)))
    if longer:
        blocks.append(_table("See also", longer))
    return _reply(*blocks)


def _arguments(command: Command) -> chat.Block:
    table = chat.Table(title="Arguments", columns=[chat.Column(name=name) for name in ("argument", "what it is", "without it")])
    for argument in command.arguments:
        if argument.kind is Kind.TABLE:
            continue
        left_out = "must be given" if argument.required else argument.default
        what = argument.help
        if argument.kind is Kind.ENUM or not what:
            what = f"{what}: {kind_name(argument)}" if what else kind_name(argument)
        form = f"{argument.form} or -{argument.short}" if argument.short else argument.form
        table.rows.append(_row(form, what + _bounds(argument), left_out))
    return chat.Block(table=table)


def _bounds(argument: Argument) -> str:
    limits = [
        f"{word} {value:g}" for word, value in (("at least", argument.min), ("at most", argument.max)) if value is not None
    ]
    return f" ({', '.join(limits)})" if limits and argument.kind is Kind.NUMBER else ""


def _table(title: str, commands: Sequence[Command]) -> chat.Block:
    table = chat.Table(title=title, columns=[chat.Column(name="command"), chat.Column(name="what it does")])
    table.rows.extend(_row(command.usage, command.summary) for command in sorted(commands, key=lambda c: c.name))
    return chat.Block(table=table)


def _row(*cells: str) -> chat.Row:
    return chat.Row(cells=[chat.Cell(text=cell) if cell else chat.Cell() for cell in cells])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _text(text: str) -> chat.Block:
    return chat.Block(text=chat.Text(text=text))


def _reply(*blocks: chat.Block) -> chat.Reply:
    return chat.Reply(blocks=blocks)
