"""Typed text to values, and values back to text: one pair of functions for each kind of argument."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from google.protobuf.descriptor import FieldDescriptor

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.command import RANGES, Argument, Kind

from .durations import Span, read_duration, write_duration
from .errors import BadValue
from .ranges import Now, read_range, write_range
from .suggest import nearest

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Scope(Protocol):
    """What names mean where a line was typed.

    Each takes what was typed, without ``@`` or ``#``, or the id that stands in a canonical line.
    """

    def person(self, word: str) -> str | None:
        """The id of a person."""

    def room(self, word: str) -> str | None:
        """The id of a room."""

    def picture(self, word: str = "") -> chat.BlobRef | None:
        """A picture: "" is the one uploaded with the line, "last" that or else the room's last, else a ``picture_word``."""

    def now(self) -> datetime:
        """When the line was typed, in the zone of whoever typed it."""


class Nowhere:
    """A scope in which every name means itself and there is no picture."""

    def person(self, word: str) -> str | None:
        return word

    def room(self, word: str) -> str | None:
        return word

    def picture(self, word: str = "") -> chat.BlobRef | None:
        return None

    def now(self) -> datetime:
        return datetime.now(UTC)


def picture_word(blob: chat.BlobRef) -> str:
    """How a canonical line names a picture: the first 16 hex digits of its hash."""
    return str(blob.sha256[:16])


def read(argument: Argument, text: str, scope: Scope) -> Any:
    """The value that ``text`` stands for: str, int, float, bool, Span, BlobRef or TimeRange; an enum's is its number.

    Raises:
        BadValue: it stands for none, or breaks the argument's bounds.
    """
    return _READERS[argument.kind](argument, text, scope)


def put(request: Message, argument: Argument, value: Any) -> None:
    """Set a field, or add to a repeated one."""
    if argument.kind is Kind.DURATION:
        target = getattr(request, argument.name)
        target = target.add() if argument.repeated else target
        target.SetInParent()
        target.seconds, target.nanos = value
    elif argument.kind in (Kind.PICTURE, Kind.TABLE, *RANGES):
        target = getattr(request, argument.name)
        target.SetInParent()
        target.MergeFromString(value.SerializeToString())  # it may be of another pool
    elif argument.repeated:
        getattr(request, argument.name).append(value)
    else:
        setattr(request, argument.name, value)


def write(argument: Argument, value: Any) -> str:
    """The text that ``read`` takes for a value of a request's field, not quoted."""
    match argument.kind:
        case Kind.ENUM:
            return argument.words.get(value, str(value))
        case Kind.SWITCH:
            return "yes" if value else "no"
        case Kind.DURATION:
            return write_duration(value.seconds, value.nanos)
        case Kind.PICTURE:
            return picture_word(value)
        case Kind.RANGE | Kind.AHEAD:
            return write_range(value)
        case Kind.PERSON:
            return f"@{value}"
        case Kind.ROOM:
            return f"#{value}"
        case _:
            return str(value)


def kind_name(argument: Argument) -> str:
    """What an argument takes, in words."""
    if argument.kind is Kind.ENUM:
        return "one of " + ", ".join(argument.choices)
    return _TAKES[argument.kind]


_TAKES = {
    Kind.WORD: "text", Kind.NUMBER: "a number", Kind.SWITCH: "yes or no", Kind.DURATION: "a length of time, such as 1h30m",
    Kind.PERSON: "a person, such as @ann", Kind.ROOM: "a room, such as #ops", Kind.PICTURE: "a picture: last",
    Kind.REST: "the rest of the line", Kind.RANGE: "a time range, such as 15m, 10:00-10:30 or D142",
    Kind.AHEAD: "when, such as 2h, 16:00-18:00 or fri 16:00..mon 08:00", Kind.TABLE: "a table, from a pipe",
}  # fmt: skip


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def bounds(argument: Argument, size: float, unit: str = "") -> None:
    """Check a number, or a count of ``unit``.

    Raises:
        BadValue: it is too small or too large.
    """
    low, high = argument.min, argument.max
    if (low is None or size >= low) and (high is None or size <= high):
        return
    if low is not None and high is not None:
        span = f"between {_number(low)} and {_number(high)}"
    else:
        span = f"at least {_number(low)}" if low is not None else f"at most {_number(high or 0)}"
    raise BadValue(f"{argument.placeholder} takes {span} {unit}".rstrip())


