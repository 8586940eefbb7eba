"""Contracts made on the spot, so that each test shows the one thing it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.contract import Contract
from bellboard.contract.files import digest_of

TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "sint64": FieldDescriptorProto.TYPE_SINT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}
DURATION = ".google.protobuf.Duration"
PICTURE = ".bellboard.api.chat.v1.BlobRef"
COLOUR = ".toy.v1.Colour"


@dataclass
class Field:
    """A request field: its type is a scalar's name or a full type name; ``said`` are its options."""

    name: str
    type: str = "string"
    repeated: bool = False
    optional: bool = False
    said: dict[str, Any] = field(default_factory=dict)

    def proto(self, number: int, message: DescriptorProto) -> FieldDescriptorProto:
        made = FieldDescriptorProto(name=self.name, number=number)
        made.label = FieldDescriptorProto.LABEL_REPEATED if self.repeated else FieldDescriptorProto.LABEL_OPTIONAL
        if self.type in TYPES:
            made.type = TYPES[self.type]
        else:
            made.type = FieldDescriptorProto.TYPE_ENUM if self.type == COLOUR else FieldDescriptorProto.TYPE_MESSAGE
            made.type_name = self.type
        if self.optional:
            made.proto3_optional, made.oneof_index = True, len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{self.name}")
        made.options.Extensions[options.arg].CopyFrom(options.ArgumentOptions(**self.said))
        return made


@dataclass
class Method:
    """A method, and the options that make it a command (none: it is none)."""

    name: str
    fields: Sequence[Field] = ()
    said: dict[str, Any] | None = field(default_factory=dict)
    reply: bool = True
    client_streaming: bool = False


def arg(name: str, type: str = "string", *, repeated: bool = False, optional: bool = False, **said: Any) -> Field:
    """A request field; ``said`` is what its options say."""
    return Field(name, type, repeated, optional, said)


def command(phrase: str = "toy", *fields: Field, method: str = "Play", **said: Any) -> Method:
    """A command; ``said`` is what its options say."""
    return Method(method, fields, {"phrase": phrase, "summary": "play with it", "effect": options.EFFECT_READ} | said)


def announce(*methods: Method, bot: str = "toy", summary: str = "A toy", lane: int = 0) -> registry.Announcement:
    """What a bot with these methods would announce."""
    file = FileDescriptorProto(name="toy/v1/toy.proto", package="toy.v1", syntax="proto3")
    file.dependency.extend(["bellboard/api/chat/v1/chat.proto", "bellboard/api/options/v1/options.proto"])
    file.dependency.append("google/protobuf/duration.proto")
    colour = file.enum_type.add(name="Colour")
    for number, name in enumerate(["COLOUR_UNSPECIFIED", "COLOUR_RED", "COLOUR_DEEP_BLUE", "COLOUR_GREEN"]):
        colour.value.add(name=name, number=number)
    colour.value[3].options.Extensions[options.word] = "leaf.green"
    service = file.service.add(name="ToyService")
    service.options.Extensions[options.bot].CopyFrom(options.BotOptions(name=bot, summary=summary, lane=lane))  # type: ignore[arg-type]
    for method in methods:
        request, response = (
            file.message_type.add(name=f"{method.name}Request"),
            file.message_type.add(name=f"{method.name}Response"),
        )
        for number, asked in enumerate(method.fields, 1):
            request.field.append(asked.proto(number, request))
        if method.reply:
            response.field.append(Field("reply", ".bellboard.api.chat.v1.Reply").proto(1, response))
        made = service.method.add(
            name=method.name, input_type=f".toy.v1.{request.name}", output_type=f".toy.v1.{response.name}"
        )
        made.client_streaming = method.client_streaming
        if method.said is not None:
            made.options.Extensions[options.command].CopyFrom(options.CommandOptions(**method.said))
    files = FileDescriptorSet(file=[*_needed(), file])
    return registry.Announcement(bot=bot, files=files, service="toy.v1.ToyService", version="1", digest=digest_of(files))


def contract(*methods: Method, bot: str = "toy", lane: int = 0) -> Contract:
    """The contract of a bot with these methods."""
    return Contract.from_announcement(announce(*methods, bot=bot, lane=lane))


def _needed() -> list[FileDescriptorProto]:
    found: dict[str, FileDescriptorProto] = {}

    def visit(file: Any) -> None:
        for needed in file.dependencies:
            visit(needed)
        found.setdefault(file.name, FileDescriptorProto.FromString(file.serialized_pb))

    visit(chat.DESCRIPTOR)
    visit(options.DESCRIPTOR)
    return list(found.values())


class Room:
    """A scope with two people, two rooms and one picture."""

    blob = chat.BlobRef(owner="gw", sha256="ab" * 32, media_type="image/png", size=7, name="cat.png")

    def __init__(self, *, uploaded: bool = False) -> None:
        self.uploaded = uploaded

    def people(self) -> list[str]:
        return ["ann", "bob"]

    def rooms(self) -> list[str]:
        return ["ops", "play"]

    def person(self, word: str) -> str | None:
        return word if word in self.people() else None

    def room(self, word: str) -> str | None:
        return word if word in self.rooms() else None

    def picture(self, word: str = "") -> chat.BlobRef | None:
        known = {"last": True, self.blob.sha256[:16]: True, "": self.uploaded}
        return self.blob if known.get(word, False) else None

    def now(self) -> datetime:
        """A Sunday at noon, in Berlin."""
        return datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
