"""Waiting for a workload: as long as it makes sense, and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from bellboard import ProviderError
from bellboard.kube.reasons import Trouble
from bellboard_deploy.kubernetes import waiting
from bellboard_deploy.kubernetes.waiting import Look, Stuck, settled


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and has little patience."""
    monkeypatch.setattr(waiting, "LOOK", 0.001)
    monkeypatch.setattr(waiting, "PATIENCE", 0.03)


def seen(*looks: Look | Exception) -> Callable[[], Awaitable[Look]]:
    """What is seen, one after another; the last again and again."""
    left: Iterator[Look | Exception] = iter(looks)
    last: list[Look | Exception] = []

    async def look() -> Look:
        last[:] = [next(left, last[0] if last else looks[-1])]
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return look


async def test_progress_is_told_until_it_is_done() -> None:
    """In words, and as a share."""
    told: list[tuple[str, float | None]] = []
    await settled(seen(Look(False, 1, 4), Look(False, 3, 4), Look(True, 4, 4)), "shop", 9.0, lambda *one: told.append(one))
    assert told == [("shop: 1 of 4 are ready", 0.25), ("shop: 3 of 4 are ready", 0.75)]


async def test_what_is_hopeless_ends_soon_and_says_why() -> None:
    """Long before its time is over."""
    with pytest.raises(Stuck, match="0 of 4 are ready: no image"):
        await settled(seen(Look(False, 0, 4, trouble=Trouble("no image", certain=True))), "shop", 900.0)


async def test_what_was_hopeless_for_a_moment_goes_on() -> None:
    """A registry that did not answer once, say."""
    blip = Look(False, 0, 4, trouble=Trouble("no image", certain=True))
    await settled(seen(blip, Look(False, 1, 4), blip, Look(True, 4, 4)), "shop", 900.0)


async def test_what_does_not_get_on_ends_when_its_time_is_over() -> None:
    """With the last reason that was seen."""
    with pytest.raises(Stuck, match=r"1 of 4 are ready after 0.02 s: no node"):
        await settled(seen(Look(False, 1, 4, trouble=Trouble("no node"))), "shop", 0.02)
    with pytest.raises(Stuck, match="it does not say why"):
        await settled(seen(Look(False, 1, 4)), "shop", 0.02)


async def test_each_pod_that_gets_ready_gives_the_next_one_time() -> None:
    """However long it takes in all."""
    slow = [look for ready in range(30) for look in [Look(False, ready, 30)] * 5]
    await settled(seen(*slow, Look(True, 30, 30)), "shop", 0.1)


async def test_what_is_paused_has_all_the_time() -> None:
    """A person let it stand still."""
    await settled(seen(*[Look(False, 1, 4, paused=True)] * 50, Look(True, 4, 4)), "shop", 0.01)


async def test_an_api_that_is_away_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """But not for good."""
    gone = ProviderError("Kubernetes can't be reached")
    await settled(seen(gone, gone, Look(True, 1, 1)), "shop", 9.0)
    monkeypatch.setattr(waiting, "SILENCE", 0.01)
    with pytest.raises(ProviderError, match="reached"):
        await settled(seen(gone), "shop", 9.0)
