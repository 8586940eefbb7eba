"""What the bot remembers of groups: one value each, claimed with compare-and-set, small however large the group is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

import orjson

from bellboard.keep import Keep, KeepConflict, Kept, token
from bellboard.stored import revive

from .groups import Group, Marked
from .model import Alert, Route, digest

AT_ONCE = 16
"""Groups that are read and written at the same time."""

KNOWN = 256
"""Groups that need not be read before they are written."""

_NUMBER = 6
_ENTRY = 3 * _NUMBER

T = TypeVar("T")


def dump(group: Group) -> bytes:
    """A group as bytes: what people read as JSON, and behind it 18 bytes for each alert."""
    said = {f.name: getattr(group, f.name) for f in fields(Group) if f.name != "marked"}
    said["listed"] = {name: asdict(one) for name, one in group.listed.items()}
    said["route"] = asdict(group.route)
    head = orjson.dumps(said)
    tail = b"".join(
        name + fired.to_bytes(_NUMBER, "big") + over.to_bytes(_NUMBER, "big") for name, (fired, over) in group.marked.items()
    )
    return len(head).to_bytes(4, "big") + head + tail


def load(value: bytes, *, marked: bool = True) -> Group:
    """A group from bytes; without ``marked`` only what people read of it, and never to be stored again."""
    end = 4 + int.from_bytes(value[:4], "big")
    said: dict[str, Any] = orjson.loads(value[4:end])
    said["listed"] = {name: revive(Alert, one) for name, one in said["listed"].items()}
    route: dict[str, Any] = said["route"]
    said["route"] = revive(Route, {**route, "app": tuple(route["app"]), "env": tuple(route["env"])})
    return revive(Group, {**said, "marked": _marked(value[end:]) if marked else {}})


def _marked(tail: bytes) -> Mapping[bytes, Marked]:
    def number(at: int) -> int:
        return int.from_bytes(tail[at : at + _NUMBER], "big")

    starts = range(0, len(tail) - _ENTRY + 1, _ENTRY)
    return {tail[at : at + _NUMBER]: (number(at + _NUMBER), number(at + 2 * _NUMBER)) for at in starts}


class Groups:
    """Every group that is remembered.

    ``known`` holds those that were written last, with their revisions: in a storm a group is not read before each write. It may
    be shared by several of these; whoever else writes makes the next write look again.
    """

    def __init__(self, keep: Keep, known: dict[str, tuple[int, Group]] | None = None) -> None:
        self._keep, self._known = keep, {} if known is None else known

    async def get(self, name: str) -> Group | None:
        """The group of a `Group.name`; None if none is remembered."""
        kept = await self._keep.get(f"alerts.group.{name}")
        return load(kept.value) if kept else None

    async def of(self, id: str) -> Group | None:
        """The group whose newest episode has this id, such as A3, in small or large letters; None if there is none any more."""
        kept = await self._keep.get(_id(id))
        group = await self.get(kept.value.decode()) if kept else None
        return group if group is not None and group.id.lower() == id.strip().lower() else None

    async def note(self, group: Group) -> None:
        """Remember which group an id belongs to."""
        await self._keep.put(_id(group.id), group.name.encode())

    async def change(self, key: str, how: Callable[[Group], Group], *, look: bool = True) -> Group:
        """Change a group, from nothing if need be, and return what it is then. It is stored if that differs.

        Args:
            key: the group's own.
            how: may be asked several times.
            look: read it first. Not needed where what changes nothing in an older state changes nothing in a newer one.

        Raises:
            BusError: it may be changed now or not.
        """
        where = f"alerts.group.{digest(key)}"
        while True:
            known = None if look else self._known.get(key)
            revision, before = known or await self._read(where, key)
            after = how(before)
            if after == before:
                return after
            self._known.pop(key, None)
            try:
                revision = await self._keep.put(where, dump(after), expected=revision)
            except KeepConflict:
                look = True
                continue
            self._note(key, revision, after)
            return after

    async def _read(self, where: str, key: str) -> tuple[int, Group]:
        kept = await self._keep.get(where)
        return (kept.revision, load(kept.value)) if kept else (0, Group(key=key))

    def _note(self, key: str, revision: int, group: Group) -> None:
        self._known[key] = revision, group
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    async def all(self) -> Sequence[Group]:
        """Every group as people read it, those that burn first, the newest first."""
        kept = await self._keep.list("alerts.group")
        found = [load(one.value, marked=False) for one in kept]
        return sorted((one for one in found if one.episode), key=lambda one: (not one.open, -one.opened))

    async def tidy(self, before: float) -> int:
        """Forget the groups that have been over since before a moment. How many."""
        old = [one for one in await self._keep.list("alerts.group") if _old(one, before)]
        for one in old:
            try:
                await self._keep.forget(one.key, expected=one.revision)
            except KeepConflict:
                continue  # it burns again
            if id := load(one.value, marked=False).id:
                await self._keep.forget(_id(id))
        return len(old)


def _id(id: str) -> str:
    return f"alerts.id.{token(id.strip().lower())}"


def _old(kept: Kept, before: float) -> bool:
    return kept.at < before and not load(kept.value, marked=False).open


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """The results, in order, of some work done `AT_ONCE` at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(what: Awaitable[T]) -> T:
        async with gate:
            return await what

    return await asyncio.gather(*(one(what) for what in work))


async def kept_json(keep: Keep, key: str, how: Callable[[Any], Any]) -> Any:
    """Change a small JSON value that several may change at once; None stands for nothing. What it is then."""
    while True:
        kept = await keep.get(key)
        after = how(orjson.loads(kept.value) if kept else None)
        value = None if after is None else orjson.dumps(after)
        if value == (kept.value if kept else None):
            return after
        try:
            if value is None:
                await keep.forget(key, expected=kept.revision if kept else 0)
            else:
                await keep.put(key, value, expected=kept.revision if kept else 0)
        except KeepConflict:
            continue
        return after
