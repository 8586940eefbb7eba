"""Did you mean: a line of talk that is nearly a command. It is offered, never run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import SequenceMatcher

from bellboard.command import Command
from bellboard.grammar import NotUnderstood, Vocabulary
from bellboard.grammar.suggest import slips

CUTOFF = 0.6
"""How alike phrases must be, as difflib has it."""

LONGEST = 400
"""Characters of a line that is looked at."""

SHORT, LONG = 4, 8
"""Letters of a word in which two may only have changed places, as it is too near to others; and of one that takes two slips."""

_ENDINGS = ("s", "d", "ed", "er", "ers", "ing")
"""What makes another word of a verb: who says “deploys are slow” means no command."""


def meant(vocabulary: Vocabulary, text: str, may: Callable[[Command], bool], understood: Callable[[str], object]) -> str:
    """The line that was most likely meant; empty if none was.

    The words at its beginning are held against every phrase of as many. Each must be a slip or two from the one it stands
    for, and what follows must be understood; where nothing follows the phrase alone is enough.

    Args:
        may: whether whoever typed it could run such a command.
        understood: reads a line; raises NotUnderstood.
    """
    line = text.strip()
    words = line.split(None, 5)[:5]
    if not words or len(line) > LONGEST or "\n" in line:
        return ""
    for count in range(len(words), 0, -1):
        for phrase in _nearest([word.casefold() for word in words[:count]], vocabulary.phrases()):
            found = vocabulary.find(phrase.split())
            rest = line.split(None, count)[count:]
            fixed = " ".join([phrase, *rest])
            if found is not None and may(found[0]) and (not rest or _reads(fixed, understood)):
                return fixed
    return ""


def _nearest(typed: list[str], phrases: Iterable[tuple[str, ...]]) -> list[str]:
    """The phrases that these words are a slip of, the most alike first."""
    said = " ".join(typed)
    near: list[tuple[float, str]] = []
    for phrase in phrases:
        if len(phrase) == len(typed) and all(map(_slip, typed, phrase)):
            alike = SequenceMatcher(None, said, " ".join(phrase)).ratio()
            if alike >= CUTOFF:
                near.append((-alike, " ".join(phrase)))
    return [phrase for _, phrase in sorted(near)]


def _slip(typed: str, right: str) -> bool:
    """Whether a word is the right one, or a slip of it and no other form of it."""
    if typed == right:
        return True
    if typed[:1] != right[:1] or any(typed == right + ending for ending in _ENDINGS):
        return False
    if len(right) <= SHORT:
        return sorted(typed) == sorted(right) and slips(typed, right) == 1
    return slips(typed, right) <= (1 if len(right) < LONG else 2)


def _reads(line: str, understood: Callable[[str], object]) -> bool:
    try:
        understood(line)
    except NotUnderstood:
        return False
    return True
