"""A request to the one line that says it: the form that is recorded, shown on the card and asked again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bellboard.command import READ, Argument, Command, Kind

from .characters import clean
from .normalise import TYPOGRAPHY
from .pipes import stages
from .values import write
from .words import quote

if TYPE_CHECKING:
    from google.protobuf.message import Message

MASK = "••••"


def canonical(
    command: Command, request: Message, *, mask: bool, preview: bool = False, force: bool = False, rehearsal: bool = False
) -> str:
    """The line that parses to ``request`` (one that came from a line), what is left at its default left out.

    With ``mask`` secrets are shown as ``••••``; such a line is for people, and can't be run again.
    """
    around = _around(command, request)
    given = {a.name for a in command.arguments if a is not around and _given(a, request, _blank(command))}
    placed, gap = _placed(command, given, request)
    named = [a for a in command.arguments if a.name in given and (not a.position or a.position >= gap)]
    rest = next((a for a in placed if a.kind is Kind.REST), None)
    parts = [command.name + "!" * force]
    for argument in placed:
        if argument is not rest:
            parts += (_word(command, argument, value, mask, first=len(parts) == 1) for value in _values(argument, request))
    for argument in sorted(named, key=lambda a: not a.word):
        parts += (_named(command, argument, value, mask) for value in _values(argument, request))
    if around is not None:
        parts.append(f"--around {write(around, getattr(request, around.name))}")
    if rehearsal:
        parts.append("--sandbox")
    if preview:
        parts.append("--dry-run")
    if rest is not None:
        parts += _rest(command, MASK if mask and rest.secret else getattr(request, rest.name), first=len(parts) == 1)
    return clean(" ".join(parts))


@lru_cache(maxsize=4096)
def _blank(command: Command) -> Message:
    return command.request_type.FromString(command.blank)


def _around(command: Command, request: Message) -> Argument | None:
    """The time range, where it is the one around an id: that is written by its own flag."""
    argument = command.range
    span = getattr(request, argument.name).WhichOneof("span") if argument else ""
    return argument if span == "around" else None


def _given(argument: Argument, request: Message, blank: Message) -> bool:
    """Whether a field says something else than leaving it out would."""
    if argument.kind is Kind.TABLE:
        return False
    if argument.field.has_presence:
        if not request.HasField(argument.name):
            return False
        if not blank.HasField(argument.name):
            return True
    return bool(argument.required) or getattr(request, argument.name) != getattr(blank, argument.name)


def _placed(command: Command, given: set[str], request: Message) -> tuple[list[Argument], int]:
    """The arguments that are written in their place, and the position from which they are written by name.

    One left out before one that is given is written too, if its default can be; otherwise all behind it are named.
    """
    last = max((a.position for a in command.positionals if a.name in given), default=0)
    placed: list[Argument] = []
    for argument in command.positionals[:last]:
        writable = argument.default or (argument.kind is Kind.WORD and not argument.min and not argument.field.has_presence)
        if argument.name not in given and (argument.repeated or not writable):
            return placed, argument.position
        if argument.kind is Kind.REST and not _typed_plainly(getattr(request, argument.name)):
            return placed, argument.position
        placed.append(argument)
    return placed, last + 1


def _typed_plainly(text: str) -> bool:
    """Whether the rest of a line can be this text: nothing is at its ends, and nothing in it is folded in reading."""
    plain = text.isascii() or TYPOGRAPHY.isdisjoint(text)
    return bool(text) and text.strip(" ") == text and plain and len(stages(text)) == 1


def _values(argument: Argument, request: Message) -> Iterable[Any]:
    value = getattr(request, argument.name)
    return value if argument.repeated else (value,)


def _word(command: Command, argument: Argument, value: Any, mask: bool, *, first: bool = False) -> str:
    """A value as one word that is taken for nothing else: no small word, no longer phrase."""
    if mask and argument.secret:
        return MASK
    text = write(argument, value)
    if argument.kind is Kind.NUMBER:
        return text
    word = quote(text)
    if word is text and (text.lower() in command.small_words or (first and text.lower() in command.continues)):
        return f'"{text}"'
    return word


def _named(command: Command, argument: Argument, value: Any, mask: bool) -> str:
    if argument.kind is Kind.SWITCH and not argument.word:
        return f"--{argument.flag}" if value else f"--{argument.flag}=no"
    word = _word(command, argument, value, mask)
    return f"{argument.word} {word}" if argument.word else f"--{argument.flag} {word}"


def ends_with_flag(command: Command, text: str) -> str:
    """A flag at the end of the rest of a line: as text there, what is only to be shown or rehearsed would be done."""
    last = text.rsplit(" ", 1)[-1].lower()
    return last if command.effect != READ and last in ("--sandbox", "--dry-run") else ""


def _rest(command: Command, text: str, *, first: bool) -> list[str]:
    """The rest of the line as typed, behind ``--`` where it would be taken for something else."""
    word = text.partition(" ")[0]
    begin = word.lower()
    if command.dry_run and text.endswith("?"):
        text = text[:-1] + "\\?"
    return (
        ["--", text]
        if begin.startswith("--")
        or ends_with_flag(command, text)
        or word in command.shorts
        or "=" in begin
        or begin in command.small_words
        or (first and begin in command.continues)
        else [text]
    )
