"""Where a rollout stands: written down before each action, so that whoever takes over goes on there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import orjson

from bellboard.errors import BusError
from bellboard.keep import Keep, KeepConflict, Kept, token
from bellboard.stored import revive

Phase = Literal["pinned", "starting", "shifting", "soaking", "paused", "back", "retiring", "over"]
State = Literal["running", "unknown", "succeeded", "rolled-back", "failed"]
Wish = Literal["pause", "promote", "abort"]

TRIES, PAUSE = 30, 1.0
"""How often a place is written while the bus is away, and the seconds between."""

KEPT = 300
"""How many rollouts are remembered in full; marks remember longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One rollout, and where it stands.

    Attributes:
        command: the id of its command; ``id`` is that of its mark, such as D142, and empty before there is one.
        previous: the version that took the traffic before; empty if none did.
        stages: percent of the traffic in each; ``stage`` is the one that it is at, from 0.
        soak: seconds to watch each stage.
        since: when the phase began, in seconds since 1970.
        attempt: which attempt at the command wrote it last.
        wishes: the revision of the newest wish that was heard.
        why: why it goes back, or failed.
        state: ``unknown`` where its worker was lost for good and a look could not tell what became of it.
        lost: requests that the new version failed.
        rollback: it brings back what ran before.
        story: what happened, each with its moment, in order.
    """

    command: str
    app: str
    env: str
    person: str
    version: str
    digest: str
    commit: str
    previous: str
    previous_digest: str
    count: int
    stages: tuple[int, ...]
    soak: float
    gates: tuple[str, ...]
    began: float
    id: str = ""
    reason: str = ""
    forced: str = ""
    stage: int = 0
    phase: Phase = "pinned"
    state: State = "running"
    since: float = 0.0
    ended: float = 0.0
    attempt: int = 1
    wishes: int = 0
    why: str = ""
    lost: int = 0
    rollback: bool = False
    story: tuple[tuple[float, str], ...] = field(default=())

    @property
    def key(self) -> str:
        """The prefix of what it starts, such as d142."""
        return self.id.lower()

    @property
    def share(self) -> int:
        """Percent of the traffic that the new version has in this stage."""
        return self.stages[min(self.stage, len(self.stages) - 1)]

    @property
    def deaf(self) -> str:
        """Why it takes no more word of anybody; empty as long as it does."""
        return {"back": "is going back already", "retiring": "has all of the traffic by now"}.get(self.phase, "")

    def shares(self) -> dict[str, int]:
        """Percent of the traffic by version in this stage."""
        share = self.share if self.previous else 100
        return {self.version: share} | ({self.previous: 100 - share} if share < 100 else {})

    def told(self, text: str, **changes: Any) -> Place:
        """The place with one more line of its story; a line that was the last already is not told twice."""
        line = () if self.story and self.story[-1][1] == text else ((time.time(), text),)
        return replace(self, story=(*self.story, *line), **changes)


def _load(value: bytes) -> Place:
    said = orjson.loads(value)
    said["stages"], said["gates"] = tuple(said["stages"]), tuple(said["gates"])
    said["story"] = tuple((at, text) for at, text in said["story"])
    return revive(Place, said)


class Places:
    """The rollouts that the bot remembers, in its Keep."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def of(self, command: str) -> tuple[Place | None, int]:
        """The place of a command's rollout, and its revision; None and 0 if there is none."""
        kept = await self._keep.get(_key(command))
        return (_load(kept.value), kept.revision) if kept else (None, 0)

    async def save(self, place: Place, revision: int) -> int:
        """Write it down; the new revision. While the bus is away this waits for it, up to half a minute.

        Raises:
            KeepConflict: another attempt wrote meanwhile; this one must stop.
            BusError: it may be written now or not.
        """
        key, value = _key(place.command), orjson.dumps(asdict(place))
        for left in reversed(range(TRIES)):
            try:
                return await self._keep.put(key, value, expected=revision)
            except KeepConflict:
                kept = await self._keep.get(key)
                if kept is None or kept.value != value:  # else it was written by the try before
                    raise
                return kept.revision
            except BusError:
                if not left:
                    raise
                await asyncio.sleep(PAUSE)
        raise AssertionError("unreachable")

    async def all(self) -> Sequence[Place]:
        """Every rollout that has an id, the oldest first."""
        notes = {kept.key.partition(".")[2]: kept.value for kept in await self._keep.list("found")}
        found = [_load(kept.value) for kept in await self._keep.list("rollout")]
        known = (_with(place, notes.get(token(place.command))) for place in found if place.id)
        return sorted(known, key=lambda place: place.began)

    async def found(self, place: Place, state: State, why: str) -> Place:
        """Note what a look at a lost rollout told. Its own place is left to its worker, which may only have been slow."""
        note = orjson.dumps({"attempt": place.attempt, "state": state, "why": why, "ended": time.time()})
        await self._keep.put(_found_key(place.command), note)
        return _with(place, note)

    async def open(self, env: str = "", app: str = "") -> Sequence[Place]:
        """Those that run, and those of which nobody knows; the oldest first."""
        return [p for p in await self.all() if p.state in ("running", "unknown") and env in ("", p.env) and app in ("", p.app)]

    async def running(self, env: str = "", app: str = "") -> Sequence[Place]:
        """Those that are not over, the oldest first."""
        return [place for place in await self.open(env, app) if place.state == "running"]

    async def find(self, id: str) -> Place | None:
        """The rollout of an id, in small or large letters."""
        return next((place for place in await self.all() if place.id == id.strip().upper()), None)

    async def seen(self, command: str) -> bytes | None:
        """What a rollout's watch left of what it saw."""
        kept = await self._keep.get(_seen_key(command))
        return kept.value if kept else None

    async def note_seen(self, command: str, value: bytes) -> None:
        """Leave what a rollout's watch saw, for whoever takes over or looks later."""
        await self._keep.put(_seen_key(command), value)

    async def prune(self) -> None:
        """Forget the oldest of those that are over."""
        for place in [place for place in await self.all() if place.state not in ("running", "unknown")][:-KEPT]:
            await self._keep.forget(_found_key(place.command))
            await self._keep.forget(_key(place.command))
            await self._keep.forget(_wish_key(place.command))
            await self._keep.forget(_seen_key(place.command))

    async def wish(self, place: Place, wish: Wish, person: str) -> None:
        """Leave word for the rollout; it looks twice a second. A later wish takes the place of one that was not heard."""
        await self._keep.put(_wish_key(place.command), orjson.dumps({"wish": wish, "person": person, "stage": place.stage}))

    async def wished(self, place: Place) -> tuple[Wish, str, int] | None:
        """What is wished and was not heard yet, by whom, and its revision. One to go on from a stage that is over is none."""
        kept: Kept | None = await self._keep.get(_wish_key(place.command))
        if kept is None or kept.revision <= place.wishes:
            return None
        said = orjson.loads(kept.value)
        late = said["wish"] == "promote" and said["stage"] != place.stage
        return None if late else (said["wish"], said["person"], kept.revision)


def _with(place: Place, note: bytes | None) -> Place:
    """A place and what a look told since its worker was lost; what the worker itself ended with counts more."""
    said = orjson.loads(note) if note else None
    if said is None or place.state != "running" or said["attempt"] != place.attempt:
        return place
    story = (*place.story, (said["ended"], said["why"]))
    return replace(place, story=story, state=said["state"], why=said["why"], ended=said["ended"])


def _found_key(command: str) -> str:
    return f"found.{token(command)}"


def _key(command: str) -> str:
    return f"rollout.{token(command)}"


def _seen_key(command: str) -> str:
    return f"seen.{token(command)}"


def _wish_key(command: str) -> str:
    return f"wish.{token(command)}"
