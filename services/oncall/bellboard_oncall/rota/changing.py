"""Covers and swaps from a line to what is agreed: `oncall cover`, `uncover`, `swap` and `agree`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bellboard import Block, Call, UserError, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.replies import GOOD, WARNING

from . import Shift, covered
from .covers import AGREED, ASKED, DECLINED, EXPIRED, PATIENCE, WITHDRAWN, Cover, Piece
from .desk import Desk
from .model import TeamRota
from .times import Clock, stretch

BACK = 120 * 86400.0
"""How far ahead, in seconds, a shift to take in return is looked for."""

HOUR = 3600.0

MOST = 100
"""Shifts in one cover or swap."""


async def cover(call: Call, desk: Desk, team: str, range: TimeRange | None, by: str, layer: str) -> list[Block]:
    """Put somebody on call for a stretch of time; somebody else only if they agree."""
    rota, person = desk.rota(team), _who(call)
    taker = desk.known(by or person)
    start, end = await _ahead(call, desk, range)
    base = await desk.base(rota, start, end)
    layer = _layer(rota, base, layer)

    def make(known: Sequence[Cover]) -> Cover | None:
        there = [one for one in desk.over(rota, base, known, start, end) if one.layer == layer]
        if not there:
            raise UserError(f"nobody is on call for {rota.team.name} in {layer or 'that calendar'} then", hint=_see(rota))
        pieces = _taken(there, taker, start, end)
        if not pieces:
            return None
        return _cover(call, rota, "cover", "" if taker == person else taker, pieces)

    made = (
        make(await desk.covers().of(rota.team.name)) if call.preview else await desk.covers().add(rota.team.name, call.id, make)
    )
    if made is None:
        return [text(f"{desk.name(taker)} is on call for {rota.team.name} then anyway; nothing changes", tone=GOOD)]
    return covered.shown(call, desk, rota, made)


async def swap(call: Call, desk: Desk, team: str, person: str, range: TimeRange | None, back: TimeRange | None) -> list[Block]:
    """Ask somebody to take a shift of the asker's, for one of theirs."""
    rota, me = desk.rota(team), _who(call)
    other = desk.known(person)
    if other == me:
        raise UserError("that is you", hint="with whom do you want to swap?")
    start, end = await _ahead(call, desk, range)
    wanted = await _ahead(call, desk, back) if back is not None else None
    last = max(end, wanted[1]) if wanted else end + BACK
    base = await desk.base(rota, min(start, wanted[0] if wanted else start), last)

    def make(known: Sequence[Cover]) -> Cover | None:
        shifts = desk.over(rota, base, known, 0.0, last)
        given = [piece for piece in _taken(shifts, other, start, end) if piece.instead == me]
        if not given:
            raise UserError(f"you are not on call for {rota.team.name} then", hint="see: oncall next")
        theirs = [one for one in shifts if one.person == other and one.layer in {piece.layer for piece in given}]
        returned = _in_return(theirs, me, given, wanted)
        if wanted and not returned:
            raise UserError(f"{desk.name(other)} is not on call for {rota.team.name} then", hint=f"see: oncall next @{other}")
        return _cover(call, rota, "swap", other, [*given, *returned])

    made = (
        make(await desk.covers().of(rota.team.name)) if call.preview else await desk.covers().add(rota.team.name, call.id, make)
    )
    return covered.shown(call, desk, rota, made) if made else []


async def agree(call: Call, desk: Desk, id: str, no: bool) -> list[Block]:
    """Say yes or no; only whoever was asked may."""
    me, now = call.person, call.at
    known = await desk.covers().everywhere()
    open_ = [one for one in known if one.other == me and one.asks(now)]
    asked = _meant(call, known, open_, id, "agree")
    if asked is None:
        return [text("nobody waits for your answer", tone=GOOD)]
    if asked.other != me:
        whose = f"only {desk.name(asked.other)} can answer it" if asked.other else "it needs nobody's word"
        raise UserError(f"{asked.id}: {whose}", hint="see: oncall schedule")
    rota = desk.rota(asked.team)
    base = await desk.base(rota, asked.start, asked.end)

    def answer(found: Cover, known: Sequence[Cover]) -> Cover:
        wish = DECLINED if no else AGREED
        if found.last == call.id:
            return found
        if found.state != ASKED:
            raise UserError(f"{found.id} is {found.state} already", hint=_see(rota))
        if not found.asks(now):
            return replace(found, state=EXPIRED)
        if not no:
            _still_fits(desk, rota, base, found, known, Clock(desk.zone(me, rota.team), now))
        return replace(found, state=wish, last=call.id)

    done = await desk.covers().change(asked, answer)
    if done.state == EXPIRED:
        raise UserError(f"{done.id} has expired; nobody answered in time", hint=f"ask again: oncall {done.kind} {done.team} …")
    if done.state == DECLINED:
        said = f"{done.id}: {desk.name(me)} can't; everything stays as it was"
        return [text(said, tone=WARNING, mentions=[done.by] if done.by != me else [])]
    lines = covered.lines(desk, rota, done, Clock(desk.zone(me, rota.team), now))
    return [text(f"{done.id}: agreed. {'; '.join(lines)}", tone=GOOD, mentions=[done.by])]


