"""The pages that are remembered, in the bot's Keep; every change by compare-and-set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bellboard import UserError
from bellboard.errors import BusError
from bellboard.keep import Keep, KeepConflict
from bellboard.marks import Marks, parse

from .model import Page, dump, load

T = TypeVar("T")

KEPT = 300
"""How many pages are remembered in full; marks remember longer."""

TRIES, PAUSE = 60, 1.0
"""How often the bus is asked again while it is away, and the seconds between."""


class Book:
    """What the bot knows of its pages."""

    def __init__(self, keep: Keep, marks: Marks) -> None:
        self._keep, self._marks = keep, marks

    async def find(self, id: str) -> Page | None:
        """The page of an id, or the newest about the alert of an id; None if there is none."""
        found = parse(id)
        if found is None:
            return None
        if found[0] != "P":
            index = await self._keep.get(_about(id))
            return await self.find(index.value.decode()) if index else None
        kept = await self._keep.get(_key(id))
        return load(kept.value) if kept else None

    async def get(self, id: str) -> Page:
        """The page of an id.

        Raises:
            UserError: there is none.
        """
        page = await self.find(id)
        if page is None:
            raise UserError(f"there is no page {id[:16]}", hint="page list --all")
        return page

    async def create(self, page: Page) -> Page:
        """Write a new page down; the one that is there already, if an attempt before this one made it."""
        try:
            await self._keep.put(_key(page.id), dump(page), expected=0)
        except KeepConflict:
            page = await self.get(page.id)
        if page.about:
            await self._keep.put(_about(page.about), page.id.encode())
        return page

    async def change(self, id: str, event: Callable[[Page], Page]) -> Page:
        """The page that an event makes of it, written down; whoever was faster is taken into account.

        Raises:
            UserError: there is no such page; and what the event raises.
        """
        while True:
            kept = await steadily(partial(self._keep.get, _key(id)))
            if kept is None:
                raise UserError(f"there is no page {id[:16]}", hint="page list --all")
            before = load(kept.value)
            after = event(before)
            if after == before:
                return before
            try:
                await steadily(partial(self._keep.put, _key(id), dump(after), expected=kept.revision))
            except KeepConflict:
                continue
            return after

    async def all(self) -> Sequence[Page]:
        """Every page that is remembered, the oldest first."""
        return sorted((load(kept.value) for kept in await self._keep.list("pages")), key=lambda page: (page.at, page.id))

    async def open(self) -> Sequence[Page]:
        """Those that are not over."""
        return [page for page in await self.all() if page.state != "resolved"]

    async def mark(self, page: Page) -> None:
        """Have its mark say how it stands, and who was told; once more if somebody has changed the page meanwhile."""
        marked: Page | None = None
        while (now := await steadily(partial(self.find, page.id))) is not None and now != marked:
            await self._mark(now)
            marked = now

    async def _mark(self, page: Page) -> None:
        mark = await steadily(lambda: self._marks.find(page.id))
        if mark is None:
            return
        detail = {**mark.detail, "people": ",".join(page.told), "acked_by": page.acked_by, "resolved_by": page.resolved_by}
        until = max(page.resolved_at, mark.at) if page.state == "resolved" else None
        told = replace(mark, state=page.state, until=until, detail={key: value for key, value in detail.items() if value})
        if told != mark:
            await steadily(lambda: self._marks.update(told))

    async def prune(self) -> None:
        """Forget the oldest that are over, if there are too many."""
        pages = await self.all()
        for page in [page for page in pages if page.state == "resolved"][: max(0, len(pages) - KEPT)]:
            await self._keep.forget(_key(page.id))
            index = await self._keep.get(_about(page.about)) if page.about else None
            if index is not None and index.value.decode() == page.id:
                await self._keep.forget(_about(page.about))


async def steadily(do: Callable[[], Awaitable[T]]) -> T:
    """Do something that may be done again, and wait for a bus that is away, up to a minute.

    Raises:
        BusError: it stayed away.
    """
    for left in reversed(range(TRIES)):
        try:
            return await do()
        except BusError:
            if not left:
                raise
            await asyncio.sleep(PAUSE)
    raise AssertionError("unreachable")


def _key(id: str) -> str:
    return f"pages.{id.strip().lower()}"


def _about(id: str) -> str:
    return f"about.{id.strip().lower()}"
