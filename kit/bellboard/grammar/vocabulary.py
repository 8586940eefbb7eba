"""Every phrase that can be typed, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from bellboard.command import Command
from bellboard.errors import ContractError

from .complete import Completion, complete
from .errors import NotUnderstood
from .masking import hide_secrets
from .normalise import normalise
from .parse import Parsed, read_arguments
from .suggest import nearest
from .values import Scope
from .words import Words

if TYPE_CHECKING:
    from bellboard.contract import Contract

LONGEST_PHRASE = 5
"""The most words of a phrase."""


class Vocabulary:
    """The commands of several contracts, oldest first: of two contracts of one bot, the later is parsed by.

    Raises:
        ContractError: two bots claim one phrase, or one claims what begins with another's.
    """

    def __init__(self, contracts: Iterable[Contract]) -> None:
        newest = {contract.bot: contract for contract in contracts}
        self.contracts = tuple(newest.values())
        self.commands = tuple(command for contract in self.contracts for command in contract.commands)
        self._phrases: dict[tuple[str, ...], Command] = {}
        for command in self.commands:
            for phrase in (command.phrase, *command.aliases):
                self._claim(tuple(word.lower() for word in phrase), command)
        for phrase, command in self._phrases.items():
            self._check_owner(phrase, command)
        self._starts = frozenset(phrase[0] for phrase in self._phrases)

    def _claim(self, phrase: tuple[str, ...], command: Command) -> None:
        owner = self._phrases.setdefault(phrase, command)
        if owner is not command:
            raise ContractError(f"the phrase “{' '.join(phrase)}” is claimed by {command.bot}, and is {owner.bot}'s")

    def _check_owner(self, phrase: tuple[str, ...], command: Command) -> None:
        for length in range(1, len(phrase)):
            owner = self._phrases.get(phrase[:length])
            if owner is not None and owner.bot != command.bot:
                text = " ".join(phrase)
                raise ContractError(f"the phrase “{text}” is claimed by {command.bot}, but begins with one of {owner.bot}'s")

    def find(self, words: Sequence[str]) -> tuple[Command, int] | None:
        """The command with the longest phrase that ``words`` begin with, and that phrase's length in words."""
        low = tuple(word.lower() for word in words[:LONGEST_PHRASE])
        for length in range(len(low), 0, -1):
            command = self._phrases.get(low[:length])
            if command is not None:
                return command, length
        return None

    def phrases(self) -> Iterable[tuple[str, ...]]:
        """Every phrase and alias."""
        return self._phrases

    def knows(self, line: str) -> bool:
        """Whether a line, as typed, begins with a phrase. Takes any text, of any size."""
        return self._match(line[:400]) is not None

    def _match(self, line: str) -> tuple[Command, int, bool] | None:
        """The command, the length of its phrase, and whether a ``!`` ends it."""
        words = line.split(None, LONGEST_PHRASE)
        if not words or words[0].lower().rstrip("!?") not in self._starts:
            return None
        plain: list[str] = []
        for index, word in enumerate(words[:LONGEST_PHRASE]):
            bare = word.rstrip("?") if index == len(words) - 1 else word
            plain.append(bare.removesuffix("!"))
            if plain[-1] != word:
                break  # no phrase goes on behind it
        found = self.find(plain)
        if found is None:
            return None
        command, length = found
        return command, length, words[length - 1].rstrip("?").endswith("!")

    def parse(self, line: str, scope: Scope, *, piped: bool = False) -> Parsed:
        """Understand one line, as typed or as normalised. ``piped``: a table will come from the stage before.

        Raises:
            NotUnderstood: it is too large, holds what it may not, begins with no phrase, or does not fit the command.
        """
        try:
            line = normalise(line)
            found = self._match(line)
            if found is None:
                raise self._unknown(line)
            command, length, force = found
            words = Words(line)
            words.skip(length)
            return read_arguments(command, words, scope, force=force, piped=piped)
        except NotUnderstood as error:
            shown = self.discreet(error.line)
            if shown != error.line:
                error.line, error.corrected = shown, ""  # a secret would stand in it
            raise

    def discreet(self, line: str) -> str:
        """A normalised line with each character of a secret hidden, whether or not the line is understood."""
        found = self._match(line)
        return hide_secrets(found[0], line, found[1]) if found is not None and found[0].secrets else line

    def _unknown(self, line: str) -> NotUnderstood:
        typed = list(islice(re.finditer(r"\S+", line), LONGEST_PHRASE))
        words = [word[0] for word in typed]
        if not words:
            return NotUnderstood("the line is empty", line=line, suggestion="help")
        fit = min(self._fitting(words), len(words) - 1)
        reason = f"there is no command “{' '.join(words[: fit + 1])[:40]}”"
        near, length = self.nearest(words)
        fixed = ""
        if length:
            slip = typed[length - 1]
            fixed = near + line[slip.start() + len(slip[0].rstrip("!?")) :]
        return NotUnderstood(
            reason,
            line=line,
            caret=typed[fit].start(),
            length=len(words[fit]),
            suggestion=near or "help",
            corrected=fixed,
        )

    def _fitting(self, words: Sequence[str]) -> int:
        """How many of the first words some phrase begins with."""
        low = tuple(word.lower().rstrip("!?") for word in words)
        lengths = range(len(low), 0, -1)
        return next((length for length in lengths if any(low[:length] == phrase[:length] for phrase in self._phrases)), 0)

    def nearest(self, words: Sequence[str]) -> tuple[str, int]:
        """The phrase that words are most likely a slip of, or an empty text; and how many of them it stands for.

        Of a phrase that the first word only begins, it is 0 where more words follow.
        """
        names = {" ".join(phrase): command for phrase, command in self._phrases.items() if not command.internal}

        def near(length: int) -> str:
            typed = " ".join(words[:length]).rstrip("!?")
            return nearest(typed, (name for name in names if name.count(" ") == length - 1))

        for length in range(min(len(words), LONGEST_PHRASE), 0, -1):
            if (found := near(length)) and not _takes(names.get(near(length - 1)), words[length - 1]):
                return found, length
        same = [name for name in names if name.startswith(words[0].lower() + " ")]
        return (same[0], int(len(words) == 1)) if same else ("", 0)

    def complete(self, line: str, cursor: int, scope: Scope | None = None) -> list[Completion]:
        """What may stand where the cursor is, best first. People and rooms come from ``scope``, if it lists them."""
        return complete(self, line, cursor, scope)


def _takes(command: Command | None, word: str) -> bool:
    """Whether a word is one that the first argument of a command is known to take, such as the app in ``dpeloy shop``."""
    first = command.positionals[:1] if command is not None else ()
    return any(word in (*argument.suggestions, *argument.choices) for argument in first)
