"""`bell doctor`: what is wrong, and what to do about it, in one line each."""

from __future__ import annotations

import os
import signal

import pytest

from bellboard.testing import eventually
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def _findings(mesh: Mesh) -> list[str]:
    """What it finds; every line says what is wrong and, behind an arrow, what to do."""
    done = mesh.bell("doctor")
    lines = done.stdout.splitlines()
    if done.returncode == 0:
        return []
    assert done.returncode == 1, done.stderr
    assert all(" -> " in line for line in lines), lines
    return lines


def _finds(mesh: Mesh, words: str) -> bool:
    return any(words in line for line in _findings(mesh))


async def test_nothing_is_wrong_with_a_mesh_that_is_well(mesh: Mesh) -> None:
    """One line, exit 0. Where a process has no time to answer within a second, it is not well just then."""

    def well() -> bool:
        done = mesh.bell("doctor")
        assert (done.returncode, done.stdout) == (0, f"all is well in {mesh.data}\n")
        return True

    await eventually(well, 30)


def test_where_there_is_no_folder_it_says_how_to_make_one(own_mesh: Mesh) -> None:
    """The first thing that a newcomer may ask."""
    assert _findings(own_mesh) == [f"there is no data folder {own_mesh.data} -> bell up makes it"]


def test_where_nothing_runs_it_says_how_to_start(own_mesh: Mesh) -> None:
    """The folder is there."""
    own_mesh.bell("bot", "enrol", "memes")

    assert _finds(own_mesh, "nothing runs in")


def test_a_key_that_is_missing_is_named(own_mesh: Mesh) -> None:
    """With what to do."""
    own_mesh.bell("bot", "enrol", "memes")
    (own_mesh.data / "keys" / "gw-1.nk").unlink()

    assert _finds(own_mesh, "gw-1.nk is missing -> restore it")


def test_what_is_broken_is_found_before_anything_starts(own_mesh: Mesh) -> None:
    """Keys that were cut off, the list of bots, what people edit; each with what to do."""
    own_mesh.bell("bot", "enrol", "memes")
    data = own_mesh.data
    for file, broken, found in (
        (data / "keys" / "memes.nk", "", f"{data / 'keys' / 'memes.nk'} holds no key -> restore it"),
        (data / "keys" / "gw-1.sign", "x", f"{data / 'keys' / 'gw-1.sign'} holds no key -> restore it"),
        (data / "people.yaml", "people:\n- {{{", f"{data / 'people.yaml'} is no YAML at line 2 -> put it right"),
        (data / "enrolled.yaml", "x", "enrolled.yaml"),
    ):
        was = file.read_text()
        file.write_text(broken)
        assert _finds(own_mesh, found), file
        file.write_text(was)


def test_a_file_in_place_of_the_folder_is_found(own_mesh: Mesh) -> None:
    """`bell up` could not make it there."""
    own_mesh.data.write_text("")

    assert _findings(own_mesh) == [f"{own_mesh.data} is a file, and no data folder -> name another with --data"]


def test_keys_that_others_can_read_are_found(own_mesh: Mesh) -> None:
    """The remedy can be typed as it stands."""
    own_mesh.bell("bot", "enrol", "memes")
    key = own_mesh.data / "keys" / "gw-1.nk"
    key.chmod(0o644)

    assert _finds(own_mesh, f"others on this machine can read {key} -> chmod go= {key}")


async def test_a_mesh_that_was_killed_is_recognised(own_mesh: Mesh) -> None:
    """Its run.json is left over."""
    own_mesh.start()
    assert own_mesh.process is not None
    own_mesh.process.kill()
    own_mesh.process.wait()

    await eventually(lambda: _finds(own_mesh, "left over from a mesh that was killed -> start it again"), 20)


async def test_a_bot_that_hangs_is_found(own_mesh: Mesh) -> None:
    """It runs, and says nothing."""
    own_mesh.start()
    pid = own_mesh.kill("memes", signal.SIGSTOP)
    try:
        await eventually(lambda: _finds(own_mesh, "memes is not ready: it does not answer"), 30)
        await eventually(lambda: _finds(own_mesh, "the bot memes is enrolled, and no worker of it is there"), 30)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_bus_that_hangs_is_found(own_mesh: Mesh) -> None:
    """Within seconds, not for ever."""
    own_mesh.start()
    pid = own_mesh.kill("nats-server", signal.SIGSTOP)
    try:
        assert await eventually(lambda: _finds(own_mesh, "the bus"), 30)
    finally:
        os.kill(pid, signal.SIGCONT)
