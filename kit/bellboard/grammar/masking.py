"""Secrets in a line that was not understood: the line is shown, they are not."""

from __future__ import annotations

from bellboard.command import Command

from .words import Words

DOT = "•"


def hide_secrets(command: Command, line: str, phrase_length: int) -> str:
    """The line with each character of a secret replaced, so that a caret still points where it did.

    The line may be broken anywhere, so rather too much is hidden: with a secret among the unnamed arguments, all of them.
    """
    names = {name for argument in command.secrets for name in (argument.flag, argument.word) if name}
    hide_all = any(argument.position for argument in command.secrets)
    words, out, behind = Words(line), list(line), False
    words.skip(phrase_length)
    while raw := words.peek():
        start = words.at
        name, equals, _ = raw.partition("=")
        named = name.lower().removeprefix("--").replace("_", "-") in names
        begin = start + len(name) + 1 if named and equals else start
        words.at = end = value_end(line, begin)
        if behind or (named and equals) or (hide_all and not raw.startswith("--")):
            out[begin:end] = DOT * (end - begin)
        behind = named and not equals
    return "".join(out)


def value_end(line: str, start: int) -> int:
    """Where the value that starts at ``start`` ends: an open quote runs to the end of the line."""
    quote = line[start : start + 1]
    if quote not in ("'", '"'):
        end = line.find(" ", start)
        return len(line) if end < 0 else end
    at = start + 1
    while at < len(line) and line[at] != quote:
        at += 2 if quote == '"' and line[at] == "\\" else 1
    end = line.find(" ", at)
    return len(line) if end < 0 else end
