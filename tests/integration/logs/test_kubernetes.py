"""Lines of pods: whose they are, what came before a restart, and following them over everything that happens to pods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bellboard import ProviderError
from bellboard.kube import KubeDenied, KubeRefused
from bellboard_logs.choice import Choice, Kubernetes
from bellboard_logs.providers import LogSource
from tests.integration.kube.api import POD, Answer, Api, event, forbidden, pods, served, status
from tests.integration.logs.conftest import asked
from tests.integration.logs.doubles import speaking

NOWHERE = cast(LogSource, None)
SOON = datetime.now(UTC) + timedelta(days=1)
"""Times of lines that come after the tail has begun."""


@asynccontextmanager
async def source(api: Api, **settings: Any) -> AsyncIterator[LogSource]:
    async with Choice(kubernetes=Kubernetes(kubeconfig=api.kubeconfig(), **settings)).open(NOWHERE) as made:
        yield made


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The server."""
    async with served(tmp_path) as made:
        yield made


def lines(*said: str, at: datetime = SOON) -> Answer:
    """A log."""
    return Answer(
        lines=[f"{at + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000000000Z {one}" for number, one in enumerate(said)]
    )


def owned(kind: str, name: str) -> list[Mapping[str, str]]:
    return [{"apiVersion": "v1", "kind": kind, "name": name, "uid": "1"}]


async def test_an_app_is_found_by_its_workload(api: Api) -> None:
    """Whichever it is; and by no workload whose name only begins so."""
    labels = {"pod-template-hash": "5d4f"}
    api.script(
        POD,
        pods(
            speaking("a", "", ownerReferences=owned("ReplicaSet", "web-5d4f"), labels=labels),
            speaking("b", "", ownerReferences=owned("StatefulSet", "web")),
            speaking("c", "", ownerReferences=owned("DaemonSet", "web")),
            speaking("d", "", ownerReferences=owned("Job", "web-29001")),
            speaking("e", "web"),
            speaking("web", ""),
            speaking("x", "", ownerReferences=owned("ReplicaSet", "web-api-5d4f"), labels=labels),
            speaking("y", "", ownerReferences=owned("StatefulSet", "web-2nd")),
            speaking("z", ""),
        ),
    )
    for name in "abcdexyz":
        api.script(f"{POD}/{name}/log", lines(f"this is {name}"))
    api.script(f"{POD}/web/log", lines("this is web"))

    async with source(api) as made:
        found = await made.search(asked(app="web", end=4e9), limit=100)

    assert sorted(entry.message.split()[-1] for entry in found.entries) == ["a", "b", "c", "d", "e", "web"]
    assert {(entry.service, entry.version) for entry in found.entries} == {("app", "v7")}


async def test_what_a_container_said_before_its_restart_is_found(api: Api) -> None:
    """That is where the reason stands; but only if it ended in the range."""
    api.script(POD, pods(speaking("web-1", "web", turn=1, before="2026-11-29T10:00:00Z")))
    api.script(f"{POD}/web-1/log?previous", lines("out of memory", at=datetime(2026, 11, 29, 9, 59, tzinfo=UTC)))
    api.script(f"{POD}/web-1/log", lines("started", at=datetime(2026, 11, 29, 10, 0, tzinfo=UTC)))
    end = datetime(2026, 11, 29, 10, 0, tzinfo=UTC).timestamp()

    async with source(api) as made:
        both = await made.search(asked(app="web", start=end - 600, end=end + 10), limit=100)
        later = await made.search(asked(app="web", start=end + 0.0, end=end + 10), limit=100)

    assert [entry.message for entry in both.entries] == ["out of memory", "started"]
    assert [entry.message for entry in later.entries] == ["started"]


