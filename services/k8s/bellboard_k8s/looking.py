"""What the commands do: one look each, and how it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from bellboard import Block, UserError, table, text
from bellboard.kube import EVERYWHERE, KubeAbsent, KubeDenied

from . import usage
from .containers import containers
from .happened import Happened, about, happened, shown
from .providers import Fields, Kind, Kubernetes, Listed, Look
from .scope import Scope
from .tables import moment, now, short, typed

ON_CARD = 50
"""Rows that a card shows."""

MOST_EVENTS = 300
BESIDE = 10
"""Events that a description ends with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What people see, and what a pipe goes on with."""

    blocks: Sequence[Block]
    table: Block


class Looking:
    """One person's look at what they may see."""

    def __init__(self, kubernetes: Kubernetes, scope: Scope, person: str) -> None:
        self._look: Look = kubernetes.look(person)
        self._scope, self._whose = scope, kubernetes.whose(person)

    async def get(self, word: str, name: str, namespace: str, labels: str, *, wide: bool) -> Answer:
        """Objects of a kind, or one."""
        kind, where = await self._meant(word, namespace)
        if name and (len(where) > 1 or where == (EVERYWHERE,)):
            raise UserError("a name is of one namespace", hint="say which: in NAMESPACE")
        listed = await self._table(kind, where, name, labels)
        several = len(where) > 1 or where == (EVERYWHERE,)
        people, pipe = (typed(listed, wide=all, namespaces=several, now=now()) for all in (wide, True))
        head = f"{_many(len(listed.rows), kind)}{_in(where)}{' and more' if listed.more else ''}, {self._whose}"
        return Answer(_head_and(head, people), pipe)

    async def describe(self, word: str, name: str, namespace: str) -> list[Block]:
        """One object: what Kubernetes shows of it, its labels, containers and conditions, and what was said of it."""
        kind, (where, *_) = await self._meant(word, namespace)
        listed = await self._table(kind, (where,), name, "")
        found = await self._look.object(kind, where, name)
        blocks = [text(f"{kind.name.lower()} {name}{_in((where,))}, {self._whose}"), _facts(listed, found)]
        blocks += [block for block in (containers(found), _conditions(found)) if block is not None]
        return [*blocks, *await self._said_of(kind, where, name)]

    async def events(self, word: str, name: str, namespace: str) -> Answer:
        """What was said of late."""
        known = await self._look.kinds()
        where = self._scope.where(namespace, self._scope.kind("events", known))
        every: list[Happened] = []
        for said in await asyncio.gather(*(self._look.events(one) for one in where)):
            every += happened(said)
        every.sort(key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True)
        subject = ""
        if word:
            kind = self._scope.kind(word, known)
            every = about(every, kind, name)
            subject = f" about {kind.name.lower()} {name}" if name else f" about {kind.plural}"
        bad = sum(one.bad for one in every)
        count = f"{len(every)} event{'' if len(every) == 1 else 's'}{subject}"
        head = f"{count}{_in(where)}{f', {bad} of them warnings' if bad else ''}, {self._whose}"
        several = len(where) > 1 or where == (EVERYWHERE,)
        block = shown(every[:MOST_EVENTS], namespaces=several)
        return Answer(_head_and(head, block), block)

    async def top(self, what: str, namespace: str) -> Answer:
        """What pods or nodes use."""
        kind, where = await self._meant(what, namespace)
        try:
            used = [item for one in where for item in await self._look.usage(kind.plural, one)]
        except KubeAbsent as error:
            raise KubeAbsent("this cluster does not measure usage", hint="metrics-server is not installed") from error
        if kind.namespaced:
            block = usage.pods(used, namespaces=len(where) > 1 or where == (EVERYWHERE,))
        else:
            block = usage.nodes(used, await self._look.nodes())
        return Answer(
            _head_and(f"{_many(len(used), kind)}{_in(where)}: CPU in cores, memory in MiB, {self._whose}", block), block
        )

    async def _said_of(self, kind: Kind, where: str, name: str) -> list[Block]:
        """The last events of an object; where they may not be seen, that is said, and is no failure."""
        if not where or "events" not in self._scope.kinds:
            return []
        try:
            said = about(happened(await self._look.events(where)), kind, name)[:BESIDE]
        except KubeDenied as error:
            return [text(error.text)]
        return [shown(said)] if said else []

    async def _meant(self, word: str, namespace: str) -> tuple[Kind, tuple[str, ...]]:
        kind = self._scope.kind(word, await self._look.kinds())
        return kind, self._scope.where(namespace, kind)

    async def _table(self, kind: Kind, where: Sequence[str], name: str, labels: str) -> Listed:
        if name:
            return await self._one(kind, where[0], name)
        parts = await asyncio.gather(*(self._look.table(kind, one, labels=labels) for one in where))
        rows = [row for part in parts for row in part.rows]
        return replace(parts[0], rows=rows, more=any(part.more for part in parts))

    async def _one(self, kind: Kind, where: str, name: str) -> Listed:
        """One object; where there is none of that name, the nearest is named."""
        try:
            return await self._look.table(kind, where, name=name)
        except KubeAbsent as error:
            others = await self._look.table(kind, where)
            names = [str(row.meta.get("name", "")) for row in others.rows]
            near = [one for one in names if one.startswith(f"{name}-")] or get_close_matches(name, names, 1)
            raise KubeAbsent(error.text, hint=f"did you mean {near[0]}?" if near else "") from error


def _head_and(head: str, block: Block) -> list[Block]:
    count = len(block.table.rows)
    if not count:
        return [text(head)]
    if count <= ON_CARD:
        return [text(head), block]
    first = Block(table=block.table)
    del first.table.rows[ON_CARD:]
    return [text(head), first, text(f"and {count - ON_CARD} more: narrow it down, or go on with a pipe")]


def _many(count: int, kind: Kind) -> str:
    return f"{count or 'no'} {kind.name.lower() if count == 1 else kind.plural}"


def _in(where: Sequence[str]) -> str:
    if where == (EVERYWHERE,):
        return " in all namespaces"
    return f" in {', '.join(where)}" if any(where) else ""


def _facts(listed: Listed, found: Fields) -> Block:
    meta = found.get("metadata") or {}
    rows = [
        (column.name.casefold(), short(cell))
        for row in listed.rows[:1]
        for column, cell in zip(listed.columns, row.cells, strict=True)
        if column.name != "Name" and cell not in (None, "", "<none>")
    ]
    labels = meta.get("labels") or {}
    owners = [f"{one.get('kind', '').lower()} {one.get('name', '')}" for one in meta.get("ownerReferences") or ()]
    rows += [("labels", short(", ".join(f"{key}={value}" for key, value in labels.items())))] if labels else []
    rows += [("made by", short(", ".join(owners)))] if owners else []
    rows += [("going since", str(meta["deletionTimestamp"]))] if meta.get("deletionTimestamp") else []
    return table(["what", "is"], rows)


def _conditions(found: Fields) -> Block | None:
    every = (found.get("status") or {}).get("conditions") or ()
    rows = [
        (
            short(one.get("type", "")),
            short(one.get("status", "")),
            short(one.get("reason") or ""),
            short(one.get("message") or ""),
            moment(one.get("lastTransitionTime")),
        )
        for one in every
    ]
    return table(["condition", "status", "reason", "message", "since"], rows) if rows else None
