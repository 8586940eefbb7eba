"""`bell say`: a line, its answer, and an exit code that scripts can rely on."""

from __future__ import annotations

import json
import os
import signal

import pytest

from bellboard.testing import eventually
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_what_succeeds_exits_0(mesh: Mesh) -> None:
    """The answer is on the last line, with the promised names."""
    said = mesh.say("roll 2d6")

    assert said.exit == 0
    assert said.last["state"] == "SUCCEEDED"
    assert said.last["final"] is True
    where = {"trace_url"}  # of a mesh that is told where traces are looked at, as this one is
    assert set(said.last) - where == {"command_id", "state", "final", "blocks", "trace_id", "at"}
    assert len(said.last["trace_id"]) == 32


def test_what_fails_exits_1(mesh: Mesh) -> None:
    """And says why, and what to do."""
    said = mesh.say("practice fire wet --fail")

    assert (said.exit, said.last["state"]) == (1, "FAILED")
    assert "did not go off" in said.text
    assert "leave out --fail" in said.text


@pytest.mark.parametrize(
    "line", ["meme shipit", "no such command at all", "practice set a 9999999999", "meme \u202eevil", "meme \udcff"]
)
def test_what_is_not_understood_exits_2(mesh: Mesh, line: str) -> None:
    """Nothing was published: there is no command."""
    said = mesh.say(line)

    assert (said.exit, said.last["state"], said.last["command_id"]) == (2, "NOT_UNDERSTOOD", "")


def test_what_is_said_in_no_room_exits_2(mesh: Mesh) -> None:
    """It is no failure of a command: there is none."""
    said = mesh.say("roll", "--room", "nowhere")

    assert (said.exit, said.last["command_id"]) == (2, "")
    assert "there is no such room; there are: general" in said.text
    assert said.last["at"]


def test_what_is_denied_exits_2(own_mesh: Mesh) -> None:
    """Somebody who may only look may not fire; the owner speaks for them."""
    own_mesh.bell("bot", "enrol", "practice", "--module", "bellboard_practice", "--open")
    people = own_mesh.data / "people.yaml"
    people.write_text(
        people.read_text().replace("people:", "people:\n- {id: bob, name: Bob, groups: [], tokens: [], accounts: []}", 1)
    )
    own_mesh.start()

    looked = own_mesh.say("practice look", "--as", "bob")
    fired = own_mesh.say("practice fire a", "--as", "bob")
    stranger = own_mesh.say("practice look", "--as", "nobody-at-all")

    assert looked.exit == 0
    assert (fired.exit, fired.last["state"]) == (2, "DENIED")
    assert stranger.exit == 2
    assert not own_mesh.effects.exists()


async def test_what_nobody_can_know_exits_3(mesh: Mesh) -> None:
    """A worker that is killed in the middle of what must not happen twice leaves UNKNOWN, and nothing is done again."""
    climbing = mesh.background("say", "--json", "practice climb k2 --wait 6s")
    card = mesh.wait_for_state(climbing, "STEP", words="rope on")

    mesh.kill("practice")
    out, err = climbing.communicate(timeout=60)

    assert climbing.returncode == 3, out + err
    assert json.loads(out.splitlines()[-1])["state"] == "UNKNOWN"
    done = [line.split()[1] for line in mesh.effects.read_text().splitlines() if line.startswith(card["command_id"])]
    assert done.count("rope") <= 1


async def test_where_no_bot_is_it_exits_4(mesh: Mesh) -> None:
    """A bot that has gone silent is known to be away within seconds, and that is said at once."""
    pid = mesh.kill("practice", signal.SIGSTOP)
    try:
        await eventually(lambda: mesh.say("practice look", timeout=1).exit == 4, 30)
        assert "no practice bot is running" in mesh.say("practice look").text
    finally:
        os.kill(pid, signal.SIGCONT)
    await eventually(lambda: mesh.say("practice look").exit == 0, 30)


def test_what_is_cancelled_exits_5(mesh: Mesh) -> None:
    """From another terminal."""
    looking = mesh.background("say", "--json", "practice look x --wait 30s")
    card = mesh.wait_for_state(looking, "RECEIVED", "CLAIMED", "STARTED")

    assert mesh.say(f"cancel {card['command_id']}").exit == 0
    out, err = looking.communicate(timeout=60)

    assert looking.returncode == 5, out + err
    assert json.loads(out.splitlines()[-1])["state"] == "CANCELLED"


