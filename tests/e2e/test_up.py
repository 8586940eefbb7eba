"""`bell up`: one command starts everything, and what goes wrong is one line that says what to do."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bellboard.testing import eventually
from bellboard_cli.runfile import alive
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

NAMES = {
    *("nats-server", "nursery", "town", "gateway", "reaper", "practice"),
    *("memes", "sandbox", "deploy", "logs", "graphs", "oncall", "incidents"),
}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _get(url: str) -> tuple[int, dict[str, str]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def _only_line(mesh: Mesh, *arguments: str) -> str:
    """What `bell up` says when it can't start: exactly one line."""
    done = mesh.bell("up", *arguments)
    said = (done.stdout + done.stderr).strip()
    assert done.returncode not in (0, None), said
    assert len(said.splitlines()) == 1, said
    return said


def test_it_says_that_it_is_ready_and_where(mesh: Mesh) -> None:
    """One line with the address; the page answers there."""
    ready = mesh.wait_for("ready ")

    assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+", ready)
    assert ready == f"ready {mesh.url}"
    assert _get(f"{mesh.url}/in")[0] == 200


def test_the_sign_in_link_works_once(own_mesh: Mesh) -> None:
    """The owner gets a session; a second use is refused. It is used at once, as it is good for ten minutes alone."""
    own_mesh.start("--no-sandbox")
    link = own_mesh.wait_for("sign in: ").removeprefix("sign in: ")

    first, headers = _get(link)
    second, _ = _get(link)

    assert (first, second) == (303, 403)
    assert "HttpOnly" in headers["Set-Cookie"]


def test_run_json_tells_programs_what_runs(mesh: Mesh) -> None:
    """Processes by name and pid, ports, URL and token; for its owner alone."""
    path = mesh.data / "run.json"
    run = json.loads(path.read_text())

    assert {entry["name"] for entry in run["processes"]} == NAMES
    assert all(alive(entry["pid"]) for entry in run["processes"])
    assert {"web", "grpc", "nats", "health"} <= set(run["ports"])
    assert run["urls"]["web"] == run["url"] == f"http://127.0.0.1:{run['ports']['web']}"
    assert run["urls"]["grpc"].endswith(f":{run['ports']['grpc']}")
    assert run["urls"]["nats"] == f"nats://127.0.0.1:{run['ports']['nats']}"
    assert run["token"]
    assert run["version"]
    assert path.stat().st_mode & 0o077 == 0


