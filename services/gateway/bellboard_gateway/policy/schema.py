"""What rules can speak of: a Cedar schema made from a contract, and a request in its terms."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message import Message

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Argument, Command, Kind

OPEN_READ = "open-read"
"""The action group of READ commands of bots that are enrolled as open."""

_INTEGERS = frozenset({F.CPPTYPE_INT32, F.CPPTYPE_INT64, F.CPPTYPE_UINT32, F.CPPTYPE_UINT64})
_FRACTIONS = frozenset({F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE})
_STRING, _LONG, _BOOLEAN = {"type": "String"}, {"type": "Long"}, {"type": "Boolean"}
_DECIMAL = {"type": "Extension", "name": "decimal"}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PICTURE = {"type": "Record", "attributes": {"media_type": _STRING, "size": _LONG}}


class Admissible(Protocol):
    """What policy needs to know of a contract."""

    @property
    def bot(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def commands(self) -> tuple[Command, ...]: ...


def effect_name(effect: options.Effect.ValueType) -> str:
    return options.Effect.Name(effect).removeprefix("EFFECT_")


def groups_of(command: Command, *, is_open: bool) -> list[str]:
    """The action groups that a command belongs to."""
    groups = [f"bot:{command.bot}", f"effect:{effect_name(command.effect)}"]
    return [*groups, OPEN_READ] if is_open and command.effect == options.EFFECT_READ else groups


def schema(contract: Admissible, *, is_open: bool, mentioned: Iterable[str]) -> str:
    """The Cedar schema in which rules about a contract's commands must hold, as JSON.

    ``mentioned`` are actions of other bots that rules speak of; they are declared, and apply to nothing.
    """
    actions: dict[str, Any] = {name: {} for name in mentioned}
    for command in contract.commands:
        groups = groups_of(command, is_open=is_open)
        actions |= {group: {} for group in groups}
    for command in contract.commands:
        actions[command.action] = {
            "memberOf": [{"id": group} for group in groups_of(command, is_open=is_open)],
            "appliesTo": {"principalTypes": ["Person", "Bot"], "resourceTypes": ["Room"], "context": _context_type(command)},
        }
    entities = {"Person": {"memberOfTypes": ["Group"]}, "Bot": {"memberOfTypes": ["Group"]}, "Group": {}, "Room": {}}
    return json.dumps({"": {"entityTypes": entities, "actions": actions}})


def _context_type(command: Command) -> dict[str, Any]:
    arguments = {a.name: attribute for a in command.arguments if (attribute := _attribute(a))}
    attributes: dict[str, Any] = {
        "args": {"type": "Record", "attributes": arguments},
        "preview": _BOOLEAN,
        "rehearsal": _BOOLEAN,
        "force": _BOOLEAN,
        "own": _BOOLEAN,
        "lane": _STRING,
        "hour": _LONG,
        "weekday": _STRING,
        "cause": _STRING,
    }
    return {"type": "Record", "attributes": attributes}


def _attribute(argument: Argument) -> dict[str, Any] | None:
    """The Cedar type of an argument; None for secrets, and for what rules can't speak of."""
    kind = _type(argument)
    if argument.secret or kind is None:
        return None
    if argument.repeated:
        return {"type": "Set", "element": kind}
    return {**kind, "required": not argument.field.has_presence}


def _type(argument: Argument) -> dict[str, Any] | None:
    field = argument.field
    if argument.kind is Kind.DURATION:
        return _LONG
    if argument.kind is Kind.PICTURE:
        return _PICTURE
    if field.cpp_type == F.CPPTYPE_BOOL:
        return _BOOLEAN
    if field.cpp_type in _INTEGERS:
        return _LONG
    if field.cpp_type in _FRACTIONS:
        return _DECIMAL
    if field.cpp_type == F.CPPTYPE_ENUM or field.type == F.TYPE_STRING:
        return _STRING
    return None


def has_fractions(command: Command) -> bool:
    """Whether an argument may hold what is no finite number."""
    return any(argument.field.cpp_type in _FRACTIONS for argument in command.arguments)


def context(
    command: Command,
    request: Message,
    *,
    preview: bool,
    rehearsal: bool,
    force: bool,
    own: bool,
    cause: pb.Cause.ValueType,
    now: datetime,
) -> dict[str, Any]:
    """A request as rules see it. Durations are whole seconds, rounded up; fractions have four digits.

    ``own``: a bot asks it of itself.

    Raises:
        ValueError: a value can't be told to Cedar.
    """
    return {
        "args": arguments(command, request),
        "preview": preview,
        "rehearsal": rehearsal,
        "force": force,
        "own": own,
        "lane": command.lane,
        "hour": now.hour,
        "weekday": _WEEKDAYS[now.weekday()],
        "cause": pb.Cause.Name(cause).removeprefix("CAUSE_"),
    }


def arguments(command: Command, request: Message) -> dict[str, Any]:
    """The typed fields of a request, without secrets. What was left out and has no default is absent."""
    told: dict[str, Any] = {}
    for argument in command.arguments:
        if _attribute(argument) is None:
            continue
        value = getattr(request, argument.name)
        if argument.repeated:
            told[argument.name] = [_value(argument, item) for item in value]
        elif not argument.field.has_presence or request.HasField(argument.name):
            told[argument.name] = _value(argument, value)
    return told


def _value(argument: Argument, value: Any) -> Any:
    if argument.kind is Kind.DURATION:
        return value.seconds + (value.nanos > 0)
    if argument.kind is Kind.PICTURE:
        return {"media_type": value.media_type, "size": value.size}
    if argument.kind is Kind.ENUM:
        return argument.words.get(value, "")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{argument.name} is no finite number")
        return {"__extn": {"fn": "decimal", "arg": f"{value:.4f}"}}
    return value