async def test_a_pod_that_is_gone_or_has_not_begun_says_nothing(api: Api) -> None:
    """The others are found all the same."""
    api.script(POD, pods(speaking("web-1", "web"), speaking("web-2", "web"), speaking("web-3", "web")))
    api.script(f"{POD}/web-1/log", status(404, "NotFound"))
    api.script(f"{POD}/web-2/log", status(400, "BadRequest", 'container "app" in pod "web-2" is waiting to start: no image'))
    api.script(f"{POD}/web-3/log", lines("here"))

    async with source(api) as made:
        found = await made.search(asked(app="web", end=4e9), limit=100)

    assert [entry.message for entry in found.entries] == ["here"]


async def test_what_is_wrongly_asked_for_is_told(api: Api) -> None:
    """It is not taken for silence."""
    api.script(POD, pods(speaking("web-1", "web")))
    api.script(f"{POD}/web-1/log", status(400, "BadRequest", "a container name must be specified"))

    async with source(api) as made:
        with pytest.raises(KubeRefused, match="a container name must be specified"):
            await made.search(asked(app="web"), limit=100)


async def test_a_missing_right_is_named(api: Api) -> None:
    """To read logs, and to list pods."""
    api.script(POD, pods(speaking("web-1", "web")), forbidden("list", "pods"))
    api.script(f"{POD}/web-1/log", forbidden("get", "pods/log"))

    async with source(api) as made:
        with pytest.raises(KubeDenied, match="this bot may not get log of pod web-1 in shop"):
            await made.search(asked(app="web"), limit=100)
        with pytest.raises(KubeDenied, match="this bot may not list pods in shop"):
            await made.search(asked(app="web"), limit=100)


async def test_too_much_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than cut where nobody sees it."""
    monkeypatch.setattr("bellboard_logs.remote.kubernetes.LARGEST", 100)
    api.script(POD, pods(speaking("web-1", "web")))
    api.script(f"{POD}/web-1/log", lines(*["a line of some length"] * 10))

    async with source(api) as made:
        with pytest.raises(ProviderError, match="look at less time"):
            await made.search(asked(app="web"), limit=100)


async def test_a_tail_goes_on_over_restarts_new_pods_and_broken_connections(api: Api) -> None:
    """Every line once, and nobody else's."""
    api.script(POD, pods(speaking("web-1", "web"), speaking("db-1", "db")))
    api.script(
        f"{POD}?watch",
        Answer(lines=[event("ADDED", speaking("web-2", "web")), event("MODIFIED", speaking("web-1", "web", turn=1))]),
        Answer(lines=[event("MODIFIED", speaking("db-1", "db", turn=1))], breaks=True),
    )
    one = [f"{SOON:%Y-%m-%dT%H:%M:%S}.{number}Z web-1 {number}" for number in range(1, 4)]
    api.script(f"{POD}/web-1/log", Answer(lines=one[:1], breaks=True), Answer(lines=one[:2]), Answer(lines=one))
    early = status(400, "BadRequest", 'container "app" in pod "web-2" is waiting to start')
    api.script(f"{POD}/web-2/log", early, lines("web-2"))
    seen: set[str] = set()
    count = 0

    async with source(api) as made, asyncio.timeout(30), aclosing(made.tail(asked(app="web"))) as batches:  # type: ignore[type-var]
        async for batch in batches:
            seen |= {entry.message for entry in batch}
            count += len(batch)
            if len(seen) == 4:
                break

    assert seen == {"web-1 1", "web-1 2", "web-1 3", "web-2"}
    assert count == 4


async def test_a_tail_that_may_not_be_had_says_so(api: Api) -> None:
    """Instead of being silent."""
    api.script(POD, pods(speaking("web-1", "web")))
    api.script(f"{POD}?watch", Answer(lines=[event("MODIFIED", speaking("web-1", "web"))]))
    api.script(f"{POD}/web-1/log", forbidden("get", "pods/log"))

    async with source(api) as made:
        with pytest.raises(KubeDenied, match="log of pod web-1"):
            _ = [batch async for batch in made.tail(asked(app="web"))]
