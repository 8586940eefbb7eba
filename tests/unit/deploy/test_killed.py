"""A worker that dies at any point of a rollout: the next one goes on there, nothing is done twice, and nothing is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bellboard_deploy import ask

from .mortal import Death, Story

pytestmark = [pytest.mark.usefixtures("hurry"), pytest.mark.timeout(120)]

GOOD = ["start shop-d1-1", "start shop-d1-2", "traffic {'v1': 90, 'v2.1': 10}", "traffic {'v1': 50, 'v2.1': 50}"]
GOOD += ["traffic {'v2.1': 100}", "stop shop-v1-1", "stop shop-v1-2"]
BAD = ["start shop-d1-1", "start shop-d1-2", "traffic {'v1': 90, 'v2': 10}", "traffic {'v1': 100}"]
BAD += ["stop shop-d1-1", "stop shop-d1-2"]
LINES = ["graph errors shop --by version --around D1", "logs new shop --since D1"]


async def played(version: str, *deaths: int) -> tuple[Story, bool]:
    """The deploy of a version whose workers die at these points, one after another; whether each of them did."""
    story = Story(version)
    fell = True
    for at in deaths:
        death = Death(at)
        await story.attempt(death)
        fell = fell and death.dead
        if story.state != "RUNNING":
            return story, fell
    await story.attempt(Death(-1))
    return story, fell


async def check(story: Story, version: str) -> None:
    """The town, the place, the mark and the ledger tell the same story."""
    place, mark = await story.place(), await story.marks.find("D1")
    if story.state == "UNKNOWN":
        assert place is not None
        _, happened = await ask.probe(
            story.call(Death(-1)), story.desk(Death(-1)).environment("sandbox"), story.desk(Death(-1))
        )
        assert (happened, place.phase) == (False, "starting")
        assert (await story.town.observe("shop")).shares() == {"v1": 100}
        return
    good = version == "v2.1"
    assert story.state == ("SUCCEEDED" if good else "FAILED"), story.error
    assert story.town.effects == (GOOD if good else BAD)
    assert (await story.town.observe("shop")).shares() == {version if good else "v1": 100}
    assert place is not None
    assert mark is not None
    assert place.state == mark.state == ("succeeded" if good else "rolled-back")
    assert list(story.asked.values()) == ([] if good else LINES)
    assert await story.marks.find("D2") is None
    told = [text for _, text in place.story]
    assert [line for line in told if line.endswith(("runs", "as before"))] == [told[-1]]


@pytest.mark.parametrize("version", ["v2.1", "v2"])
async def test_it_dies_at_every_point_once(version: str) -> None:
    """Before and after each call of the environment, of the Keep and of the marks, and at each step of the ledger."""
    at, fell, unknown = 0, True, 0
    while fell:
        at += 1
        story, fell = await played(version, at)
        unknown += story.state == "UNKNOWN"
        await check(story, version)

    assert at > 60, "there are more points than that"
    assert unknown == 1, "only the step that may not begin twice leaves it unknown"


def pairs() -> Iterator[tuple[int, int]]:
    """Points for two deaths in a row, spread over the whole way."""
    return ((first, second) for first in range(3, 70, 9) for second in range(1, 60, 7))


@pytest.mark.parametrize("version", ["v2.1", "v2"])
async def test_the_one_that_goes_on_dies_too(version: str) -> None:
    """Wherever the first one died."""
    for first, second in pairs():
        story, _ = await played(version, first, second)
        await check(story, version)


async def test_a_slow_worker_can_do_nothing_more_once_another_has_taken_over() -> None:
    """Its next word is refused, and it stops before it acts."""
    story = Story("v2.1")
    places = story.desk(Death(-1)).places()
    slow = asyncio.create_task(story.attempt(Death(-1)))
    while not await places.running():
        await asyncio.sleep(0)
    place, revision = await places.of("c1")
    assert place is not None

    await places.save(replace(place, attempt=2), revision)  # as the one that takes over does first
    await slow

    assert story.state == "FAILED"
    assert "was changed meanwhile" in story.error
