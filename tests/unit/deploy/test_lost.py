"""A deploy whose worker was lost for good: what a look told is shown, and the next one goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bellboard import Block
from bellboard_deploy import ask, history
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.providers import Commit, Environment, Outcome, Step, Version

from .mortal import Death, Killed, Story


@dataclass
class Elsewhere:
    """Another system that deploys, whose start is the last that its worker sees."""

    outcome: Outcome | None = None
    asked: list[str] = field(default_factory=list)
    name = "elsewhere"

    async def apps(self) -> Sequence[str]:
        return ("shop",)

    async def pin(self, app: str, version: str) -> Version:
        return Version(version, f"digest of {version}")

    async def run(self, app: str, version: Version, key: str) -> AsyncIterator[Step]:
        self.asked.append(key)
        yield Step("begun")
        raise Killed

    async def find(self, app: str, key: str) -> Outcome | None:
        return self.outcome

    async def current(self, app: str) -> Version | None:
        return Version("v1", "digest of v1")

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        return ()


def shown(blocks: Sequence[Block]) -> str:
    return "\n".join(str(block) for block in blocks)


async def lost(elsewhere: Elsewhere) -> tuple[Story, Desk]:
    """A deploy whose worker died while the other system was at it, and then was asked about."""
    story = Story("v2")
    trigger: Any = elsewhere
    desk = Desk(Environments({"sandbox": Environment("sandbox", trigger=trigger)}), story.keep, story.marks)
    with pytest.raises(Killed):
        async for _ in ask.carry_out(
            story.call(Death(-1)), ask.Wanted(app="shop", version="v2", env="sandbox", reason=""), desk
        ):
            pass
    assert story.begun == "launch"
    return story, desk


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(None, "unknown"), (Outcome(True, "it is there"), "succeeded"), (Outcome(False, "it is not"), "failed")],
)
async def test_what_a_look_told_is_shown(outcome: Outcome | None, state: str) -> None:
    """In the queue while nobody knows, in its story, and on its mark."""
    elsewhere = Elsewhere(outcome)
    story, desk = await lost(elsewhere)
    assert "shifting" in shown(await history.queue(desk, ""))

    _, happened = await ask.probe(story.call(Death(-1)), desk.environment(""), desk)

    assert happened is (outcome.happened if outcome else None)
    found = await desk.places().find("D1")
    mark = await desk.marks().find("D1")
    assert found is not None
    assert mark is not None
    assert (found.state, mark.state) == (state, state)
    assert mark.until is not None
    assert await desk.places().running() == []
    queue = shown(await history.queue(desk, ""))
    assert ("nobody knows what became of it" in queue) == (state == "unknown")
    assert "see running" in queue
    assert elsewhere.asked == ["d1"]


async def test_its_own_worker_has_the_last_word() -> None:
    """It was only slow: what it writes after all counts more than what was seen meanwhile."""
    story, desk = await lost(Elsewhere())
    await ask.probe(story.call(Death(-1)), desk.environment(""), desk)
    place, revision = await desk.places().of("c1")
    assert place is not None
    assert place.state == "running", "a look leaves the place to its worker"

    await desk.places().save(place.told("v2 runs", state="succeeded", phase="over", ended=2.0), revision)

    found = await desk.places().find("D1")
    assert found is not None
    assert found.state == "succeeded"
    assert "worker was lost" not in shown(await history.show(desk, "D1"))


async def test_what_was_found_to_have_happened_can_be_rolled_back() -> None:
    """It is noted as what runs."""
    story, desk = await lost(Elsewhere(Outcome(True, "it is there")))
    await ask.probe(story.call(Death(-1)), desk.environment(""), desk)
    assert await history.before(desk.keep(), "sandbox", "shop", "v2") == "v1"
