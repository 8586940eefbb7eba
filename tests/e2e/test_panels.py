"""Every panel of every dashboard shows something: its queries are run against a Prometheus that scraped a running mesh."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from bellboard.testing import eventually
from tests.e2e.mesh import Mesh
from tests.signals.queries import queries
from tests.signals.scraping import TEAM, Prometheus, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Mesh, Prometheus]]:
    """A mesh, and a Prometheus that scrapes all of it from its start on."""
    folder = tmp_path_factory.mktemp("watched")
    mesh = Mesh(folder / "data")
    try:
        await asyncio.to_thread(mesh.start, "--port", "0", "--no-sandbox")
        async with prometheus(folder, mesh.run_file.ports["health"]) as server:
            yield mesh, server
    finally:
        await asyncio.to_thread(mesh.stop)


async def test_rules_are_followed_by_a_real_prometheus(watched: tuple[Mesh, Prometheus]) -> None:
    """None has an error; where all is well none fires, and where a process hangs an alert begins."""
    mesh, server = watched
    assert (await asyncio.to_thread(mesh.say, "practice look around")).exit == 0

    rules = [rule for group in (await server.get("rules"))["groups"] for rule in group["rules"]]
    assert len(rules) > 50
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] not in ("ok", "unknown")] == []
    assert await server.values('ALERTS{alertstate="firing"}') == []

    mesh.kill("practice", signal.SIGSTOP)
    try:
        began = 'count(ALERTS{alertname=~"BellboardReplicaDown|BellboardBotAway", alertstate="pending"})'
        await eventually(lambda: _is(server, began, 2), timeout=30)
    finally:
        mesh.kill("practice", signal.SIGCONT)
    await eventually(lambda: asyncio.to_thread(_looks, mesh), timeout=30)


def _looks(mesh: Mesh) -> bool:
    return mesh.say("practice look around").exit == 0


def a_day_at_work(mesh: Mesh) -> None:
    """Commands that succeed, fail, are not understood, are lost and taken over, and are lost for good."""
    for _ in range(3):  # the first of a kind is no rise
        assert mesh.say("practice look around").exit == 0
        assert mesh.say("practice climb north").exit == 0
    assert mesh.say("practice fire high --fail").exit == 1
    assert mesh.say("practice nonsense").exit == 2
    lost = mesh.background("say", "--json", "--timeout", "60", "practice fire low --wait 50s")
    taken_over = mesh.background("say", "--json", "--timeout", "60", "practice set mark 3 --wait 10s")
    for saying in (lost, taken_over):
        mesh.wait_for_state(saying, "STARTED")
    mesh.kill("practice")
    lost.communicate()
    taken_over.communicate()
    assert (lost.returncode, taken_over.returncode) == (3, 0)


def ended(where: str) -> str:
    """How many commands of the practice bot ended so."""
    return f'sum(bellboard_ledger_ended_total{{namespace="{TEAM}", bot="practice", {where}}})'


async def test_no_panel_is_empty_and_the_numbers_are_true(watched: tuple[Mesh, Prometheus]) -> None:
    """Grafana draws what Prometheus answers; here is all that it would be given, after a day at work."""
    mesh, server = watched
    await asyncio.to_thread(a_day_at_work, mesh)
    await eventually(lambda: _is(server, ended('state="UNKNOWN"'), 1), timeout=20)

    await eventually(lambda: _nothing_is_empty(server), timeout=40)

    for query in (
        ended('state="SUCCEEDED", effect="IDEMPOTENT"'),
        ended('state="FAILED", fault="no"'),
        f'bellboard_open_commands{{namespace="{TEAM}", bot="practice", stage="unknown"}}',
        f'bellboard_bot_replicas{{namespace="{TEAM}", bot="practice"}}',
    ):
        await eventually(partial(_is, server, query, 1), because=query)


async def _is(server: Prometheus, query: str, value: float) -> bool:
    return await server.values(query) == [value]


async def _nothing_is_empty(server: Prometheus) -> bool:
    """Whether every query has a number for its panel to show, at some time."""
    shown = {str(one): await server.drawn(one.filled(namespace=".*", bot="practice")) for one in queries()}
    empty = [name for name, points in shown.items() if not points]
    assert not empty, empty
    return True
