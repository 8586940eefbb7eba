"""Silences: what is kept quiet, until when, by whom and why. Our own hold everywhere; they are set at the source as well
where it takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

import orjson

from bellboard import UserError
from bellboard.keep import Keep, KeepConflict, Kept, token
from bellboard.stored import revive

from .groups import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence. Times are in seconds since 1970.

    Attributes:
        labels: those that a group must have; or team: the team it must go to; or group: the name of the only one it is about,
            and title: what that was called.
        remote: its ids at the source; empty where it is our own alone.
        note: why it could not be set at the source; empty where it was, or was not wanted.
        ended: it was ended before its time.
    """

    id: str
    person: str
    why: str
    since: float
    until: float
    labels: Mapping[str, str] = field(default_factory=dict)
    team: str = ""
    group: str = ""
    title: str = ""
    remote: tuple[str, ...] = ()
    note: str = ""
    ended: bool = False

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return not self.ended and self.since <= now < self.until

    def covers(self, group: Group) -> bool:
        """Whether it is about a group."""
        if self.team:
            return group.route.team == self.team
        if self.group:
            return group.name == self.group
        return bool(self.labels) and all(group.labels.get(name) == value for name, value in self.labels.items())


Matchers = Sequence[Mapping[str, str | bool]]
"""As an Alertmanager takes them: ``{"name", "value", "isRegex", "isEqual"}``."""


class Silencer(Protocol):
    """Sets silences where alerts come from. Every method raises ProviderError where that does not answer, or refuses."""

    @property
    def there(self) -> bool:
        """Whether there is any such place."""

    async def silence(self, id: str, matchers: Matchers, start: float, end: float, person: str, why: str) -> str:
        """Set a silence from one moment to another, and return its id there; doing it again for our ``id`` sets no second."""

    async def expire(self, remote: str) -> None:
        """End one; nothing happens if it is over."""

    async def burning(self, matchers: Matchers) -> frozenset[str] | None:
        """The fingerprints of the alerts that fire there, silenced or not; None where that can't be asked."""


class Silences:
    """Those that the bot remembers."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def all(self) -> list[Silence]:
        """Every one, the oldest first."""
        return sorted(map(_load, await self._keep.list("alerts.silence")), key=lambda one: (one.since, one.id))

    async def now(self, now: float) -> list[Silence]:
        """Those in force."""
        return [one for one in await self.all() if one.holds(now)]

    async def get(self, id: str) -> Silence:
        """The one of an id, such as S2, in small or large letters.

        Raises:
            UserError: there is none.
        """
        kept = await self._keep.get(_key(id))
        if kept is None:
            raise UserError(f"there is no silence {id[:16]}", hint="see: alert silences")
        return _load(kept)

    async def put(self, silence: Silence) -> None:
        """Remember one."""
        await self._keep.put(_key(silence.id), orjson.dumps(asdict(silence)))

    async def end(self, id: str) -> Silence:
        """End one, and return it. Raises as `get` does."""
        while True:
            kept = await self._keep.get(_key((await self.get(id)).id))
            assert kept is not None
            ended = replace(_load(kept), ended=True)
            try:
                await self._keep.put(kept.key, orjson.dumps(asdict(ended)), expected=kept.revision)
            except KeepConflict:
                continue
            return ended

    async def forget(self, silence: Silence) -> None:
        """Remember it no more."""
        await self._keep.forget(_key(silence.id))


def over(group: Group, silences: Sequence[Silence], now: float) -> Silence | None:
    """The silence that holds longest over a group; None if none does."""
    found = [one for one in silences if one.holds(now) and one.covers(group)]
    return max(found, key=lambda one: one.until, default=None)


def matchers(labels: Mapping[str, str]) -> list[dict[str, str | bool]]:
    """What an Alertmanager is to match: every one of these labels, exactly."""
    return [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()]


def _key(id: str) -> str:
    return f"alerts.silence.{token(id.strip().lower())}"


def _load(kept: Kept) -> Silence:
    said = orjson.loads(kept.value)
    return revive(Silence, {**said, "remote": tuple(said["remote"])})