async def uncover(call: Call, desk: Desk, id: str) -> list[Block]:
    """Take a cover or a swap back; what of it is past stays as it was."""
    now, me = call.at, call.person
    known = await desk.covers().everywhere()
    mine = [one for one in known if one.state in (ASKED, AGREED) and one.end > now and me in one.people]
    found = _meant(call, known, mine, id, "uncover")
    if found is None:
        return [text("you have no cover or swap ahead", tone=GOOD)]
    rota = desk.rota(found.team)
    if me not in found.people:
        names = " or ".join(desk.name(person) for person in found.people)
        raise UserError(f"{found.id} concerns {names}; only they can take it back", hint="ask them")

    def back(one: Cover, _: Sequence[Cover]) -> Cover:
        if one.last == call.id:
            return one
        if one.state not in (ASKED, AGREED) or one.end <= now:
            state = one.state if one.state not in (ASKED, AGREED) else "over"
            raise UserError(f"{one.id} is {state} already", hint=_see(rota))
        past = tuple(replace(piece, end=min(piece.end, now)) for piece in one.pieces if piece.start < now)
        if one.state == AGREED and past:
            return replace(one, pieces=past, last=call.id)
        return replace(one, state=WITHDRAWN, last=call.id)

    ahead = [piece for piece in found.pieces if piece.end > now] if found.state == AGREED else []
    if call.preview:
        back(found, known)
    else:
        await desk.covers().change(found, back)
    clock = Clock(desk.zone(me, rota.team), now)
    lines = [f"{desk.name(one.instead)} is on call again {clock.span(max(one.start, now), one.end)}" for one in ahead]
    would = "would be taken back" if call.preview else "is taken back"
    told = [] if call.preview else [person for person in found.people if person != me]
    return [text("; ".join([f"{found.id} {would}", *lines]), tone=GOOD, mentions=told)]


def _who(call: Call) -> str:
    person: str = call.person
    if not person:
        raise UserError("only people cover and swap")
    return person


async def _ahead(call: Call, desk: Desk, range: TimeRange | None) -> tuple[float, float]:
    """A stretch that is not over, from now on at the earliest."""
    start, end = await stretch(range, call.at, desk.marks())
    if end <= call.at or start >= end:
        raise UserError("that is over", hint="such as tomorrow, 2h, or fri 18:00-22:00")
    return max(start, call.at), end


def _layer(rota: TeamRota, base: Sequence[Shift], layer: str) -> str:
    names = [one.name for one in rota.layers] or list(dict.fromkeys(one.layer for one in base)) or [""]
    if layer and layer not in names:
        raise UserError(f"{rota.team.name} has no layer “{layer[:40]}”", hint=f"there is {', '.join(names)}")
    return layer or names[0]


def _taken(shifts: Sequence[Shift], taker: str, start: float, end: float) -> list[Piece]:
    """What of the shifts of others lies in a stretch."""
    return [
        Piece(one.layer, taker, one.person, max(one.start, start), min(one.end, end))
        for one in shifts
        if one.person != taker and one.start < end and one.end > start
    ]


def _in_return(theirs: Sequence[Shift], me: str, given: Sequence[Piece], wanted: tuple[float, float] | None) -> list[Piece]:
    """What the asker takes: the stretch that was named, else as much of their next shift as they take."""
    if wanted:
        return _taken(theirs, me, *wanted)
    after = next((one for one in sorted(theirs, key=lambda one: one.start) if one.start >= given[-1].end), None)
    if after is None:
        return []
    much = sum(piece.end - piece.start for piece in given)
    return [Piece(after.layer, me, after.person, after.start, min(after.end, after.start + much))]


def _cover(call: Call, rota: TeamRota, kind: str, other: str, pieces: Sequence[Piece]) -> Cover:
    if len(pieces) > MOST:
        raise UserError(f"that is {len(pieces)} shifts at once", hint=f"{MOST} at most; for longer, change the file")
    begins = min(piece.start for piece in pieces)
    return Cover(
        kind=kind,
        team=rota.team.name,
        by=call.person,
        other=other,
        state=ASKED if other else AGREED,
        at=call.at,
        expires=max(call.at + HOUR, min(call.at + PATIENCE, begins)),
        command=call.id,
        room=call.room,
        pieces=tuple(pieces),
    )


def _still_fits(desk: Desk, rota: TeamRota, base: Sequence[Shift], cover: Cover, known: Sequence[Cover], clock: Clock) -> None:
    """Make sure that whoever gives a stretch away still has it.

    Raises:
        UserError: somebody else has it by now; it says who, and through what.
    """
    others = [one for one in known if one.command != cover.command]
    for piece in cover.pieces:
        for one in desk.over(rota, base, others, piece.start, piece.end):
            if one.layer == piece.layer and one.person != piece.instead:
                through = f" ({one.cover})" if one.cover else ""
                when = clock.span(piece.start, piece.end)
                raise UserError(
                    f"{cover.id} no longer fits: {desk.name(one.person)} has {when} by now{through}",
                    hint=f"ask anew: oncall {cover.kind} {cover.team} …",
                )


def _meant(call: Call, known: Sequence[Cover], mine: Sequence[Cover], id: str, verb: str) -> Cover | None:
    """The cover of an id; without one the only one of ``mine``, or that which an attempt before this one changed.

    Raises:
        UserError: there is none of that id, or several are left.
    """
    if id:
        found = next((one for one in known if one.id == id.upper()), None)
        if found is None:
            raise UserError(f"there is no cover {id[:16]}", hint="an id is a letter and a number, such as C3")
        return found
    done = next((one for one in known if one.last == call.id), None)
    if done is None and len(mine) > 1:
        raise UserError("which one?", hint=" or ".join(f"oncall {verb} {one.id}" for one in mine[:4]))
    return done or (mine[0] if mine else None)


def _see(rota: TeamRota) -> str:
    return f"see: oncall schedule {rota.team.name}"
