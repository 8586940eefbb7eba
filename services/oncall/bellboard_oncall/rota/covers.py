"""Covers and swaps: who takes whose stretch of on-call, agreed or still asked. All of a team's stand under one key, so
that of two replicas that change them at once one has to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson

from bellboard import Failed
from bellboard.keep import Keep, KeepConflict, Kept, token
from bellboard.marks import Draft, Marks
from bellboard.stored import revive

from . import Shift
from .engine import put_on

MOST = 200 * 1024
"""Bytes of a team's covers that are remembered; those that were over first go first."""

PATIENCE = timedelta(hours=24).total_seconds()
"""How long an answer is waited for, in seconds; never longer than until the stretch begins, but for an hour at least."""

ASKED, AGREED, DECLINED, EXPIRED, WITHDRAWN = "asked", "agreed", "declined", "expired", "withdrawn"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a layer that ``person`` takes from ``instead``. Times are seconds since 1970."""

    layer: str
    person: str
    instead: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A cover or a swap.

    Attributes:
        id: such as C3; empty until its mark is made.
        kind: "cover" or "swap".
        by: who asked for it.
        other: whose word it needs; empty where it needs nobody's.
        state: one of the words above.
        at, expires: when it was asked for, and until when an answer is waited for.
        command: the id of the command that asked for it.
        room: the id of the room where it was asked for.
        last: the id of the command that changed its state last, so that a second attempt of that finds it.
    """

    id: str = ""
    kind: str
    team: str
    by: str
    other: str
    state: str
    at: float
    expires: float
    command: str
    room: str = ""
    last: str = ""
    pieces: tuple[Piece, ...]

    @property
    def start(self) -> float:
        return min(piece.start for piece in self.pieces)

    @property
    def end(self) -> float:
        return max(piece.end for piece in self.pieces)

    def asks(self, now: float) -> bool:
        """Whether its answer is still waited for."""
        return self.state == ASKED and now < self.expires

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whom it concerns."""
        named = [self.by, self.other, *(name for piece in self.pieces for name in (piece.person, piece.instead))]
        return tuple(dict.fromkeys(filter(None, named)))


def apply(shifts: Sequence[Shift], covers: Sequence[Cover]) -> list[Shift]:
    """Shifts, with what was agreed put on top in the order in which it was asked for."""
    found = list(shifts)
    for cover in covers:
        if cover.state != AGREED:
            continue
        for piece in cover.pieces:
            over = Shift(cover.team, piece.layer, piece.person, piece.start, piece.end, cover.id or "cover")
            mine = [shift for shift in found if shift.layer == piece.layer]
            if any(shift.start < piece.end and shift.end > piece.start for shift in mine):
                found = [shift for shift in found if shift.layer != piece.layer] + put_on(mine, over, fill=False)
    return found


class Covers:
    """The covers that the bot keeps."""

    def __init__(self, keep: Keep, marks: Marks) -> None:
        self._keep, self._marks = keep, marks

    async def of(self, team: str) -> list[Cover]:
        """All of a team, the oldest first. Raises BusError."""
        return _load(await self._keep.get(_key(team)))

    async def everywhere(self) -> list[Cover]:
        """Those of all teams."""
        return [cover for kept in await self._keep.list("covers") for cover in _load(kept)]

    async def add(self, team: str, command: str, make: Callable[[Sequence[Cover]], Cover | None]) -> Cover | None:
        """Add what ``make`` makes, knowing all that are there, and give it an id. For the same command, the same again.

        Raises:
            UserError: ``make`` raises it.
        """
        while True:
            kept = await self._keep.get(_key(team))
            known = _load(kept)
            cover = next((one for one in known if one.command == command), None)
            if cover is None:
                cover = make(known)
                if cover is None:
                    return None
                try:
                    await self._put(team, [*known, cover], kept)
                except KeepConflict:
                    continue  # somebody else was quicker: look again
            return await self._mark(cover)

    async def change(self, cover: Cover, how: Callable[[Cover, Sequence[Cover]], Cover]) -> Cover:
        """Change one, knowing it and all others as they are now; its mark tells of it.

        Raises:
            UserError: ``how`` raises it.
            Failed: it is not there any more.
        """
        while True:
            kept = await self._keep.get(_key(cover.team))
            known = _load(kept)
            found = next((one for one in known if one.command == cover.command), None)
            if found is None:
                raise Failed(f"{cover.id} is not remembered any more")
            changed = how(found, known)
            if changed != found:
                try:
                    await self._put(cover.team, [changed if one is found else one for one in known], kept)
                except KeepConflict:
                    continue
            return await self._mark(changed)

    async def _put(self, team: str, covers: Sequence[Cover], kept: Kept | None) -> None:
        while len(data := orjson.dumps(covers)) > MOST:
            oldest = sorted(covers, key=lambda one: one.end)[: max(1, len(covers) // 10)]
            covers = [one for one in covers if one not in oldest]
        await self._keep.put(_key(team), data, expected=kept.revision if kept else 0)

    async def _mark(self, cover: Cover) -> Cover:
        """The cover with its id, its mark as the cover is. The mark comes after it, so that one who lost leaves none."""
        people = ",".join(cover.people)
        who = " and ".join(dict.fromkeys(piece.person for piece in cover.pieces))
        draft = Draft(
            title=f"{cover.team}: {cover.kind}, {who} on call",
            at=cover.start,
            until=cover.end,
            person=cover.by,
            command=cover.command,
            state=cover.state,
            detail={"team": cover.team, "people": people},
        )
        mark = await self._marks.begin("C", draft, key=cover.command)
        if mark.state != cover.state or mark.until != cover.end:
            await self._marks.update(replace(mark, state=cover.state, until=max(mark.at, cover.end)))
        return cover if cover.id else await self.change(cover, lambda found, _: replace(found, id=mark.id))


def _key(team: str) -> str:
    return f"covers.{token(team)}"


def _load(kept: Kept | None) -> list[Cover]:
    if kept is None:
        return []
    return [
        revive(Cover, {**one, "pieces": tuple(revive(Piece, piece) for piece in one["pieces"])})
        for one in orjson.loads(kept.value)
    ]