def _text(argument: Argument, text: str, _scope: Scope) -> str:
    if not argument.repeated:
        bounds(argument, len(text), "characters")
    return text


_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_FLOAT_MAX = 3.4028234663852886e38


def _read_number(argument: Argument, text: str, _scope: Scope) -> int | float:
    whole = _INTEGERS.get(argument.field.cpp_type)
    value = _integer(text) if whole else _fraction(text)
    if value is None:
        raise BadValue(f"{argument.placeholder} is a {'whole ' if whole else ''}number, not “{text[:40]}”")
    low, high = whole or (
        (-_FLOAT_MAX, _FLOAT_MAX) if argument.field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else (value, value)
    )
    if not low <= value <= high:
        raise BadValue(f"{argument.placeholder} can't be that {'large' if value > 0 else 'small'}")
    if not argument.repeated:
        bounds(argument, value)
    return value


def _integer(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("-", "+") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


def _fraction(text: str) -> float | None:
    if not text or len(text) > 40 or not set(text) <= set("0123456789+-.eE"):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})


def _read_switch(argument: Argument, text: str, _scope: Scope) -> bool:
    word = text.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadValue(f"{argument.placeholder} is yes or no, not “{text[:40]}”")


def _read_enum(argument: Argument, text: str, _scope: Scope) -> int:
    number = argument.numbers.get(text.casefold())
    if number is not None:
        return number
    near = nearest(text, argument.choices)
    shown = ", ".join(argument.choices[:12]) + (", …" if len(argument.choices) > 12 else "")
    raise BadValue(f"{argument.placeholder} is one of {shown}", near)


def _read_duration(argument: Argument, text: str, _scope: Scope) -> Span:
    value = read_duration(text)
    if value is None:
        raise BadValue(f"{argument.placeholder} is a length of time, such as 15m, 2h or 1h30m, not “{text[:40]}”")
    return value


def _read_range(argument: Argument, text: str, scope: Scope) -> chat.TimeRange:
    ahead = argument.kind is Kind.AHEAD
    found = read_range(text, Now(scope.now(), ahead))
    if found is None or (ahead and found.WhichOneof("span") == "since"):
        forms = "2h, 16:00-18:00 or fri 16:00..mon 08:00" if ahead else "15m, 10:00-10:30, 14:00.. or D142"
        raise BadValue(f"{argument.placeholder} is a time range, such as {forms}, not “{text[:40]}”")
    return found


def _no_table(argument: Argument, _text: str, _scope: Scope) -> NoReturn:
    raise BadValue(f"{argument.placeholder} can't be typed: it comes from a pipe")


def _offered(scope: Scope, method: str) -> Iterable[str]:
    names: Iterable[str] = getattr(scope, method, tuple)()
    return names


def _read_person(argument: Argument, text: str, scope: Scope) -> str:
    word = text.removeprefix("@")
    found = scope.person(word) if word else None
    if found is None:
        near = nearest(word, _offered(scope, "people"))
        raise BadValue(f"{argument.placeholder}: nobody here is called “{text[:40]}”", near and f"@{near}")
    return found


def _read_room(argument: Argument, text: str, scope: Scope) -> str:
    word = text.removeprefix("#")
    found = scope.room(word) if word else None
    if found is None:
        near = nearest(word, _offered(scope, "rooms"))
        raise BadValue(f"{argument.placeholder}: there is no room “{text[:40]}”", near and f"#{near}")
    return found


def _read_picture(argument: Argument, text: str, scope: Scope) -> chat.BlobRef:
    found = scope.picture(text.casefold()) if text else None
    if found is not None:
        return found
    if scope.picture("last") is None:
        raise BadValue(f"{argument.placeholder}: there is no picture here yet, so upload one")
    raise BadValue(f"{argument.placeholder}: there is no picture “{text[:40]}” here", "last")


_READERS = {
    Kind.WORD: _text, Kind.REST: _text, Kind.NUMBER: _read_number, Kind.SWITCH: _read_switch, Kind.ENUM: _read_enum,
    Kind.DURATION: _read_duration, Kind.PERSON: _read_person, Kind.ROOM: _read_room, Kind.PICTURE: _read_picture,
    Kind.RANGE: _read_range, Kind.AHEAD: _read_range, Kind.TABLE: _no_table,
}  # fmt: skip
