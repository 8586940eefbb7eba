"""What is heard in talk without being called: a few fixed shapes, found in time that grows with the text alone. No I/O.

No bot's regular expression is ever matched; a contract names one of these shapes, and a prefix or suffix of it. Every
expression here is bounded, so that no text, however hostile, takes it long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Command
from bellboard.marks import KINDS

MOST = 3
"""Commands that one line of talk may call."""

HEARD = 8 * 1024
"""Characters of a line that are listened to; a line of talk has no more than half of them."""

_BEFORE, _AFTER = r"(?<![\w@#/=.&:-])", r"(?![\w@/-]|\.\w)"
"""What may not stand around an id or a name: with it, it is part of something else, such as an address or a path."""

_OWN = re.compile(rf"{_BEFORE}[{''.join(KINDS)}][1-9][0-9]{{0,8}}{_AFTER}")
_NUMBERED = re.compile(rf"{_BEFORE}([A-Z][A-Z0-9]{{1,9}}-)[1-9][0-9]{{0,8}}{_AFTER}")
_NAME = re.compile(rf"{_BEFORE}@([A-Za-z0-9](?:[\w.-]{{0,92}}[A-Za-z0-9])?)")
_SUFFIXED = re.compile(rf"{_BEFORE}@([A-Za-z0-9][\w.-]{{0,61}}[A-Za-z0-9]|[A-Za-z0-9])([^\w\s@.]{{1,8}})(?=[\s.]|$)")

_LEVEL = r"(?:\[(?i:error|fatal|critical|severe|panic)\]|(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)[:\s|-])"
_STAMP = r"[\[(]?[0-9]{2,4}[-/:.][0-9]{2}[0-9A-Za-z:.,/+\] )-]{0,30}"
_ERROR = re.compile(
    r"Traceback \(most recent call last\):"
    r"|\s{1,8}File \"[^\"]{1,300}\", line [0-9]{1,9}"
    r"|(?:[A-Za-z_$][\w$]{0,80}[.:]{1,2}){0,20}[\w$]{0,80}(?:Error|Exception)(?::|$)"
    r"|Exception in thread |Caused by: |Uncaught |panic: |fatal error: |goroutine [0-9]{1,9} \["
    r"|\s{1,8}at [^()]{1,300}\([^()]{1,300}\)|\s{1,8}at \S{1,300}:[0-9]{1,9}:[0-9]{1,9}"
    rf"|(?:{_STAMP}\s{{0,4}})?{_LEVEL}"
    r"|thread '[^']{1,80}' panicked at "
)
"""How a line begins that is of a stack trace or tells an error: of Python, Java, Go, JavaScript, Rust, or plain."""

_FIELD = re.compile(r'"?\b(?:level|severity|lvl)"?\s{0,4}[:=]\s{0,4}"?(?:error|fatal|critical|panic)\b', re.IGNORECASE)
"""The field of a line as JSON or as ``name=value`` that says the same."""


@dataclass(frozen=True, slots=True)
class Match:
    """A command that a line calls without naming it: which trigger heard it, and what goes into its field."""

    command: Command
    trigger: options.TriggerOptions
    value: str

    @property
    def ordinal(self) -> int:
        """Its number among the commands of the line: the same whenever, and beside whatever else, it is matched."""
        return crc32(f"{self.command.action} {self.trigger.name} {self.value}".encode()) or 1


def matches(text: str, triggers: Iterable[tuple[Command, options.TriggerOptions]], known: Callable[[str], bool]) -> list[Match]:
    """What a line of talk calls, at most `MOST`. A pasted error is that alone: what stands in it was said by no person.

    Args:
        known: whether somebody is called so.
    """
    text = text[:HEARD]
    found: dict[tuple[str, str], Match] = {}
    triggers = sorted(triggers, key=lambda one: one[1].WhichOneof("shape") != "pasted_error")
    for command, trigger in triggers:
        for value in _SHAPES.get(trigger.WhichOneof("shape") or "", _nothing)(text, trigger, known):
            found.setdefault((command.action, value), Match(command, trigger, value))
            if len(found) == MOST:
                return list(found.values())
        if found and trigger.WhichOneof("shape") == "pasted_error":
            break
    return list(found.values())


def names_in(text: str) -> list[str]:
    """The names behind an ``@`` in a line, in small letters, whether or not somebody is called so; at most 20."""
    found: dict[str, None] = {}
    for match in _NAME.finditer(text[:HEARD]):
        found[match[1].lower()] = None
        if len(found) == 20:
            break
    return list(found)


def is_error(line: str) -> bool:
    """Whether a line is of a stack trace, or tells an error as logs do."""
    has_fields = "=" in line or line.startswith("{")
    return _ERROR.match(line) is not None or (has_fields and _FIELD.search(line) is not None)


Known = Callable[[str], bool]


def _person(text: str, trigger: options.TriggerOptions, known: Known) -> Iterator[str]:
    suffix = trigger.person_suffix.suffix
    for match in _SUFFIXED.finditer(text):
        ends = match[2].startswith(suffix) and not match[2].removeprefix(suffix).strip(",;:!?)'\"")
        if ends and known(match[1].lower()):
            yield match[1].lower()


def _numbered(text: str, trigger: options.TriggerOptions, _known: Known) -> Iterator[str]:
    prefix = trigger.numbered_id.prefix
    return (match[0] for match in _NUMBERED.finditer(text) if prefix in ("", match[1]))


def _named(text: str, trigger: options.TriggerOptions, _known: Known) -> Iterator[str]:
    prefix = trigger.name_prefix.prefix
    names = (match[1].lower() for match in _NAME.finditer(text))
    return (name.removeprefix(prefix) for name in names if name.startswith(prefix) and name != prefix)


def _own(text: str, _trigger: options.TriggerOptions, _known: Known) -> Iterator[str]:
    return (match[0] for match in _OWN.finditer(text))


def _pasted(text: str, trigger: options.TriggerOptions, _known: Known) -> Iterator[str]:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) >= max(1, trigger.pasted_error.min_lines) and any(map(is_error, lines)):
        yield text.strip()


def _nothing(_text: str, _trigger: options.TriggerOptions, _known: Known) -> Iterator[str]:
    return iter(())


_SHAPES: dict[str, Callable[[str, options.TriggerOptions, Known], Iterator[str]]] = {
    "person_suffix": _person,
    "numbered_id": _numbered,
    "name_prefix": _named,
    "own_id": _own,
    "pasted_error": _pasted,
}
