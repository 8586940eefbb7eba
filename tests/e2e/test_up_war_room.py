"""`bell up` with the war room: the town, and the bots that look after it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bellboard.provision import enrol
from bellboard.testing import eventually
from bellboard_cli.runfile import alive
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

FORKED = ("gateway", "reaper", "memes", "sandbox", "deploy", "logs", "graphs", "oncall", "incidents")


def _with_children(pid: int) -> set[int]:
    """A process, and all below it."""
    below = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return {pid}.union(*map(_with_children, below))


@pytest.mark.parametrize("line", ["sandbox status", "logs shop --since 1m", "graph errors shop 5m", "deploy status"])
async def test_the_war_room_answers(mesh: Mesh, line: str) -> None:
    """Each of its bots, about the town that runs."""
    await eventually(lambda: mesh.say(line).exit == 0, 30)


def test_customers_come_to_the_town(mesh: Mesh) -> None:
    """The sandbox bot asks the town of this mesh, and not one of its own."""
    assert "customers have sent" in mesh.say("sandbox status").text
    assert (mesh.data / "sandbox" / "control.sock").is_socket()


async def test_the_nursery_can_be_killed(mesh: Mesh) -> None:
    """All that it forked ends with it, and is there again, forked by the next one."""
    old = {name: mesh.pid(name) for name in FORKED}

    mesh.kill("nursery")

    mesh.wait_for("nursery is running again")
    await eventually(lambda: all(mesh.run_file.pid(name) not in (None, old[name]) for name in FORKED), 30)
    await eventually(lambda: not any(map(alive, old.values())))
    await eventually(lambda: mesh.say("roll 2d6").exit == 0, 30)
    assert set(map(mesh.pid, FORKED)) <= _with_children(mesh.pid("nursery"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_told_to_stop_nothing_of_the_town_is_left(own_mesh: Mesh, number: signal.Signals) -> None:
    """No balancer, no replica, no nursery."""
    own_mesh.start()
    assert own_mesh.process is not None
    everything = _with_children(own_mesh.process.pid)

    assert own_mesh.stop(number) == 0

    assert len(everything) > len(FORKED) + 6
    assert not any(map(alive, everything))


async def test_killed_outright_nothing_of_the_town_is_left(own_mesh: Mesh) -> None:
    """The kernel ends each process with the one that started it."""
    own_mesh.start()
    assert own_mesh.process is not None
    everything = _with_children(own_mesh.process.pid)

    own_mesh.process.kill()
    own_mesh.process.wait()

    await eventually(lambda: not any(map(alive, everything)))


def test_without_the_sandbox_neither_town_nor_bot_is_there(own_mesh: Mesh) -> None:
    """The other bots are, and know no town."""
    own_mesh.start("--no-sandbox", "--port", "0")

    running = {entry["name"] for entry in own_mesh.run_file.processes}
    assert {"deploy", "logs", "graphs"} <= running
    assert not running & {"town", "sandbox"}
    assert own_mesh.say("sandbox status").exit in (2, 4)
    assert "SANDBOX_DIR" not in (own_mesh.data / "services" / "deploy.env").read_text()


async def test_a_folder_from_before_takes_the_new_bots_in(own_mesh: Mesh) -> None:
    """They are enrolled at the next start, by what their contracts are then; what was there stays."""
    own_mesh.start()
    assert own_mesh.stop() == 0
    enrolled = own_mesh.data / "enrolled.yaml"
    kept = [one for one in enrol.read(enrolled) if one.bot in ("house", "memes", "practice")]
    kept[1].phrases.remove("roll")
    enrol.write(enrolled, kept)
    key = (own_mesh.data / "keys" / "memes.nk").read_text()

    own_mesh.launch()
    own_mesh.wait_for("ready ")

    await eventually(lambda: own_mesh.say("sandbox status").exit == 0, 30)
    assert own_mesh.say("roll 2d6").exit == 0
    assert (own_mesh.data / "keys" / "memes.nk").read_text() == key


async def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    """Sockets have short addresses, so they are reached by a link."""
    mesh = Mesh(tmp_path / ("very-" * 12) / ("long-" * 12) / "data")
    mesh.data.parent.mkdir(parents=True)
    try:
        mesh.start()
        await eventually(lambda: mesh.say("sandbox status").exit == 0, 30)
        lines = (mesh.data / "services" / "sandbox.env").read_text().splitlines()
        (link,) = [Path(line.partition("=")[2]) for line in lines if line.startswith("BELLBOARD_SANDBOX_DIR=")]
        assert link.resolve() == mesh.data / "sandbox"
    finally:
        mesh.stop()
    link.unlink()
