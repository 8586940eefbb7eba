"""Where objects are kept: in Kubernetes, or in a folder. Whoever writes second is told so, and looks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bellboard.errors import Failed
from bellboard.telemetry import logs, names

from .objects import Data, Owner, Place

TRIES = 20


@dataclass(frozen=True, slots=True)
class Object:
    """An object as it was read. ``version`` changes with every change; ``owned`` says whether it goes with its owner."""

    data: Data
    version: str
    owned: bool = True


class Changed(Exception):  # it is no error: somebody else was faster
    """The object is not, or no longer, as it was read; nothing was written."""


class Store(Protocol):
    """Raises BellboardError where it can't be asked."""

    async def owner(self, owner: Owner) -> Owner:
        """The owner with its uid. Raises BellboardError if it is not there."""

    async def read(self, place: Place, owner: Owner) -> Object | None: ...

    async def write(self, place: Place, data: Data, owner: Owner, known: Object | None) -> None:
        """Make the object (``known`` is None), or change the one that was read. Raises Changed."""


async def settle(store: Store, place: Place, owner: Owner, wanted: Callable[[Data], Data]) -> Data:
    """Have an object hold what is wanted, given what it holds, and return that. However many do so at once, all get the same.

    Raises:
        BellboardError: as the store, and ``wanted``.
    """
    for _ in range(TRIES):
        there = await store.read(place, owner)
        data = wanted(there.data if there else {})
        if there and there.owned and there.data == data:
            return data
        try:
            await store.write(place, data, owner, there)
        except Changed:
            continue
        known = there.data if there else {}
        changed = sorted(key for key in data.keys() | known.keys() if data.get(key) != known.get(key))
        logs.emit(names.OBJECT_CHANGED if there else names.OBJECT_MADE, object=str(place), keys=changed)
        return data
    raise Failed(f"the {place} changes again and again", hint="does something else write it?")
