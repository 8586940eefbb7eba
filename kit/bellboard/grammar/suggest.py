"""Did you mean: the nearest of a few words."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LENGTH = 32
"""Longer words are not compared: the work stays bounded, whatever is typed."""

MAX_CANDIDATES = 256


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate that ``word`` is most likely a slip of, or an empty text."""
    word = word.casefold()
    if not 0 < len(word) <= MAX_LENGTH:
        return ""
    best, least = "", 1 + (1 if len(word) <= 4 else 2 if len(word) <= 9 else 3)
    letters = set(word)
    for count, candidate in enumerate(candidates):
        if count == MAX_CANDIDATES:
            break
        if abs(len(candidate) - len(word)) >= least or len(letters.difference(candidate.casefold())) >= least:
            continue
        distance = slips(word, candidate.casefold())
        if distance < least:
            best, least = candidate, distance
    return best


def slips(a: str, b: str) -> int:
    """Slips between two words: letters added, left out, changed, or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        older, before, row = before, row, [i + 1]
        for j, y in enumerate(b):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                cost = min(cost, older[j - 1] + 1)
            row.append(cost)
    return row[-1]
