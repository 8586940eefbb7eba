"""What a contract says of one command, in the form that grammar, policy, ledger and help read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from bellboard.api.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

READ = options.EFFECT_READ
IDEMPOTENT = options.EFFECT_IDEMPOTENT
ONCE = options.EFFECT_ONCE


class Kind(StrEnum):
    """What an argument is, and so how it is typed."""

    WORD = "word"
    NUMBER = "number"
    SWITCH = "switch"
    ENUM = "enum"
    DURATION = "duration"
    PERSON = "person"
    ROOM = "room"
    PICTURE = "picture"
    REST = "rest"
    RANGE = "range"
    AHEAD = "ahead"
    TABLE = "table"


RANGES = (Kind.RANGE, Kind.AHEAD)
"""Time ranges: behind and ahead of when they are typed."""

AROUND = "around"
"""The word, and the flag, for the time range around an id."""


class Step(NamedTuple):
    """One step of a command: its name, and EFFECT_IDEMPOTENT or EFFECT_ONCE."""

    name: str
    effect: options.Effect.ValueType


@dataclasses.dataclass(frozen=True, eq=False)
class Argument:
    """One field of a request, and how it is typed.

    It stands at a ``position`` (from 1), behind a small ``word``, or behind ``--flag``; every argument has a flag. ``min``
    and ``max`` bound a number, the items of what is ``repeated``, or the characters of a text.
    """

    name: str
    field: FieldDescriptor
    kind: Kind
    flag: str
    position: int = 0
    word: str = ""
    repeated: bool = False
    required: bool = False
    default: str = ""
    secret: bool = False
    min: float | None = None
    max: float | None = None
    help: str = ""
    suggestions: tuple[str, ...] = ()
    short: str = ""
    numbers: Mapping[str, int] = dataclasses.field(default_factory=dict)  # an enum's words, and the number of each

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The words of an enum."""
        return tuple(self.numbers)

    @cached_property
    def words(self) -> Mapping[int, str]:
        """The word of each of an enum's numbers."""
        return {number: word for word, number in self.numbers.items()}

    @cached_property
    def placeholder(self) -> str:
        return self.name.upper().replace("_", "-")

    @cached_property
    def form(self) -> str:
        """How it is typed: ``TEMPLATE``, ``TAG...``, ``to ENV``, ``--tag TAG`` or ``--loud``."""
        if self.position:
            return self.placeholder + ("..." if self.repeated or self.kind is Kind.REST else "")
        if self.word:
            return f"{self.word} {self.placeholder}"
        return f"--{self.flag}" if self.kind is Kind.SWITCH else f"--{self.flag} {self.placeholder}"


@dataclasses.dataclass(frozen=True, eq=False)
class Command:
    """One command of a bot.

    ``blank`` is the serialised request in which everything is left out: its defaults. ``continues`` are the words that make
    its phrase a longer one of the same bot. ``force`` is the field that must say why it is forced; empty if it can't be.
    ``triggers`` are the helpers by which it is called without being named. ``every`` is how often the gateway runs it, in
    seconds; 0 if it does not. An ``internal`` one is for bots and timers, and not typed. ``hook`` is the field that
    takes what came in at a webhook, which is no argument.
    """

    bot: str
    phrase: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    method: str
    summary: str
    effect: options.Effect.ValueType
    lane: str
    deadline: float
    dry_run: bool
    cancellable: bool
    steps: tuple[Step, ...]
    exclusive: tuple[str, ...]
    probe: str
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...]
    request_type: type[Message]
    response_type: type[Message]
    streaming: bool
    blank: bytes
    continues: frozenset[str] = frozenset()
    force: str = ""
    triggers: tuple[options.TriggerOptions, ...] = ()
    every: float = 0.0
    internal: bool = False
    hook: str = ""

    @cached_property
    def name(self) -> str:
        """The phrase as one text."""
        return " ".join(self.phrase)

    @cached_property
    def action(self) -> str:
        """The name by which policy knows it: ``bot.Method``."""
        return f"{self.bot}.{self.method}"

    @cached_property
    def positionals(self) -> tuple[Argument, ...]:
        return tuple(sorted((a for a in self.arguments if a.position), key=lambda a: a.position))

    @cached_property
    def flags(self) -> Mapping[str, Argument]:
        return {argument.flag: argument for argument in self.arguments}

    @cached_property
    def shorts(self) -> Mapping[str, Argument]:
        """By their short flags, such as ``-C``."""
        return {f"-{argument.short}": argument for argument in self.arguments if argument.short}

    @cached_property
    def words(self) -> Mapping[str, Argument]:
        return {argument.word: argument for argument in self.arguments if argument.word}

    @cached_property
    def small_words(self) -> frozenset[str]:
        """The words that are taken for no value unless they are quoted."""
        return frozenset(self.words) | ({AROUND} if self.range else set())

    @cached_property
    def secrets(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.secret)

    @cached_property
    def table(self) -> Argument | None:
        """What takes the table that is piped into it."""
        return next((argument for argument in self.arguments if argument.kind is Kind.TABLE), None)

    @cached_property
    def range(self) -> Argument | None:
        """What ``--around ID`` stands for."""
        return next((argument for argument in self.arguments if argument.kind is Kind.RANGE), None)

    @cached_property
    def required(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.required)

    @cached_property
    def usage(self) -> str:
        """Its form, such as ``meme TEMPLATE [TOP] [BOTTOM] [--on PICTURE]``."""
        named = [a for a in self.arguments if not a.position and a.kind is not Kind.TABLE]
        rest = [a for a in self.positionals if a.kind is Kind.REST]
        placed = [a for a in self.positionals if a.kind is not Kind.REST]
        shown = [*placed, *sorted(named, key=lambda a: not a.word), *rest]
        return " ".join([self.name, *(a.form if a.required else f"[{a.form}]" for a in shown)])

    def turn_key(self, request: Message) -> str:
        """What only one command at a time may work on, such as ``hill='north'``; empty if it need not queue."""
        return " ".join(f"{name}={getattr(request, name)!r}" for name in self.exclusive)
