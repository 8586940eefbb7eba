"""Loki's push in the form that its own shippers send: protobuf, packed by Snappy."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

_MESSAGES = {
    "Time": (("seconds", "int64"), ("nanos", "int32")),
    "Pair": (("name", "string"), ("value", "string")),
    "Entry": (("at", "Time"), ("line", "bytes"), ("labels", "*Pair")),
    "Stream": (("labels", "string"), ("entries", "*Entry")),
    "Push": (("streams", "*Stream"),),
}
"""The fields of each, numbered from 1 on as Loki numbers them; ``*``: any number of them. Others are passed over."""

_LABEL = re.compile(r'\s*([a-zA-Z_][\w.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\nt])')


def read_push(data: bytes, largest: int) -> dict[str, Any]:
    """A packed push, in the form that a push in JSON has.

    Raises:
        ValueError: it is none, or larger than ``largest`` once it is unpacked.
    """
    push = kinds()["Push"]()
    try:
        push.ParseFromString(unpack(data, largest))
    except DecodeError as error:
        raise ValueError("this is no push") from error
    return {
        "streams": [{"stream": labels(one.labels), "values": [_value(entry) for entry in one.entries]} for one in push.streams]
    }


def _value(entry: Any) -> tuple[int, str, dict[str, str]]:
    at = entry.at.seconds * 10**9 + entry.at.nanos
    return at, entry.line.decode("utf-8", "replace"), {pair.name: pair.value for pair in entry.labels}


def labels(text: str) -> dict[str, str]:
    """The labels of a stream, as Prometheus writes them: ``{app="shop", env="prod"}``.

    Raises:
        ValueError: these are none.
    """
    inner = text.strip()
    if not inner.startswith("{") or not inner.endswith("}"):
        raise ValueError("these are no labels")
    inner, found, at = inner[1:-1].strip(), {}, 0
    while at < len(inner):
        label = _LABEL.match(inner, at)
        if label is None:
            raise ValueError("these are no labels")
        found[label[1]] = _ESCAPED.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), label[2])
        at = label.end()
    return found


@cache
def kinds() -> dict[str, type[Any]]:
    """The messages by name."""
    file = FileDescriptorProto(name="push.proto", syntax="proto3")
    for name, fields in _MESSAGES.items():
        file.message_type.append(DescriptorProto(name=name, field=[_field(n, *one) for n, one in enumerate(fields, 1)]))
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(name)) for name in _MESSAGES}


def _field(number: int, name: str, kind: str) -> FieldDescriptorProto:
    many = FieldDescriptorProto.LABEL_REPEATED if kind.startswith("*") else FieldDescriptorProto.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    field = FieldDescriptorProto(name=name, number=number, label=many)
    if kind in _MESSAGES:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    return field


def unpack(data: bytes, largest: int) -> bytes:
    """What was packed by Snappy, in its form without frames.

    Raises:
        ValueError: it is no such thing, or larger than ``largest``.
    """
    try:
        size, at = _length(data)
        if size > largest:
            raise ValueError("it is too large")
        out = bytearray()
        while at < len(data) and len(out) <= size:
            at = _element(data, at, out)
    except IndexError as error:
        raise ValueError("it was cut off") from error
    if len(out) != size:
        raise ValueError("it is not as long as it says")
    return bytes(out)


def _length(data: bytes) -> tuple[int, int]:
    size = shift = at = 0
    while True:
        size |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return size, at
        shift += 7
        if shift > 28:
            raise ValueError("it is too large")


def _element(data: bytes, at: int, out: bytearray) -> int:
    """Read one element, bytes or the place of bytes that were there before; where the next one is."""
    tag, kind = data[at] >> 2, data[at] & 3
    at += 1
    if kind == 0:
        more = max(0, tag - 59)
        length = 1 + (int.from_bytes(data[at : at + more], "little") if more else tag)
        at += more
        if at + length > len(data):
            raise IndexError
        out += data[at : at + length]
        return at + length
    width = (0, 1, 2, 4)[kind]
    if at + width > len(data):
        raise IndexError
    back = int.from_bytes(data[at : at + width], "little")
    length = tag + 1
    if kind == 1:
        back, length = (tag >> 3) << 8 | back, (tag & 7) + 4
    if not 0 < back <= len(out):
        raise ValueError("it points before its beginning")
    piece = bytes(out[len(out) - back : len(out) - back + length])
    out += (piece * (length // len(piece) + 1))[:length]
    return at + width