def test_keys_are_for_their_owner_alone(mesh: Mesh) -> None:
    """Nobody else on the machine can read them."""
    assert [path for path in (mesh.data, *mesh.data.glob("keys/*")) if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("name", ["memes", "reaper", "gateway", "nats-server", "town"])
async def test_whatever_is_killed_comes_back(mesh: Mesh, name: str) -> None:
    """It is said, run.json tells the new pid, and commands go on."""
    before = len(mesh.lines)  # others may have killed it too
    old = mesh.kill(name)

    stopped = f"{name} stopped (SIGKILL); starting it again in"
    await eventually(lambda: any(line.startswith(stopped) for line in mesh.lines[before:]), timeout=30)
    await eventually(lambda: mesh.run_file.pid(name) not in (None, old), timeout=30)

    await eventually(lambda: mesh.say("roll 2d6").exit == 0, timeout=30)


async def test_a_bus_that_stores_nothing_is_started_again(own_mesh: Mesh) -> None:
    """After its disk was full it answers, and takes nothing more until it is started anew; what was typed never runs."""
    own_mesh.start()
    resource.prlimit(own_mesh.pid("nats-server"), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    said = own_mesh.say("practice fire a", timeout=50)

    assert said.exit != 0
    own_mesh.wait_for("nats-server answers and stores nothing")
    own_mesh.wait_for("nats-server is running again")
    await eventually(lambda: own_mesh.say("practice fire b").exit == 0, timeout=30)
    assert own_mesh.effects.read_text().count("fire") == 1


def test_a_second_one_in_the_same_folder_is_refused(mesh: Mesh) -> None:
    """In one line; the first goes on."""
    assert "it runs already" in _only_line(mesh)
    assert mesh.say("roll").exit == 0


def test_a_taken_port_is_one_line(own_mesh: Mesh) -> None:
    """It says which, and what to type instead."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert re.search(rf"port {port} is taken; .*--port", _only_line(own_mesh, "--port", str(port)))


def test_a_half_written_folder_is_one_line(own_mesh: Mesh) -> None:
    """It names what is missing, and what to do."""
    assert own_mesh.bell("bot", "enrol", "memes").returncode == 0
    (own_mesh.data / "keys" / "reaper.nk").unlink()

    said = _only_line(own_mesh)

    assert "reaper.nk is missing" in said
    assert "move the folder away" in said


def test_a_folder_of_something_else_is_left_alone(own_mesh: Mesh) -> None:
    """Nothing is written into it."""
    own_mesh.data.mkdir()
    (own_mesh.data / "thesis.tex").write_text("chapter one")

    assert "holds no Bellboard" in _only_line(own_mesh)
    assert [path.name for path in own_mesh.data.iterdir()] == ["thesis.tex"]


def test_a_folder_that_can_not_be_made_is_one_line(own_mesh: Mesh) -> None:
    """A file is in the way, or nobody may write there: it says which folder, and what to type instead."""
    own_mesh.data.write_text("")

    for folder in (str(own_mesh.data), "/proc/nope"):
        said = _only_line(own_mesh, "--data", folder)
        assert folder in said
        assert "--data" in said


def test_a_broken_start_is_completed(own_mesh: Mesh) -> None:
    """Killed while the folder was made, the next start makes the rest."""
    assert own_mesh.bell("bot", "enrol", "memes").returncode == 0
    for path in (own_mesh.data / "made", own_mesh.data / "trust.json", own_mesh.data / "keys" / "gw-2.sign"):
        path.unlink()

    own_mesh.start()

    assert own_mesh.say("roll").exit == 0


async def test_killed_outright_it_leaves_nothing_running_and_starts_again(own_mesh: Mesh) -> None:
    """kill -9 of `bell up` itself takes everything with it; the record and the addresses are still there."""
    own_mesh.start()
    before = own_mesh.run_file
    card = own_mesh.say("practice fire a").last["command_id"]
    assert own_mesh.process is not None

    own_mesh.process.kill()
    own_mesh.process.wait()
    await eventually(lambda: not any(alive(entry["pid"]) for entry in before.processes))
    own_mesh.launch("--no-sandbox")
    own_mesh.wait_for("ready ")

    assert own_mesh.run_file.url == before.url
    assert own_mesh.run_file.ports["nats"] == before.ports["nats"]
    await eventually(lambda: own_mesh.say(f"why {card}").exit == 0, timeout=30)
    assert own_mesh.effects.read_text().count("fire") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_drains_and_leaves_nothing_running(own_mesh: Mesh, number: signal.Signals) -> None:
    """A command that runs is finished first; run.json is gone afterwards. Whoever waits hears its end, or that nobody knows."""
    own_mesh.start()
    slow = own_mesh.background("say", "--json", "--timeout=30", "practice fire slow --wait 4s")
    own_mesh.wait_for_state(slow, "STARTED")

    code = own_mesh.stop(number)

    assert code == 0
    assert not (own_mesh.data / "run.json").exists()
    assert own_mesh.effects.read_text().count("fire") == 1
    slow.communicate()
    assert slow.returncode in (0, 6), "its end was told, or it is not known here"


def test_the_data_folder_is_the_one_that_was_named(mesh: Mesh, tmp_path: Path) -> None:
    """Elsewhere nothing runs, and that is said."""
    done = mesh.bell("say", "--data", str(tmp_path / "other"), "roll")

    assert done.returncode == 1
    assert "nothing runs in" in done.stderr
    assert len(done.stderr.splitlines()) == 1
