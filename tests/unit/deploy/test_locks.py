"""Locks and freezes: one winner, and who, why and until when."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from bellboard import Failed, UserError
from bellboard.keep.memory import MemoryKeep
from bellboard.marks.memory import MemoryMarks
from bellboard_deploy.locks import Lock, Locks


class SlowKeep(MemoryKeep):
    """Lets others come in between at every call, as a bus does."""

    async def get(self, key: str):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0)
        return await super().get(key)

    async def put(self, key: str, value: bytes, *, expected: int | None = None) -> int:
        await asyncio.sleep(0)
        return await super().put(key, value, expected=expected)


def a_lock(command: str, *, person: str = "ann", kind: str = "lock", since: float = 0.0, until: float = 0.0) -> Lock:
    return Lock(
        kind=kind, env="prod", person=person, reason="the move", since=since or time.time(), until=until, command=command
    )


@pytest.fixture
def locks() -> Locks:
    return Locks(SlowKeep(), MemoryMarks("deploy"))


async def test_of_twenty_claims_one_wins(locks: Locks) -> None:
    """And the others are told who it was; only one mark is made."""
    claims = [locks.claim(a_lock(f"c{n}", person=f"p{n}")) for n in range(20)]
    answers = await asyncio.gather(*claims, return_exceptions=True)

    winners = [answer for answer in answers if isinstance(answer, Lock)]
    assert len(winners) == 1
    losers = [answer for answer in answers if isinstance(answer, Failed)]
    assert len(losers) == 19
    assert all(f"locked by {winners[0].person}: “the move”" in error.text for error in losers)
    assert winners[0].id == "K1"


async def test_claiming_again_for_the_same_command_changes_nothing(locks: Locks) -> None:
    """As a second attempt does."""
    first = await locks.claim(a_lock("c1"))

    assert await locks.claim(a_lock("c1")) == first


async def test_what_is_over_keeps_nobody_away(locks: Locks) -> None:
    """Nor does what is still to come."""
    now = time.time()
    await locks.claim(a_lock("c1", since=now - 20, until=now - 10))
    await locks.freeze(a_lock("c2", kind="freeze", since=now + 100, until=now + 200))

    assert await locks.against("prod") is None
    assert [one.command for one in await locks.standing("prod")] == ["c2"]
    assert (await locks.claim(a_lock("c3"))).command == "c3"


async def test_a_lock_of_all_is_one_of_each(locks: Locks) -> None:
    """Its holder may pass; a freeze holds for everybody but a rollback."""
    await locks.claim(replace(a_lock("c1"), env="all"))
    held = await locks.against("prod", "bob")
    assert held is not None
    assert held.env == "all"
    assert await locks.against("prod", "ann") is None

    await locks.freeze(a_lock("c2", kind="freeze", until=time.time() + 100))
    assert await locks.against("prod", "ann") is not None
    assert await locks.against("prod", "ann", rollback=True) is None


async def test_a_freeze_is_lifted_by_its_id(locks: Locks) -> None:
    """And the lock without one."""
    await locks.claim(a_lock("c1"))
    frozen = await locks.freeze(a_lock("c2", kind="freeze", until=time.time() + 100))

    lifted = await locks.lift("prod", frozen.id.lower())
    assert lifted == frozen
    assert (await locks.lift("prod", "")) is not None
    assert (await locks.lift("prod", "")) is None
    with pytest.raises(UserError, match="under the id K9"):
        await locks.lift("prod", "K9")
