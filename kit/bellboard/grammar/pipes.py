"""Pipes: a line whose stages each take the table of the one before."""

from __future__ import annotations

from .masking import value_end

PIPE = "|"


def stages(line: str) -> list[str]:
    """The stages of a normalised line: it is parted at each ``|`` that stands as a word of its own, outside quotes."""
    if PIPE not in line:
        return [line]
    found, start, at = [], 0, 0
    while at < len(line):
        if line[at] == " ":
            at += 1
        elif line[at] == PIPE and line[at + 1 : at + 2] in ("", " "):
            found.append(line[start:at].strip(" "))
            at = start = at + 1
        else:
            at = _word_end(line, at)
    return [*found, line[start:].strip(" ")]


def join(lines: list[str]) -> str:
    """The line of these stages."""
    return f" {PIPE} ".join(lines)


def _word_end(line: str, start: int) -> int:
    """Where a word ends; quotes may stand at its beginning, or behind ``name=``."""
    raw = line[start:].partition(" ")[0]
    name, equals, value = raw.partition("=")
    quoted_value = equals and value[:1] in ("'", '"') and name[:1] not in ("'", '"')
    return value_end(line, start + len(name) + 1 if quoted_value else start)
