"""What a trigger must keep to: it is matched by the gateway in the talk of others, so its shapes are few and plain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Command, Kind

from .read import Note, about
from .rules import check_help, is_name

SUFFIX = re.compile(r"[^\w\s@.]{1,8}")
"""It ends a person's name, so nothing in it may be part of one."""

NUMBERED = re.compile(r"([A-Z][A-Z0-9]{1,9}-)?")
NAMED = re.compile(r"[a-z][a-z0-9-]{0,30}")
MAX_LINES = 100

_FILLED: dict[str, tuple[Kind, ...]] = {
    "person_suffix": (Kind.PERSON, Kind.WORD),
    "numbered_id": (Kind.WORD, Kind.REST),
    "name_prefix": (Kind.WORD, Kind.REST),
    "pasted_error": (Kind.REST,),
    "own_id": (Kind.WORD, Kind.REST),
}


def check_triggers(commands: Iterable[Command], note: Note) -> None:
    """The triggers of a bot's commands."""
    every = [(command, trigger) for command in commands for trigger in command.triggers]
    for name, count in Counter(trigger.name for _, trigger in every).items():
        if name and count > 1:
            note(f"the trigger “{name[:40]}” is there twice")
    for command, trigger in every:
        _check(command, trigger, about(command.method, note))


def _check(command: Command, trigger: options.TriggerOptions, note: Note) -> None:
    if not trigger.name or not is_name(trigger.name):
        note(f"the trigger's name “{trigger.name[:40]}” is not lower case letters, digits and dashes")
    check_help(f"the help of the trigger {trigger.name[:40]}", trigger.help, note)
    shape = trigger.WhichOneof("shape")
    if shape is None:
        note("a trigger has no shape")
    if shape == "unasked":
        if trigger.field:
            note("a trigger of what is unasked fills no field")
        return
    filled = next((argument for argument in command.arguments if argument.name == trigger.field), None)
    if filled is None:
        note(f"a trigger fills {trigger.field or 'no field'}, which is no argument")
    elif filled.repeated or filled.secret or filled.kind not in _FILLED.get(shape or "", (filled.kind,)):
        note(f"a trigger can't fill {trigger.field}")
    for other in command.arguments:
        if other is not filled and other.required:
            note(f"a trigger leaves {other.name} open, which must be given")
    _check_shape(trigger, note)


def _check_shape(trigger: options.TriggerOptions, note: Note) -> None:
    match trigger.WhichOneof("shape"):
        case "person_suffix" if not SUFFIX.fullmatch(trigger.person_suffix.suffix):
            note("a trigger's suffix is not 1 to 8 signs that no name holds")
        case "numbered_id" if not NUMBERED.fullmatch(trigger.numbered_id.prefix):
            note("a trigger's prefix is not capitals and digits with a dash behind them, such as OPS-")
        case "name_prefix" if not NAMED.fullmatch(trigger.name_prefix.prefix):
            note("a trigger's prefix is not small letters, digits and dashes, such as oncall-")
        case "pasted_error" if trigger.pasted_error.min_lines > MAX_LINES:
            note(f"a trigger wants more than {MAX_LINES} lines")
