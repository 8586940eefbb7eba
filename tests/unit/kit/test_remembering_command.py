"""A command that remembers, as docs/write-a-bot.md shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bellboard import Block, Call, Failed, text
from bellboard.keep import Keep, KeepConflict, token
from bellboard.keep.memory import MemoryKeep
from bellboard.marks import Draft, Marks
from bellboard.marks.memory import MemoryMarks


async def lock(call: Call, env: str, reason: str, *, keep: Keep, marks: Marks) -> Block:
    """Keep everyone out of an environment."""
    key, mine = f"locks.{token(env)}", call.id.encode()
    try:
        await keep.put(key, mine, expected=0)
    except KeepConflict:
        held = await keep.get(key)
        if held is None or held.value != mine:  # it may be this very command, run again after a crash
            raise Failed(f"{env} is locked already") from None
    draft = Draft(title=f"{env} locked: {reason}", at=call.at, env=env, person=call.person, command=call.id)
    mark = await marks.begin("K", draft, key=call.id)
    return text(f"{mark.id}: {mark.title}")


def a_call(id: str) -> Any:
    """What this command looks at of a call."""
    return SimpleNamespace(id=id, at=5.0, person="ann")


async def test_it_may_run_again() -> None:
    """The same command has the same lock and the same mark; another one has none."""
    keep, marks = MemoryKeep(), MemoryMarks("deploy")

    first = await lock(a_call("c1"), "prod", "fire", keep=keep, marks=marks)
    again = await lock(a_call("c1"), "prod", "fire", keep=keep, marks=marks)

    assert first == again == text("K1: prod locked: fire")
    with pytest.raises(Failed, match="prod is locked already"):
        await lock(a_call("c2"), "prod", "me too", keep=keep, marks=marks)
    assert [mark.id for mark in await marks.between(0.0, 9.0)] == ["K1"]
