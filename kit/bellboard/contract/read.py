"""From descriptors to commands. What is wrong is noted, not raised: an author wants to hear of everything at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import ONCE, READ, Argument, Command, Kind, Step
from bellboard.grammar.errors import BadValue
from bellboard.grammar.values import Nowhere, put, read

Note = Callable[[str], None]
"""Takes what is wrong, in a sentence."""

DURATION = "google.protobuf.Duration"
BLOB = "bellboard.api.chat.v1.BlobRef"
RANGE = "bellboard.api.chat.v1.TimeRange"
TABLE = "bellboard.api.chat.v1.Table"
DEFAULT_DEADLINE = 60.0

_MESSAGE = FieldDescriptor.TYPE_MESSAGE
_SHAPES = {
    DURATION: {"seconds": FieldDescriptor.TYPE_INT64, "nanos": FieldDescriptor.TYPE_INT32},
    BLOB: {"owner": FieldDescriptor.TYPE_STRING, "sha256": FieldDescriptor.TYPE_STRING, "size": FieldDescriptor.TYPE_UINT64},
    RANGE: {"last": _MESSAGE, "between": _MESSAGE, "around": FieldDescriptor.TYPE_STRING, "since": FieldDescriptor.TYPE_STRING},
    TABLE: {"title": FieldDescriptor.TYPE_STRING},
}
_TYPES = {DURATION: Kind.DURATION, BLOB: Kind.PICTURE, RANGE: Kind.RANGE, TABLE: Kind.TABLE}
_LANES = {options.LANE_UNSPECIFIED: "ops", options.LANE_OPS: "ops", options.LANE_PLAY: "play"}
_KINDS = {
    options.ARGUMENT_KIND_REST: Kind.REST,
    options.ARGUMENT_KIND_PERSON: Kind.PERSON,
    options.ARGUMENT_KIND_ROOM: Kind.ROOM,
}


# Options are read again with the types that this process knows: descriptors of another pool do not know the extensions.
def bot_options(service: ServiceDescriptor) -> options.BotOptions:
    return descriptor_pb2.ServiceOptions.FromString(service.GetOptions().SerializeToString()).Extensions[options.bot]


def method_options(method: MethodDescriptor) -> descriptor_pb2.MethodOptions:
    return descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())


def about(name: str, note: Note) -> Note:
    """Notes what is wrong with one method."""
    return lambda text: note(f"{name}: {text}")


def commands_of(service: ServiceDescriptor, note: Note) -> tuple[Command, ...]:
    """Every command of a service."""
    bot = bot_options(service)
    known = [(method, method_options(method)) for method in service.methods]
    told = [(method, said.Extensions[options.command]) for method, said in known if said.HasExtension(options.command)]
    phrases = [p for _, said in told for p in (_words(said.phrase), *map(_words, said.aliases))]
    return tuple(_command(bot, method, said, phrases, about(method.name, note)) for method, said in told)


def _words(phrase: str) -> tuple[str, ...]:
    return tuple(phrase.split())


def _command(
    bot: options.BotOptions,
    method: MethodDescriptor,
    said: options.CommandOptions,
    phrases: Sequence[tuple[str, ...]],
    note: Note,
) -> Command:
    typed = (field for field in method.input_type.fields if field.name != said.hook)
    arguments = tuple(_argument(field, note) for field in typed)
    request_type = GetMessageClass(method.input_type)
    blank = request_type()
    for argument in arguments:
        if argument.default:
            try:
                put(blank, argument, read(argument, argument.default, Nowhere()))
            except (BadValue, ValueError, TypeError) as error:
                note(f"the default of {argument.name} is none: {error}")
    effect = said.effect or ONCE
    ours = (_words(said.phrase), *map(_words, said.aliases))
    return Command(
        bot=bot.name,
        phrase=ours[0],
        aliases=ours[1:],
        method=method.name,
        summary=said.summary,
        effect=effect,
        lane=f"{_LANES.get(bot.lane, 'ops')}-{'read' if effect == READ else 'work'}",
        deadline=said.deadline.seconds + said.deadline.nanos / 1e9 if said.HasField("deadline") else DEFAULT_DEADLINE,
        dry_run=said.dry_run,
        cancellable=said.cancellable,
        steps=tuple(Step(step.name, step.effect or ONCE) for step in said.steps),
        exclusive=tuple(said.exclusive),
        probe=said.probe,
        examples=tuple(said.examples),
        arguments=arguments,
        request_type=request_type,
        response_type=GetMessageClass(method.output_type),
        streaming=method.server_streaming,
        blank=blank.SerializeToString(deterministic=True),
        force=said.force,
        triggers=tuple(method_options(method).Extensions[options.trigger]),
        every=said.every.seconds + said.every.nanos / 1e9,
        internal=said.internal,
        hook=said.hook,
        continues=frozenset(p[len(o)].lower() for o in ours for p in phrases if len(p) > len(o) and p[: len(o)] == o),
    )


def _argument(field: FieldDescriptor, note: Note) -> Argument:
    said = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString()).Extensions[options.arg]
    kind = _kind(field, said.kind, note)
    optional = said.HasField("default") or field.is_repeated or (field.has_presence and field.message_type is None)
    return Argument(
        name=field.name,
        field=field,
        kind=kind,
        flag=said.flag or field.name.replace("_", "-"),
        position=said.position,
        word=said.word,
        repeated=field.is_repeated,
        required=said.required or bool(said.position and not optional and kind is not Kind.PICTURE),
        default=said.default,
        secret=said.secret,
        min=said.min if said.HasField("min") else None,
        max=said.max if said.HasField("max") else None,
        help=said.help,
        suggestions=tuple(said.suggestions),
        short=said.short,
        numbers=_numbers(field.enum_type) if kind is Kind.ENUM and field.enum_type else {},
    )


def _kind(field: FieldDescriptor, said: options.ArgumentKind.ValueType, note: Note) -> Kind:
    """What kind of argument a field is; one that can't be typed counts as a word."""
    kind = Kind.WORD
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_STRING:
            return _KINDS.get(said, Kind.WORD)
        case FieldDescriptor.CPPTYPE_BOOL:
            kind = Kind.SWITCH
        case FieldDescriptor.CPPTYPE_ENUM:
            kind = Kind.ENUM
        case FieldDescriptor.CPPTYPE_MESSAGE if found := next((name for name in _TYPES if _is(field, name)), ""):
            kind = _TYPES[found]
            if kind is Kind.RANGE and said == options.ARGUMENT_KIND_AHEAD:
                return Kind.AHEAD
        case FieldDescriptor.CPPTYPE_MESSAGE | FieldDescriptor.CPPTYPE_STRING:
            note(f"{field.name} is of a type that can't be typed in chat")
        case _:
            kind = Kind.NUMBER
    if said != options.ARGUMENT_KIND_UNSPECIFIED:
        note(f"{field.name} has a kind that its type can't have")
    return kind


def _is(field: FieldDescriptor, name: str) -> bool:
    """Whether a field is of a message type, and that type is what it is here: its pool is the bot's own."""
    kind = field.message_type
    return (
        kind is not None
        and kind.full_name == name
        and all(
            (has := kind.fields_by_name.get(part)) is not None and has.type == type_ and not has.is_repeated
            for part, type_ in _SHAPES[name].items()
        )
    )


def _numbers(enum: EnumDescriptor) -> dict[str, int]:
    """An enum's words, without the zero that means "not said"."""
    prefix = "".join("_" + c if c.isupper() else c.upper() for c in enum.name).lstrip("_").upper() + "_"
    words: dict[str, int] = {}
    for value in enum.values:
        said = descriptor_pb2.EnumValueOptions.FromString(value.GetOptions().SerializeToString()).Extensions[options.word]
        if value.number:
            words[said or value.name.removeprefix(prefix).lower().replace("_", "-")] = value.number
    return words