def test_what_takes_too_long_exits_6(mesh: Mesh) -> None:
    """The command goes on; only the waiting ends."""
    said = mesh.say("practice look y --wait 50s", timeout=10)

    assert said.exit == 6
    assert said.last["final"] is False
    assert mesh.say(f"cancel {said.last['command_id']}").exit == 0


async def test_a_gateway_that_is_killed_meanwhile_costs_nothing(mesh: Mesh) -> None:
    """The same request is asked for again: one command, run once, answered."""
    firing = mesh.background("say", "--json", "practice fire gate --wait 3s")
    card = mesh.wait_for_state(firing, "STARTED")

    mesh.kill("gateway")
    out, err = firing.communicate(timeout=90)

    assert firing.returncode == 0, out + err
    # An answer without an id says that it is not known yet; it is no other command.
    assert {json.loads(line)["command_id"] for line in out.splitlines()} - {""} == {card["command_id"]}
    assert mesh.effects.read_text().count(f"{card['command_id']} fire") == 1


async def test_a_bus_that_is_killed_meanwhile_costs_nothing(mesh: Mesh) -> None:
    """The result is written when the bus is back."""
    await eventually(lambda: mesh.say("practice look").exit == 0, 30)
    firing = mesh.background("say", "--json", "practice fire bus --wait 3s")
    card = mesh.wait_for_state(firing, "STARTED")

    mesh.kill("nats-server")
    out, err = firing.communicate(timeout=90)

    assert firing.returncode in (0, 3), out + err
    assert mesh.effects.read_text().count(f"{card['command_id']} fire") == 1
    await eventually(lambda: mesh.say("roll").exit == 0, 30)  # so that all is well again for whoever comes next


def test_people_see_a_caret_under_what_is_wrong(mesh: Mesh) -> None:
    """On stderr: the line, the caret, the reason, the nearest right form."""
    done = mesh.bell("say", "meme shipit")

    assert done.returncode == 2
    assert done.stderr.splitlines()[:2] == ["meme shipit", "     ^^^^^^"]
    assert "ship-it" in done.stderr


def test_people_see_a_picture_as_words_and_address(mesh: Mesh) -> None:
    """A terminal shows no pictures."""
    done = mesh.bell("say", 'meme ship-it "works" "on my machine"')

    assert done.returncode == 0
    assert f"] {mesh.url}/blob/memes/" in done.stdout


def test_status_and_commands_are_for_programs_too(mesh: Mesh) -> None:
    """JSON with stable names."""
    status = json.loads(mesh.bell("status", "--json").stdout)
    commands = json.loads(mesh.bell("commands", "--json").stdout)

    assert {"house", "memes", "practice", "deploy", "logs", "graphs", "sandbox"} <= {bot["bot"] for bot in status["bots"]}
    assert status["bus"] is True
    assert all({"replicas", "queued", "running"} <= set(bot) for bot in status["bots"])
    assert {type(bot[count]) for bot in status["bots"] for count in ("queued", "running")} == {int}
    assert isinstance(status["open"], int)
    assert {"meme", "meme list", "roll", "help"} <= {command["phrase"] for command in commands["commands"]}


def test_status_and_commands_are_for_people_too(mesh: Mesh) -> None:
    """Tables."""
    assert "practice-" in mesh.bell("status").stdout
    assert "roll [DICE]" in mesh.bell("commands").stdout


def test_a_trace_lists_the_life_of_a_command(mesh: Mesh) -> None:
    """By its id, or the beginning of it; one trace for all of it."""
    card = mesh.say("practice fire traced").last

    done = mesh.bell("trace", card["command_id"][:10])

    assert done.returncode == 0
    assert done.stdout.startswith(f"trace {card['trace_id']}")
    assert " ms" in done.stdout


def test_a_trace_of_nothing_is_one_line(mesh: Mesh) -> None:
    """No traceback."""
    done = mesh.bell("trace", "zzzzzz")

    assert done.returncode == 1
    assert done.stderr.startswith("bell: there is no such command")
    assert len(done.stderr.splitlines()) == 1
