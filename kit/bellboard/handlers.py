"""Handlers: typed functions that implement the methods of a contract, checked when they are declared."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Union, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.call import Call
from bellboard.errors import ContractError
from bellboard.providers import Providers

Function = Callable[..., Awaitable[Any]] | Callable[..., AsyncIterator[Any]]

_SCALARS: Mapping[int, type[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: str,
    FieldDescriptor.CPPTYPE_BOOL: bool,
    FieldDescriptor.CPPTYPE_ENUM: int,
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_INT64: int,
    FieldDescriptor.CPPTYPE_UINT32: int,
    FieldDescriptor.CPPTYPE_UINT64: int,
    FieldDescriptor.CPPTYPE_FLOAT: float,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that takes a field of the request; ``optional``: None where the field is not set."""

    name: str
    field: FieldDescriptor
    optional: bool

    def read(self, request: Message) -> Any:
        """The field as the function gets it: Duration as timedelta, repeated as list, everything else as it is."""
        if self.optional and not request.HasField(self.field.name):
            return None
        value = getattr(request, self.field.name)
        if self.field.is_repeated:
            return [_plain(item) for item in value]
        return _plain(value)


def _plain(value: Any) -> Any:
    return value.ToTimedelta() if isinstance(value, Duration) else value


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the method that it implements."""

    function: Callable[..., Any]
    method: MethodDescriptor
    parameters: tuple[Parameter, ...]
    provided: tuple[tuple[str, type[Any]], ...]

    @property
    def streaming(self) -> bool:
        return bool(self.method.server_streaming)

    @property
    def request_type(self) -> type[Message]:
        return GetMessageClass(self.method.input_type)

    @property
    def response_type(self) -> type[Message]:
        return GetMessageClass(self.method.output_type)

    def invoke(self, call: Call, request: Message, providers: Providers) -> Any:
        """Call the function: an awaitable, or for a streaming method an async generator.

        A rehearsing call is given the twins of its providers, and never the real ones.

        Raises:
            Failed: one of them can't be rehearsed.
        """
        given = {parameter.name: parameter.read(request) for parameter in self.parameters}
        given |= {name: providers.get(kind, rehearsal=call.rehearsal) for name, kind in self.provided}
        return self.function(call, **given)

    def response(self, item: object) -> Message:
        """What a function returned or yielded, as the method's response message.

        Raises:
            TypeError: it is neither that, nor a Reply, nor blocks.
        """
        if isinstance(item, self.response_type):
            return item
        if isinstance(item, chat.Block):
            item = [item]
        if isinstance(item, Sequence):
            item = chat.Reply(blocks=item)
        if not isinstance(item, chat.Reply):
            raise TypeError(f"{self.function.__qualname__} gave a {type(item).__name__}, not a reply")
        return self.response_type(reply=item)


def declare(function: Callable[..., Any], method: MethodDescriptor) -> Handler:
    """Check a function against the method that it implements.

    Raises:
        ContractError: they do not agree; it names the function and every point.
    """
    where = f"{function.__module__}.{function.__qualname__}"
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise ContractError(f"{where}: the type {error.name!r} must be known at import", hint="import it at run time") from None
    signature = list(inspect.signature(function).parameters.values())
    typed = [p for p in signature[1:] if p.kind is not p.KEYWORD_ONLY]
    given = [p for p in signature[1:] if p.kind is p.KEYWORD_ONLY]
    fields = {field.name: field for field in method.input_type.fields}
    parameters = [Parameter(p.name, fields[n], _is_optional(hints.get(p.name))) for p in typed if (n := _field(p)) in fields]
    points = [
        *_shape(function, method),
        *_first(signature, hints),
        *(f"{p.name} is no field of {method.input_type.name}" for p in typed if _field(p) not in fields),
        *(f"the field {name} is missing" for name in fields if name not in {_field(p) for p in typed}),
        *(point for parameter in parameters for point in _type(parameter, hints.get(parameter.name))),
        *(point for p in typed if _field(p) in fields for point in _default(p, fields[_field(p)])),
        *(f"{p.name} comes after * and needs a class as its type" for p in given if not isinstance(hints.get(p.name), type)),
        *_returns(hints.get("return"), method),
        *_docstring(function, method),
    ]
    if points:
        raise ContractError(f"{where} and {method.full_name} do not agree: {'; '.join(points)}")
    return Handler(function, method, tuple(parameters), tuple((p.name, hints[p.name]) for p in given))


def _field(parameter: inspect.Parameter) -> str:
    """The field of a parameter: an underscore at the end keeps a name clear of Python's own."""
    return parameter.name.rstrip("_")


def _shape(function: Callable[..., Any], method: MethodDescriptor) -> Iterator[str]:
    if method.server_streaming and not inspect.isasyncgenfunction(function):
        yield "the method streams, so the function must be an async generator"
    if not method.server_streaming and not inspect.iscoroutinefunction(function):
        yield "the method answers once, so the function must be `async def` without yield"


def _first(signature: Sequence[inspect.Parameter], hints: Mapping[str, Any]) -> Iterator[str]:
    if not signature or hints.get(signature[0].name) is not Call:
        yield "the first parameter must be `call: Call`"


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and types.NoneType in get_args(hint)


def _type(parameter: Parameter, hint: Any) -> Iterator[str]:
    """Whether the annotation is what the field holds."""
    field = parameter.field
    base = GetMessageClass(field.message_type) if field.message_type else _SCALARS[field.cpp_type]
    base = timedelta if base is Duration else bytes if field.type == FieldDescriptor.TYPE_BYTES else base
    if field.is_repeated:
        if get_origin(hint) not in (list, Sequence) or get_args(hint) != (base,):
            yield f"{parameter.name} must be a Sequence[{base.__name__}]"
        return
    if parameter.optional and not field.has_presence:
        yield f"{parameter.name} can't be None"
    inner = tuple(part for part in get_args(hint) if part is not types.NoneType) if parameter.optional else (hint,)
    if inner != (base,):
        yield f"{parameter.name} must be a {base.__name__}"


def _default(parameter: inspect.Parameter, field: FieldDescriptor) -> Iterator[str]:
    """A default in Python may only repeat what the contract says."""
    if parameter.default is parameter.empty:
        return
    said = field.GetOptions().Extensions[options.arg].default
    zero = None if field.has_presence or field.is_repeated else field.default_value
    same = str(parameter.default) == said if said else parameter.default == zero
    if not same:
        yield f"the default of {parameter.name} is {said or zero!r} in the contract, not {parameter.default!r}"


def _returns(hint: Any, method: MethodDescriptor) -> Iterator[str]:
    allowed = (chat.Reply, chat.Block, GetMessageClass(method.output_type))
    for leaf in _leaves(hint):
        if isinstance(leaf, type) and issubclass(leaf, Message) and leaf not in allowed:
            yield f"it must give a {method.output_type.name}, a Reply or blocks, not a {leaf.__name__}"


def _leaves(hint: Any) -> Iterator[Any]:
    parts = get_args(hint)
    if not parts:
        yield hint
    for part in parts:
        yield from _leaves(part)


def _docstring(function: Callable[..., Any], method: MethodDescriptor) -> Iterator[str]:
    summary = method.GetOptions().Extensions[options.command].summary
    first = (inspect.getdoc(function) or "").partition("\n")[0]
    if summary and _bare(first) != _bare(summary):
        yield f"its docstring must begin with {summary[0].upper() + summary[1:]!r}, as the contract's summary says"


def _bare(line: str) -> str:
    line = re.sub(r"\s+", " ", line).strip().rstrip(".")
    return line[:1].lower() + line[1:]
