"""The words behind a phrase to a typed request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from bellboard.command import AROUND, RANGES, READ, Argument, Command, Kind

from .canonical import canonical, ends_with_flag
from .errors import BadValue, NotUnderstood
from .ranges import around
from .suggest import nearest
from .values import Scope, bounds, kind_name, put, read
from .words import Word, Words, quote

if TYPE_CHECKING:
    from google.protobuf.message import Message

DRY_RUN, SANDBOX = "dry-run", "sandbox"
"""Flags that every command has, where they make sense: only show, only rehearse."""

MORE_WORDS = 4
"""Words by which a time range may be longer than one: ``fri 16:00 .. mon 08:00``."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line that was understood.

    ``request`` holds everything, secrets included; ``canonical`` is the line in its one written form, secrets masked.
    """

    command: Command
    request: Message
    preview: bool
    force: bool
    canonical: str
    rehearsal: bool = False


def read_arguments(command: Command, words: Words, scope: Scope, *, force: bool, piped: bool = False) -> Parsed:
    """Read what follows a command's phrase. ``piped``: a table will come from the stage before.

    Raises:
        NotUnderstood: it is not what the command takes.
    """
    reader = _Reader(command, words, scope, piped)
    request = reader.read(force)
    preview, rehearsal = reader.preview, reader.rehearsal
    line = canonical(command, request, mask=True, preview=preview, force=force, rehearsal=rehearsal)
    return Parsed(command, request, preview, force, line, rehearsal)


class _Reader:
    """Reads one line. Values are set in the request as they come."""

    def __init__(self, command: Command, words: Words, scope: Scope, piped: bool) -> None:
        self.command, self.words, self.scope, self.piped = command, words, scope, piped
        self.request = command.request_type.FromString(command.blank)
        self.given: dict[str, int] = {}  # how often each argument was given
        self.waiting = list(reversed(command.positionals))
        self.behind = words.at  # where the phrase ends
        self.flags_on = True
        self.preview = self.rehearsal = False

    def read(self, force: bool) -> Message:
        while raw := self.words.peek():
            place = self._next_place()
            if place is not None and place.kind is Kind.REST and not self._is_named(raw):
                self._rest(place)
                break
            word = self.words.next(raw)
            if word is None:
                break
            self._word(word)
        self._finish()
        if self.words.question:
            self._question()
        if force:
            self._forced()
        return self.request

    def _next_place(self) -> Argument | None:
        """The argument that the next word without a name belongs to."""
        while self.waiting and not self.waiting[-1].repeated and self.waiting[-1].name in self.given:
            self.waiting.pop()
        return self.waiting[-1] if self.waiting else None

    def _is_named(self, raw: str) -> bool:
        """Whether a word as typed is a flag, a small word or ``name=value``, and not the beginning of the rest."""
        if not self.flags_on:
            return False
        name, equals, _ = raw.partition("=")
        if raw.startswith("--") or raw in self.command.shorts or raw.lower() in self.command.small_words:
            return True
        return bool(equals and self._named(name))

    def _named(self, name: str) -> Argument | None:
        name = name.lower().removeprefix("--").replace("_", "-")
        return self.command.flags.get(name) or self.command.words.get(name)

    def _word(self, word: Word) -> None:
        if word.quoted or not self.flags_on:
            self._place(word)
        elif word.text == "--":
            self.flags_on = False
        elif word.text.startswith("--"):
            self._flag(word)
        elif argument := self.command.shorts.get(word.text):
            self._flagged(argument, word)
        elif word.name and (argument := self._named(word.name)):
            self._take(argument, word.value, word)
        elif argument := self.command.words.get(word.text.lower()):
            self._take_next(argument, word)
        elif self.command.range and word.text.lower() == AROUND:
            self._around(word)
        else:
            self._place(word)

    def _flag(self, word: Word) -> None:
        name = (word.name or word.text)[2:].lower().replace("_", "-")
        argument = self.command.flags.get(name)
        if argument is None:
            if self._common(name, word):
                return
            near = nearest(name, self.command.flags)
            longer = f"{self.command.name} {name}" if name in self.command.continues else ""
            hint = f"--{near}" if near else longer or f"help {self.command.name}"
            end = word.start + len(word.name or word.text)
            fixed = self._with(word.start, end, hint) if near else ""
            self._fail(f"{self.command.name} has no flag --{name[:40]}", word, hint, fixed)
        self._flagged(argument, word)

    def _flagged(self, argument: Argument, word: Word) -> None:
        """What belongs to a flag: its value, unless that stands in the same word or there is none."""
        if word.name:
            self._take(argument, word.value, word)
        elif argument.kind is Kind.SWITCH:
            self._set(argument, True, word)
        else:
            self._take_next(argument, word)

    def _common(self, name: str, word: Word) -> bool:
        """A flag that every command has."""
        if name == AROUND and self.command.range:
            self._around(word)
        elif name == DRY_RUN and not word.name:
            self._preview(word)
        elif name == SANDBOX and not word.name:
            self.rehearsal = True
        else:
            return False
        return True

    def _around(self, word: Word) -> None:
        """``--around D142``, for the time range whatever its own flag is."""
        argument, value = self.command.range, word if word.name else self.words.next()
        span = around(value.value) if value is not None else None
        if argument is None or span is None:
            self._fail(f"{word.text} needs an id, such as D142", value or word, "--around D142")
        self._set(argument, span, word)

    def _preview(self, word: Word) -> None:
        if not self.command.dry_run:
            self._no_preview(word)
        self.preview = True

    def _take_next(self, argument: Argument, word: Word) -> None:
        """The value behind a flag or a small word."""
        value = None if self.words.peek().startswith("--") else self.words.next()
        if value is None:
            self._fail(f"{word.text} needs {kind_name(argument)}", word, argument.form)
        self._take(argument, value.text, value)

    def _place(self, word: Word) -> None:
        """A value that stands by itself."""
        text = word.text
        if text[:1] == "-" and len(text) > 1 and self.flags_on and not word.quoted and not text[1].isdigit():
            near = nearest(text[1:], self.command.flags)
            hint = f"--{near}" if near else quote(text)
            reason = "flags have two dashes; a value that begins with a dash is quoted"
            self._fail(reason, word, hint, self._with(word.start, word.end, hint))
        argument = self._next_place()
        if argument is None:
            shown = "this" if any(a.secret for a in self.command.positionals) else f"“{text[:40]}”"
            self._fail(f"{shown} is one word too many", word)
        self._take(argument, text, word)

    def _rest(self, argument: Argument) -> None:
        """The rest of the line, as typed."""
        line, start = self.words.line, self.words.at
        text = line[start:]
        if self.flags_on and (flag := ends_with_flag(self.command, text)):
            at = len(line) - len(flag)
            word = Word(flag, at, len(line), False, "", flag)
            self._fail(f"{flag} would be part of {argument.placeholder} here", word, f"{self.command.name} {flag} …")
        if self.command.dry_run and text[-1] == "?":
            if text.endswith("\\?"):
                text = text[:-2] + "?"
            else:
                text, self.preview = text.rstrip("?").rstrip(" "), True
        self.words.at = len(line)
        if text:
            self._take(argument, text, Word(text, start, len(line), True, "", text))

    def _take(self, argument: Argument, text: str, word: Word) -> None:
        if argument.kind in RANGES and not word.quoted and not word.name:
            text = self._joined(argument, text)
        try:
            value = read(argument, text, self.scope)
        except BadValue as bad:
            start = word.start + (len(word.name) + 1 if word.name else 0)
            near = (bad.suggestion and quote(bad.suggestion)) or self._longer(word)
            fixed = self._with(start, word.end, near) if near else ""
            self._fail(bad.reason, word, bad.suggestion or (near and f"{self.command.name} {near}"), fixed)
        self._set(argument, value, word)

    def _longer(self, word: Word) -> str:
        """The word of a longer phrase that the first word behind this one may be a slip of, as in ``meme lst``."""
        first = not self.words.line[self.behind : word.start].strip(" ") and not word.quoted and not word.name
        return nearest(word.text, sorted(self.command.continues)) if first else ""

    def _joined(self, argument: Argument, text: str) -> str:
        """A time range of several words, such as ``fri 16:00..mon 08:00``: as many as make one."""
        best, tried, end, asked = text, text, self.words.at, self.words.question
        for _ in range(MORE_WORDS):
            raw = self.words.peek()
            if not raw or raw[0] in "\"'" or self._is_named(raw) or (word := self.words.next(raw)) is None:
                break
            tried = f"{tried} {word.text}"
            with suppress(BadValue):
                read(argument, tried, self.scope)
                best, end, asked = tried, self.words.at, self.words.question
        self.words.at, self.words.question = end, asked
        return best

    def _set(self, argument: Argument, value: Any, word: Word) -> None:
        count = self.given.get(argument.name, 0)
        if count and not argument.repeated:
            self._fail(f"{argument.placeholder} is given twice", word)
        self.given[argument.name] = count + 1
        if not count:
            self.request.ClearField(argument.name)  # its default
        put(self.request, argument, value)

    def _finish(self) -> None:
        """What was left out, and whether there is enough of what is repeated."""
        if self.piped and not self.command.table:
            self._fail(f"{self.command.name} takes no table, so nothing can be piped into it", None)
        for argument in self.command.arguments:
            count = self.given.get(argument.name, 0)
            if argument.kind is Kind.TABLE:
                if argument.required and not self.piped:
                    self._fail(f"{self.command.name} takes a table: pipe one into it", None, f"… | {self.command.usage}")
            elif argument.kind is Kind.PICTURE and not count and (uploaded := self.scope.picture()) is not None:
                put(self.request, argument, uploaded)
            elif argument.required and not count:
                self._miss(argument)
            elif argument.repeated and count:
                try:
                    bounds(argument, count, "values")
                except BadValue as bad:
                    self._fail(bad.reason, None)

    def _forced(self) -> None:
        """A ``!`` passes over what holds others back, so it has to say why."""
        field = self.command.force
        if not field:
            self._fail(f"{self.command.name} can't be forced", None, "leave out the !")
        if not getattr(self.request, field):
            reason = next(argument for argument in self.command.arguments if argument.name == field)
            self._fail(f"{self.command.name}! needs a reason", None, reason.form.replace(reason.placeholder, '"why"'))

    def _miss(self, argument: Argument) -> NoReturn:
        self._fail(f"{argument.placeholder} is missing: {argument.help or kind_name(argument)}", None, self.command.usage)

    def _question(self) -> None:
        """A ``?`` at the end previews; where there is nothing to preview and no harm in running, it is only politeness."""
        if self.command.dry_run:
            self.preview = True
        elif self.command.effect != READ:
            end = len(self.words.line)
            self._no_preview(Word("?", end - 1, end, False, "", ""))

    def _no_preview(self, word: Word) -> NoReturn:
        fixed = self._with(word.start, word.end, "").rstrip("? ")
        self._fail(f"{self.command.name} can't show what it would do", word, f"leave out the {word.text}", fixed)

    def _with(self, start: int, end: int, text: str) -> str:
        """The line with ``text`` in place of what stands there."""
        return self.words.line[:start] + text + self.words.line[end:]

    def _fail(self, reason: str, word: Word | None, suggestion: str = "", corrected: str = "") -> NoReturn:
        """Point at a word, or at the end of the line."""
        line = self.words.line
        start, end = (word.start, word.end) if word else (len(line), len(line) + 1)
        raise NotUnderstood(
            reason,
            line=line,
            caret=start,
            length=max(1, end - start),
            suggestion=suggestion,
            usage=self.command.usage,
            corrected=corrected,
        )
