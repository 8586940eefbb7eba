"""What may be typed next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bellboard.command import Argument, Command, Kind

from .errors import NotUnderstood
from .values import Scope
from .words import Words, quote

if TYPE_CHECKING:
    from .vocabulary import Vocabulary

MOST = 50
"""The most that is offered."""


class Completion(NamedTuple):
    """A text that may stand from ``start`` up to the cursor, and one line of help."""

    text: str
    help: str
    start: int


def complete(vocabulary: Vocabulary, line: str, cursor: int, scope: Scope | None) -> list[Completion]:
    """What may stand at the cursor. A line that can't be read offers nothing."""
    typed = line[: min(cursor, 4096)]
    start = typed.rfind(" ") + 1
    before, prefix = typed[:start], typed[start:].lower()
    offers = [Completion(text, help, 0) for text, help in _phrases(vocabulary, typed.lstrip().lower())]
    found = vocabulary.find(before.split())
    if found is not None and not found[0].internal:
        command, length = found
        offers += [Completion(text, help, start) for text, help in _arguments(command, before, length, prefix, scope)]
    return offers[:MOST]


def _phrases(vocabulary: Vocabulary, typed: str) -> list[tuple[str, str]]:
    known = ((command.name, command.summary) for command in vocabulary.commands if not command.internal)
    return sorted((name, summary) for name, summary in known if name.lower().startswith(typed) and name.lower() != typed)


def _arguments(command: Command, before: str, length: int, prefix: str, scope: Scope | None) -> list[tuple[str, str]]:
    try:
        wanted, given = _standing(command, before, length)
    except NotUnderstood:
        return []
    if wanted is not None:
        return [(text, help) for text, help in _values(wanted, scope) if text.lower().startswith(prefix)]
    left = [a for a in command.arguments if (a.repeated or a.name not in given) and a.kind is not Kind.TABLE]
    place = next((a for a in command.positionals if a in left), None)
    offers = _values(place, scope) if place else []
    offers += [(a.word, a.help) for a in left if a.word]
    offers += [(f"--{a.flag}", a.help) for a in left if not a.word and not a.position]
    if command.dry_run:
        offers.append(("--dry-run", "show what it would do"))
    return [(text, help) for text, help in offers if text.lower().startswith(prefix)]


def _standing(command: Command, before: str, length: int) -> tuple[Argument | None, set[str]]:
    """The argument whose value comes next by its flag or small word, and the names of those already given.

    Raises:
        NotUnderstood: the cursor is within quotes.
    """
    words, given, wanted, placed = Words(before), set[str](), None, 0
    words.skip(length)
    while (word := words.next()) is not None:
        plain = not word.quoted
        if wanted is not None:
            wanted = None
        elif plain and word.text.startswith("--") and (flag := command.flags.get((word.name or word.text)[2:].lower())):
            given.add(flag.name)
            wanted = None if word.name or flag.kind is Kind.SWITCH else flag
        elif plain and (argument := command.shorts.get(word.text) or command.words.get(word.text.lower())):
            given.add(argument.name)
            wanted = argument
        elif placed < len(command.positionals):
            argument = command.positionals[placed]
            given.add(argument.name)
            placed += not argument.repeated
    return wanted, given


def _values(argument: Argument, scope: Scope | None) -> list[tuple[str, str]]:
    """The values that an argument offers."""
    names: list[str] = []
    match argument.kind:
        case Kind.ENUM:
            names = list(argument.choices)
        case Kind.PERSON:
            names = [f"@{name}" for name in getattr(scope, "people", tuple)()]
        case Kind.ROOM:
            names = [f"#{name}" for name in getattr(scope, "rooms", tuple)()]
        case Kind.PICTURE:
            names = ["last"]
        case Kind.SWITCH:
            names = ["yes", "no"]
        case Kind.RANGE:
            names = ["15m", "1h", "today"]
    return [(quote(name), argument.help) for name in [*names, *argument.suggestions]]
