"""The deploy bot as a process, on a small production with customers: it deploys, goes back, queues, and is killed."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.state import S
from bellboard.testing import eventually
from bellboard_deploy.sandbox import Sandbox
from tests.integration.mesh import Gate, Mesh, Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180), pytest.mark.usefixtures("short_ack_wait")]

GOOD = "deploy shop v2.1 to sandbox --canary 50,100 --soak 2s"


async def deployer(mesh: Mesh, town: Path, replica: str = "deploy-1") -> Process:
    """A replica of the bot."""
    env = {"BELLBOARD_REPLICA": replica, "BELLBOARD_SANDBOX_DIR": str(town)}
    return await mesh.service("deploy", replica, "bellboard_deploy", env).start()


def story(record: pb.Record) -> list[str]:
    """The story on the final card."""
    tables = [block.table for block in record.outcome.reply.blocks if block.HasField("table")]
    return [row.cells[1].text for row in tables[-1].rows]


async def failures(town: Path) -> dict[str, int]:
    """How many requests of customers failed so far, by the version that failed them."""
    connector = aiohttp.UnixConnector(path=str(town / "control.sock"))
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://localhost/v1/status") as answer:
        failed: dict[str, int] = {}
        for one in (await answer.json())["customers"]["failed"]:
            failed[one["version"]] = failed.get(one["version"], 0) + one["count"]
        return failed


async def test_a_good_version_and_then_a_bad_one(gate: Gate, mesh: Mesh, town: Path, sandbox: Sandbox) -> None:
    """The first takes over; the second goes back by itself, with what was measured, and asks for graph and logs."""
    await deployer(mesh, town)

    good = await gate.final(await gate.accept(GOOD), timeout=60)
    assert good.state == S.STATE_SUCCEEDED, good
    assert (await sandbox.observe("shop")).shares() == {"v2.1": 100}
    assert await failures(town) == {}

    key = await gate.accept("deploy shop v2 to sandbox --canary 50,100 --soak 20s")
    bad = await gate.final(key, timeout=60)
    assert bad.state == S.STATE_FAILED
    assert "rolled back" in bad.reason
    assert "gate errors<5%" in bad.reason
    observed = await sandbox.observe("shop")
    assert observed.shares() == {"v2.1": 100}
    assert {one.version for one in observed.replicas} == {"v2.1"}
    assert story(bad)[-1] == "v2.1 runs as before"
    assert set(await failures(town)) == {"v2"}, "only the bad version itself failed any"


async def test_of_two_at_once_one_waits(gate: Gate, mesh: Mesh, town: Path, sandbox: Sandbox) -> None:
    """And then has its turn."""
    await mesh.reaper()
    await deployer(mesh, town)

    first = await gate.accept("deploy shop v2.1 to sandbox --canary 50,100 --soak 4s")
    await gate.reaches(first, S.STATE_STARTED, S.STATE_STEP)
    second = await gate.accept("deploy shop v3 to sandbox --soak 0s")
    queued = await gate.reaches(second, S.STATE_QUEUED)
    assert queued.turn.holder == first.id

    assert (await gate.final(first, timeout=60)).state == S.STATE_SUCCEEDED
    assert (await gate.final(second, timeout=60)).state == S.STATE_SUCCEEDED
    assert (await sandbox.observe("shop")).shares() == {"v3": 100}


async def test_a_rehearsal_and_a_real_one_do_not_meet(gate: Gate, mesh: Mesh, town: Path, sandbox: Sandbox) -> None:
    """They wait for different turns: the second is told who is at it, does nothing, and may come again."""
    await deployer(mesh, town)
    real = await gate.accept("deploy shop v2.1 to sandbox --canary 50,100 --soak 6s")

    async def shared() -> bool:
        return (await sandbox.observe("shop")).shares().get("v2.1") == 50

    await eventually(shared, 30, because="the real one did not begin")
    refused = await gate.final(await gate.accept("deploy shop v3 to sandbox --soak 0s --sandbox"))
    assert refused.state == S.STATE_FAILED
    assert "held by the deploy of v2.1 by ann" in refused.reason
    assert {one.version for one in (await sandbox.observe("shop")).replicas} == {"v1", "v2.1"}

    assert (await gate.final(real, timeout=60)).state == S.STATE_SUCCEEDED
    rehearsed = await gate.final(await gate.accept("deploy shop v3 to sandbox --soak 0s --sandbox"), timeout=60)
    assert rehearsed.state == S.STATE_SUCCEEDED
    assert (await sandbox.observe("shop")).shares() == {"v3": 100}


async def test_the_balancer_is_shown_with_what_was_answered(gate: Gate, mesh: Mesh, town: Path) -> None:
    """Each backend's requests and failures, as the replicas count them; the balancer by its name."""
    await deployer(mesh, town)

    async def counted() -> bool:
        shown = (await gate.final(await gate.accept("lb status shop"))).outcome.reply.blocks[0].table
        assert shown.title == "sandbox, balanced by Caddy"
        requests = [row.cells[6].number for row in shown.rows]
        assert [row.cells[7].number for row in shown.rows] == [0.0, 0.0]
        return len(requests) == 2 and min(requests) > 0

    await eventually(counted, 20, because="no requests were counted")


@pytest.mark.parametrize("step", ["start", "shift", "retire"])
async def test_it_is_killed_at_a_step_and_another_goes_on(
    gate: Gate, mesh: Mesh, town: Path, sandbox: Sandbox, step: str
) -> None:
    """One id, no step twice, and balancer, card and ledger agree."""
    await mesh.reaper(BELLBOARD_GIVE_UP="60")  # a busy machine may take long to start the next one
    doomed = await deployer(mesh, town)
    key = await gate.accept(GOOD)

    async def begun() -> bool:
        record = await gate.newest(key)
        return any(one.name == step and one.state == pb.STEP_STATE_STARTED for one in record.steps)

    await eventually(begun, 30, because=f"{step} did not begin")
    doomed.kill()
    await doomed.ended()
    await deployer(mesh, town, "deploy-2")

    ended = await gate.final(key, timeout=90)
    observed = await sandbox.observe("shop")
    assert ended.state == S.STATE_SUCCEEDED, ended
    assert observed.shares() == {"v2.1": 100}
    assert sorted(one.name for one in observed.replicas) == ["shop-d1-1", "shop-d1-2"]
    told = story(ended)
    assert told[0].startswith("pinned v2.1")
    assert told[-1] == "v2.1 runs"
    assert len(told) == len(set(told))
    assert await failures(town) == {}
