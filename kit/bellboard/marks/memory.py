"""`Marks` in memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from . import KINDS, Draft, Mark, check_owner, matches, named, parse


class MemoryMarks:
    """The marks of one bot, and all others that `by` gives a view of."""

    def __init__(self, bot: str) -> None:
        self._bot, self._rehearsing = bot, False
        self._marks: dict[str, Mark] = {}
        self._keys: dict[tuple[str, str, str], str] = {}

    def by(self, bot: str = "", *, rehearsing: bool = False) -> MemoryMarks:
        """The same marks as another bot or a rehearsing command has them."""
        other = MemoryMarks(bot or self._bot)
        other._rehearsing, other._marks, other._keys = rehearsing, self._marks, self._keys
        return other

    async def begin(self, letter: str, draft: Draft, *, key: str) -> Mark:
        if letter not in KINDS:
            raise ValueError(f"{letter!r} is no letter of a mark")
        id = self._keys.get((self._bot, letter, key))
        if id is None:
            number = 1 + sum(mark.id.startswith(letter) for mark in self._marks.values())
            mark = named(letter, number, self._bot, draft, rehearsal=self._rehearsing)
            id = self._keys[self._bot, letter, key] = mark.id
            self._marks[id] = mark
        return self._marks[id]

    async def update(self, mark: Mark) -> None:
        check_owner(mark, self._marks.get(mark.id), self._bot, rehearsing=self._rehearsing)
        self._marks[mark.id] = mark

    async def find(self, id: str) -> Mark | None:
        found = parse(id)
        return self._marks.get(f"{found[0]}{found[1]}") if found else None

    async def between(self, start: float, end: float, *, app: str = "", kinds: Sequence[str] = ()) -> Sequence[Mark]:
        marks = self._marks.values()
        found = [mark for mark in marks if matches(mark, start, end, app, kinds, rehearsing=self._rehearsing)]
        return sorted(found, key=lambda mark: (mark.at, mark.id))
