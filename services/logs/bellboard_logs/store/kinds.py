"""The patterns of the embedded store, and how often they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..drain import ANY
from ..query import Query, tokens
from ..seen import Kind, Told
from .reader import Reader, condition

WORDS = 8
"""Words of a pattern by which its lines are found in the index."""


@dataclass(frozen=True, slots=True)
class StoredKinds:
    """The `Kinds` of the embedded store; ``env``: of that environment's lines alone, which it counts."""

    reader: Reader
    env: str = ""

    async def kinds(self) -> Sequence[Kind]:
        return [Kind(*row) for row in await self.reader.rows("SELECT id, app, template, first FROM pattern")]

    async def told(self, kind: Kind, start: float, end: float) -> Told | None:
        fixed = {word for word in kind.template.split(" ") if word != ANY and tokens(word)}
        words = tuple(sorted(fixed, key=len, reverse=True)[:WORDS])
        query = Query(kind.app, start, end, words, env=self.env)
        sql, values = condition(query)
        counted = f"SELECT count(*), min(at), max(at) {sql} AND pattern = ?"
        ((count, first, last),) = await self.reader.rows(counted, [*values, kind.id], query)
        return Told(count, first, last) if count else None
