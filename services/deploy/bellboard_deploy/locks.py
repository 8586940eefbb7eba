"""Locks and freezes: who keeps deploys away from where, why, and until when. Claimed with compare-and-set."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import orjson

from bellboard import Failed, UserError
from bellboard.keep import Keep, KeepConflict, Kept, token
from bellboard.marks import Draft, Marks
from bellboard.stored import revive

ALL = "all"
"""In place of an environment: every one."""

MAX_FREEZES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock, or a freeze, of an environment. Times are in seconds since 1970; ``until`` 0: until it is lifted."""

    kind: str
    env: str
    person: str
    reason: str
    since: float
    until: float
    command: str
    id: str = ""

    def holds(self, now: float) -> bool:
        """Whether it keeps deploys away now."""
        return self.since <= now and not self.over(now)

    def over(self, now: float) -> bool:
        """Whether its time has passed."""
        return bool(self.until) and self.until <= now

    def said(self) -> str:
        """Who, why, until when, and its id."""
        verb = "frozen" if self.kind == "freeze" else "locked"
        span = f" until {clock(self.until)}" if self.until else " until it is unlocked"
        begin = f" from {clock(self.since)}" if self.since > time.time() else ""
        return f"{self.env} is {verb}{begin} by {self.person or 'a bot'}: “{self.reason}”{span} ({self.id or 'no id yet'})"

    def way_out(self) -> str:
        """What is to be said to lift it."""
        return f"unlock {self.env}{f' --id {self.id}' if self.kind == 'freeze' else ''}"


def clock(moment: float) -> str:
    """A moment as people read it."""
    when = datetime.fromtimestamp(moment, UTC)
    same_day = when.date() == datetime.now(UTC).date()
    return f"{when:%H:%M} UTC" if same_day else f"{when:%a %Y-%m-%d %H:%M} UTC"


class Locks:
    """The locks that the bot keeps."""

    def __init__(self, keep: Keep, marks: Marks) -> None:
        self._keep, self._marks = keep, marks

    async def claim(self, lock: Lock) -> Lock:
        """Take the one lock of an environment, and give it an id. Taking it again for the same command changes nothing.

        Raises:
            Failed: somebody else has it; it says who, why and until when.
        """
        key = _lock_key(lock.env)
        kept = await self._keep.get(key)
        held = _load(kept)
        if held is not None and held.command != lock.command and not held.over(time.time()):
            raise Failed(held.said(), hint=f"unlock {held.env}, or ask {held.person or 'whoever it was'}")
        if held is None or held.command != lock.command:
            try:
                await self._keep.put(key, _dump(lock), expected=kept.revision if kept else 0)
            except KeepConflict:
                return await self.claim(lock)  # somebody was quicker: look who
            held = lock
        return await self._mark(key, held)

    async def freeze(self, lock: Lock) -> Lock:
        """Add a freeze. Several may stand at once."""
        kept = await self._keep.list("freeze")
        if len(kept) >= MAX_FREEZES:
            kept = [one for one in kept if not await self._forget_if_over(one)]
        if len(kept) >= MAX_FREEZES:
            raise Failed(f"there are {MAX_FREEZES} freezes already", hint="lift some: unlock ENV --id K9")
        key = f"freeze.{token(lock.env)}.{token(lock.command)}"
        held = _load(await self._keep.get(key))
        if held is None:
            await self._keep.put(key, _dump(lock))
        return await self._mark(key, held or lock)

    async def _forget_if_over(self, kept: Kept) -> bool:
        held = _load(kept)
        over = held is None or held.over(time.time())
        if over:
            await self._keep.forget(kept.key)
        return over

    async def _mark(self, key: str, lock: Lock) -> Lock:
        """The lock with its id. Its mark is made after it, so that one who lost leaves none."""
        if lock.id:
            return lock
        draft = Draft(
            title=f"{lock.env} {'frozen' if lock.kind == 'freeze' else 'locked'}: {lock.reason}",
            at=lock.since,
            until=lock.until or None,
            env=lock.env,
            person=lock.person,
            command=lock.command,
            state="held",
            detail={"reason": lock.reason, "kind": lock.kind},
        )
        marked = replace(lock, id=(await self._marks.begin("K", draft, key=lock.command)).id)
        kept = await self._keep.get(key)
        if kept is not None and (held := _load(kept)) is not None and held.command == lock.command:
            await self._keep.put(key, _dump(marked), expected=kept.revision)
        return marked

    async def lift(self, env: str, id: str) -> Lock | None:
        """Lift the lock of an environment, or with an id what has that; what it was, None if there was none.

        Raises:
            UserError: nothing of that environment has that id.
            KeepConflict: somebody changed it meanwhile.
        """
        for kept in await self._kept(env):
            held = _load(kept)
            if held is None or (held.id != id.upper() if id else held.kind != "lock"):
                continue
            await self._keep.forget(kept.key, expected=kept.revision)
            mark = await self._marks.find(held.id) if held.id else None
            if mark is not None:
                lifted = min(time.time(), mark.until or time.time())
                await self._marks.update(replace(mark, until=max(mark.at, lifted), state="lifted"))
            return None if held.over(time.time()) else held
        if id:
            raise UserError(f"nothing keeps deploys away from {env} under the id {id[:20]}", hint="see: deploy where")
        return None

    async def standing(self, env: str) -> Sequence[Lock]:
        """What concerns an environment and is not over: its own and those of all, those that hold now first."""
        now = time.time()
        found = [_load(kept) for name in dict.fromkeys((env, ALL)) for kept in await self._kept(name)]
        return sorted((one for one in found if one and not one.over(now)), key=lambda one: one.since)

    async def against(self, env: str, person: str = "", *, rollback: bool = False) -> Lock | None:
        """What keeps a person's deploys away from an environment now: not their own lock, and no freeze a rollback."""
        now = time.time()
        for one in await self.standing(env):
            own = one.kind == "lock" and person and one.person == person
            if one.holds(now) and not own and not (rollback and one.kind == "freeze"):
                return one
        return None

    async def _kept(self, env: str) -> Sequence[Kept]:
        lock = await self._keep.get(_lock_key(env))
        return [*([lock] if lock else []), *await self._keep.list(f"freeze.{token(env)}")]


def _lock_key(env: str) -> str:
    return f"lock.{token(env)}"


def _dump(lock: Lock) -> bytes:
    return orjson.dumps(asdict(lock))


def _load(kept: Kept | None) -> Lock | None:
    return revive(Lock, orjson.loads(kept.value)) if kept else None
