"""What a contract must keep to. Each rule notes what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import ONCE, READ, Argument, Command, Kind

from .read import Note, bot_options, method_options

REPLY = "bellboard.api.chat.v1.Reply"
HOOK_BATCH = "bellboard.api.hooks.v1.HookBatch"
RESERVED_FLAGS = frozenset({"dry-run", "sandbox", "around", "help"})
MAX_LINE_OF_HELP = 100
MAX_COMMANDS = 64
MAX_ARGUMENTS = 32
MAX_PHRASE = 5
MAX_DEADLINE = 24 * 3600.0
MOST_OFTEN = 10.0
_BOUNDED = {Kind.NUMBER, Kind.WORD, Kind.REST}
_NAMED_BY_SCOPE = {Kind.PERSON, Kind.ROOM, Kind.PICTURE}
_EXCLUSIVE = {Kind.WORD, Kind.NUMBER, Kind.ENUM, Kind.PERSON, Kind.ROOM, Kind.SWITCH}


def is_name(text: str, longest: int = 32) -> bool:
    """Lower case letters, digits and dashes, a letter first."""
    plain = text.replace("-", "")
    return text.isascii() and plain.isalnum() and text == text.lower() and text[0].isalpha() and len(text) <= longest


def check_service(service: ServiceDescriptor, commands: tuple[Command, ...], note: Note) -> None:
    """Names, phrases and methods."""
    bot = bot_options(service)
    if not is_name(bot.name):
        note(f"the bot's name “{bot.name[:40]}” is not lower case letters, digits and dashes")
    check_help("the bot's summary", bot.summary, note)
    if not 0 < len(commands) <= MAX_COMMANDS:
        note(f"there are {len(commands)} commands, not between 1 and {MAX_COMMANDS}")
    spoken = [" ".join(phrase).lower() for command in commands for phrase in (command.phrase, *command.aliases)]
    for phrase in _twice(spoken):
        note(f"the phrase “{phrase}” is there twice")
    probes = {command.probe for command in commands}
    for method in service.methods:
        if not method_options(method).HasExtension(options.command) and method.name not in probes:
            note(f"{method.name}: it is neither a command nor the probe of one")


def check_command(service: ServiceDescriptor, command: Command, note: Note) -> None:
    """All that is said of one command."""
    method = service.methods_by_name[command.method]
    _check_phrases(command, note)
    check_help("the summary", command.summary, note)
    if not 0 < command.deadline <= MAX_DEADLINE:
        note("the deadline is not between 0 and 24 h")
    if command.dry_run and command.effect == READ:
        note("dry_run: a command that only reads has nothing to preview")
    if method.client_streaming:
        note("a command takes one request, not a stream")
    if not _has(method.output_type.fields_by_name.get("reply"), REPLY):
        note(f"{method.output_type.name} has no field “reply” of type {REPLY}")
    if len(command.arguments) > MAX_ARGUMENTS:
        note(f"there are more than {MAX_ARGUMENTS} arguments")
    _check_steps(command, note)
    _check_exclusive(command, note)
    _check_probe(service, command, method, note)
    _check_force(command, note)
    _check_unasked(command, note)
    _check_hook(command, method, note)
    for kind in (Kind.RANGE, Kind.TABLE):
        if sum(argument.kind is kind for argument in command.arguments) > 1:
            note(f"there is more than one {kind.value}")
    for argument in command.arguments:
        _check_argument(argument, note)
        if argument.word in command.continues:
            note(f"{argument.name} can't have the word “{argument.word}”: it makes the phrase another one")
    _check_places(command.positionals, note)
    for flag in _twice(argument.flag for argument in command.arguments):
        note(f"the flag --{flag} is there twice")
    for short in _twice(argument.short for argument in command.arguments if argument.short):
        note(f"the short flag -{short} is there twice")
    for word in _twice(argument.word for argument in command.arguments if argument.word):
        note(f"the small word “{word}” is there twice")


def _check_phrases(command: Command, note: Note) -> None:
    for phrase in (command.phrase, *command.aliases):
        if not 0 < len(phrase) <= MAX_PHRASE or not all(is_name(word.lower()) for word in phrase):
            note(f"the phrase “{' '.join(phrase)[:60]}” is not 1 to {MAX_PHRASE} words of letters, digits and dashes")


def check_help(what: str, text: str, note: Note, *, needed: bool = True) -> None:
    if (needed and not text) or len(text) > MAX_LINE_OF_HELP or not text.isprintable():
        note(f"{what} is not one line of at most {MAX_LINE_OF_HELP} characters")


def _check_steps(command: Command, note: Note) -> None:
    if command.steps and command.effect == READ:
        note("a command that only reads has no steps")
    for name in _twice(step.name for step in command.steps):
        note(f"the step “{name}” is there twice")
    for step in command.steps:
        if not is_name(step.name):
            note(f"the step's name “{step.name[:40]}” is not lower case letters, digits and dashes")
        if step.effect == READ:
            note(f"the step “{step.name}” is neither IDEMPOTENT nor ONCE")
        elif step.effect == ONCE != command.effect:
            note(f"the step “{step.name}” is ONCE, so the command must be")


def _check_exclusive(command: Command, note: Note) -> None:
    known = {argument.name: argument for argument in command.arguments}
    if command.exclusive and command.effect == READ:
        note("a command that only reads waits for nobody: it can't be exclusive")
    for name in command.exclusive:
        argument = known.get(name)
        if argument is None:
            note(f"exclusive: there is no field {name}")
        elif argument.kind not in _EXCLUSIVE or argument.repeated or argument.secret:
            note(f"exclusive: {name} is not a plain single value")


def _check_probe(service: ServiceDescriptor, command: Command, method: MethodDescriptor, note: Note) -> None:
    if not command.probe:
        return
    probe = service.methods_by_name.get(command.probe)
    if probe is None:
        note(f"the probe {command.probe} is no method")
        return
    if method_options(probe).HasExtension(options.command):
        note(f"the probe {command.probe} is itself a command")
    if not _has(probe.input_type.fields_by_name.get("lost"), method.input_type.full_name):
        note(f"{probe.input_type.name} has no field “lost” of type {method.input_type.name}")
    happened = probe.output_type.fields_by_name.get("happened")
    if happened is None or happened.type != FieldDescriptor.TYPE_BOOL or not happened.has_presence:
        note(f"{probe.output_type.name} has no “optional bool happened”")


def _check_force(command: Command, note: Note) -> None:
    if not command.force:
        return
    reason = next((argument for argument in command.arguments if argument.name == command.force), None)
    if reason is None or reason.field.type != FieldDescriptor.TYPE_STRING or reason.repeated or reason.secret or reason.default:
        note(f"force: {command.force[:40]} is not a plain text without default")


def _check_hook(command: Command, method: MethodDescriptor, note: Note) -> None:
    if command.hook and not _has(method.input_type.fields_by_name.get(command.hook), HOOK_BATCH):
        note(f"hook: {command.hook[:40]} is no field of type {HOOK_BATCH}")
    if command.hook and command.effect == ONCE:
        note("hook: what comes in at webhooks may be handed over again, so the command must not be ONCE")


def _check_unasked(command: Command, note: Note) -> None:
    if command.every and not MOST_OFTEN <= command.every <= MAX_DEADLINE:
        note(f"every: it is not between {MOST_OFTEN:g} s and 24 h")
    if command.every and (command.required or command.hook):
        note("every: what the gateway runs by itself can't need an argument")
    if command.hook and (command.required or not command.internal):
        note("hook: what takes in webhooks is internal, and needs no argument")


def _check_argument(argument: Argument, note: Note) -> None:
    name = argument.name
    if argument.position and argument.word:
        note(f"{name} has both a position and a word")
    if not is_name(argument.flag) or argument.flag in RESERVED_FLAGS:
        note(f"{name} can't have the flag --{argument.flag[:40]}")
    if argument.short and not (len(argument.short) == 1 and argument.short.isascii() and argument.short.isalpha()):
        note(f"{name} can't have the short flag -{argument.short[:40]}")
    if argument.word and not is_name(argument.word):
        note(f"{name} can't have the word “{argument.word[:40]}”")
    oneof = argument.field.containing_oneof
    if oneof is not None and oneof.name != f"_{name}":
        note(f"{name} is in a oneof, which can't be typed in chat")
    if argument.secret and (argument.field.type != FieldDescriptor.TYPE_STRING or argument.repeated):
        note(f"{name} is secret, but not a single string")
    if argument.secret and argument.short:
        note(f"{name} is secret, and a short flag would not be masked")
    if argument.secret and argument.default:
        note(f"{name} is secret, and has a default that everyone can read")
    if argument.repeated and argument.kind in {Kind.REST, Kind.SWITCH, Kind.PICTURE, Kind.RANGE, Kind.AHEAD, Kind.TABLE}:
        note(f"{name} can't be repeated")
    if argument.kind in _NAMED_BY_SCOPE and argument.default:
        note(f"{name} can't have a default: what it means depends on where it is typed")
    if argument.kind is Kind.TABLE and (argument.position or argument.word):
        note(f"{name} is a table, which can't be typed")
    if argument.required and argument.default:
        note(f"{name} must be given, and has a default")
    check_help(f"the help of {name}", argument.help, note, needed=False)
    _check_range(argument, note)
    if argument.kind is Kind.ENUM:
        _check_enum(argument, note)


def _check_range(argument: Argument, note: Note) -> None:
    low, high = argument.min, argument.max
    if low is None and high is None:
        return
    if argument.kind not in _BOUNDED and not argument.repeated:
        note(f"{argument.name} can't have bounds")
    if low is not None and high is not None and not low <= high:
        note(f"{argument.name} has a min above its max")


def _check_enum(argument: Argument, note: Note) -> None:
    if not argument.choices:
        note(f"{argument.name} has nothing to choose from")
    for word in argument.choices:
        if not word.isascii() or word != word.lower() or not word.replace("-", "").replace(".", "").isalnum():
            note(f"{argument.name}: “{word[:40]}” is not lower case letters, digits, dots and dashes")


def _check_places(positionals: tuple[Argument, ...], note: Note) -> None:
    if [argument.position for argument in positionals] != list(range(1, len(positionals) + 1)):
        note("the positions are not 1, 2, 3 … without a gap")
    for argument, following in pairwise(positionals):
        if argument.repeated or argument.kind is Kind.REST:
            note(f"{argument.name} takes all that is left, so nothing can stand behind it")
        if following.required and not argument.required:
            note(f"{following.name} must be given, but {argument.name} before it may be left out")


def _has(field: FieldDescriptor | None, type_name: str) -> bool:
    return (
        field is not None
        and not field.is_repeated
        and field.message_type is not None
        and field.message_type.full_name == type_name
    )


def _twice(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
