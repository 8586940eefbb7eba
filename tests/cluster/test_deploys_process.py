"""The deploy bot as a process with a real ledger, and a real cluster: killed and stopped in the middle."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.kube import Kube
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Key
from bellboard.provision import House, layout
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_cli.bots import own
from bellboard_deploy.bot import bot
from tests.cluster.cluster import Kubernetes
from tests.cluster.shops import Shop, a_list
from tests.integration.mesh import Gate, Mesh, Process

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("short_ack_wait")]


@pytest.fixture
def short_ack_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost commands are handed out again sooner. To be asked for before the bus."""
    monkeypatch.setattr(layout, "ACK_WAIT", 4)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the deploy bot enrolled."""
    house = House(tmp_path / "house")
    house.make(bots=[own("deploy")])
    return house


@pytest.fixture
async def gate(house: House, bus_as: BusAs) -> Gate:
    """What a gateway does for the deploy bot's commands."""
    return Gate(house, await bus_as("gw-1"), bot.contract)


@pytest.fixture
async def mesh(house: House, nats: NatsServer, tmp_path: Path) -> AsyncIterator[Mesh]:
    """Services as processes."""
    mesh = Mesh(house, tmp_path)
    yield mesh
    await mesh.close()


@pytest.fixture
async def shop(admin: Kube, namespace: str, tmp_path: Path) -> Shop:
    """A shop whose pods take their time, so that there is a middle."""
    shop = Shop(admin, namespace, a_list(tmp_path))
    return await shop.open(replicas=3, ready_after="1s")


@pytest.fixture
def file(kubernetes: Kubernetes, shop: Shop, tmp_path: Path) -> Path:
    """What the bot is told of it."""
    prod = {
        "kind": "kubernetes",
        "kubeconfig": str(kubernetes.admin),
        "namespace": shop.namespace,
        "apps": {"shop": {"image": "shop:{version}", "containers": ["web"]}},
        "versions": {"names": ["/usr/bin/cat", str(tmp_path / "versions")]},
    }
    path = tmp_path / "deploy.yaml"
    path.write_text(json.dumps({"environments": {"prod": prod}}))
    return path


async def deployer(mesh: Mesh, file: Path, replica: str = "deploy-1") -> Process:
    """A replica of the bot."""
    env = {"BELLBOARD_REPLICA": replica, "BELLBOARD_DEPLOY_FILE": str(file)}
    return await mesh.service("deploy", replica, "bellboard_deploy", env).start()


async def begins(gate: Gate, key: Key, step: str) -> None:
    """Return when a step of a deploy has begun."""

    async def begun() -> bool:
        record = await gate.newest(key)
        return any(one.name == step and one.state == pb.STEP_STATE_STARTED for one in record.steps)

    await eventually(begun, 40, because=f"{step} did not begin")


def story(record: pb.Record) -> list[str]:
    """The story on the final card."""
    tables = [block.table for block in record.outcome.reply.blocks if block.HasField("table")]
    return [row.cells[1].text for row in tables[-1].rows]


DEPLOY = "deploy shop v2 to prod --canary 50,100 --soak 2s"


@pytest.mark.parametrize("step", ["start", "shift", "retire"])
async def test_it_is_killed_at_a_step_and_another_goes_on(gate: Gate, mesh: Mesh, shop: Shop, file: Path, step: str) -> None:
    """No step twice, and the cluster, the card and the ledger agree."""
    await mesh.reaper(BELLBOARD_GIVE_UP="60")
    doomed = await deployer(mesh, file)
    key = await gate.accept(DEPLOY)
    await begins(gate, key, step)
    doomed.kill()
    await doomed.ended()
    await deployer(mesh, file, "deploy-2")

    ended = await gate.final(key, timeout=120)
    assert ended.state == S.STATE_SUCCEEDED, ended
    assert await shop.shares() == {"v2": 100}
    assert await shop.deployments() == ["shop"]
    told = story(ended)
    assert told[-1] == "v2 runs"
    assert len(told) == len(set(told))


async def test_one_that_was_stopped_for_long_changes_nothing_when_it_wakes_up(
    gate: Gate, mesh: Mesh, shop: Shop, file: Path
) -> None:
    """Another one went on meanwhile, and then something else was deployed."""
    await mesh.reaper(BELLBOARD_GIVE_UP="60")
    slow = await deployer(mesh, file)
    key = await gate.accept(DEPLOY)
    await begins(gate, key, "shift")
    slow.freeze()
    await deployer(mesh, file, "deploy-2")
    assert (await gate.final(key, timeout=180)).state == S.STATE_SUCCEEDED
    after = await gate.final(await gate.accept("deploy shop v3 to prod --canary 100 --soak 0s"), timeout=60)
    assert after.state == S.STATE_SUCCEEDED, after
    before = await shop.raw()

    slow.thaw()
    last = await gate.final(await gate.accept("scale shop 2 in prod"), timeout=60)

    assert last.state == S.STATE_SUCCEEDED, last
    assert await shop.shares() == {"v3": 100}
    assert await shop.deployments() == ["shop"]
    assert (await shop.raw())["spec"]["template"] == before["spec"]["template"]
