"""Too many new groups at once in a room: one card tells of those beyond the first ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bellboard.keep import token

MOST, WINDOW = 12, 60.0
"""New groups of a room within these seconds that get cards of their own."""

NAMED, REMEMBERED = 30, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What came into a room lately.

    Attributes:
        recent: the ids of the newest groups, when each came, and whether it has a card of its own.
        begun, last: when the first and the newest came that have none; 0: none did.
        count: how many those are; titles: how many of each title; ids: the first of them.
        claim: the command that opens its card; card: the card's id; shown: when it was brought up to date.
        paged: the teams that were paged for it.
    """

    recent: tuple[tuple[str, float, bool], ...] = ()
    begun: float = 0.0
    last: float = 0.0
    count: int = 0
    titles: dict[str, int] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    claim: str = ""
    card: str = ""
    shown: float = 0.0
    paged: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: dict[str, Any] | None) -> Flood:
        """As it was remembered."""
        if said is None:
            return cls()
        recent = tuple((str(id), float(at), bool(own)) for id, at, own in said["recent"])
        return cls(**{**said, "recent": recent, "ids": tuple(said["ids"]), "paged": tuple(said["paged"])})

    def own(self, id: str) -> bool:
        """Whether a group that came has a card of its own."""
        return next((own for one, _, own in self.recent if one == id), True)


def key(room: str) -> str:
    """Where a room's flood is remembered."""
    return f"alerts.flood.{token(room)}"


def admit(flood: Flood, new: Sequence[tuple[str, str]], now: float, by: str) -> Flood:
    """The flood after new groups have come: their ids and titles. The same ones again change nothing.

    Args:
        by: the id of the command that is to open a card, should this begin a flood.
    """
    known = {id for id, _, _ in flood.recent}
    for id, title in new:
        if id not in known:
            flood = _admit(flood, id, title, now, by)
    return flood


def _admit(flood: Flood, id: str, title: str, now: float, by: str) -> Flood:
    own = sum(now - at < WINDOW for _, at, _ in flood.recent) < MOST
    recent = (*flood.recent[-REMEMBERED + 1 :], (id, now, own))
    if own:
        return replace(flood, recent=recent)
    if now - flood.last > WINDOW:  # the last one is over
        flood = Flood(begun=now, claim=by)
    known = title in flood.titles or len(flood.titles) < NAMED
    titles = {**flood.titles, title: flood.titles.get(title, 0) + 1} if known else flood.titles
    ids = (*flood.ids, id)[:NAMED]
    return replace(flood, recent=recent, last=now, count=flood.count + 1, titles=titles, ids=ids)
