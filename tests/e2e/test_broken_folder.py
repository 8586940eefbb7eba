"""A data folder with broken files: what can be made anew is, and of the rest one line says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEYS = (
    "gw-1.nk", "gw-1.sign", "reaper.nk", "provisioner.nk", "memes.nk", "memes.box", "house.box", "session.key", "local.token",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mesh:
    """A folder in which everything is made and nothing runs. Whoever breaks a file in it puts it right again."""
    mesh = Mesh(tmp_path_factory.mktemp("broken") / "data", practice=False)
    done = mesh.bell("bot", "enrol", "memes")
    assert done.returncode == 0, done.stderr
    return mesh


def said_of(mesh: Mesh, file: Path, broken: bytes) -> str:
    """The one line of `bell up` where a file holds this."""
    was = file.read_bytes()
    file.write_bytes(broken)
    try:
        done = mesh.bell("up", "--port", "0")
    finally:
        file.write_bytes(was)
    said = (done.stdout + done.stderr).strip()
    assert done.returncode not in (0, None), said
    assert len(said.splitlines()) == 1, said
    assert str(file) in said
    return said


@pytest.mark.parametrize("cut", [10, 0], ids=["cut off", "empty"])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_cut_off_is_one_line(made: Mesh, key: str, cut: int) -> None:
    """Nothing is started with it, and no other is made in its place."""
    file = made.data / "keys" / key

    said = said_of(made, file, file.read_bytes()[:cut])

    assert "holds no key; restore it from a copy, or move the folder away" in said


@pytest.mark.parametrize("garbage", [b"{hello", b"", b"[]", os.urandom(64)], ids=["text", "empty", "list", "bytes"])
def test_a_broken_list_of_bots_is_one_line(made: Mesh, garbage: bytes) -> None:
    """It holds what each of them may be, so nothing is guessed."""
    assert "not a list of bots" in said_of(made, made.data / "enrolled.yaml", garbage)


@pytest.mark.parametrize(
    ("file", "broken", "says"),
    [
        ("people.yaml", b"{{{", "people.yaml is no YAML"),
        ("policy/mine.cedar", b"permit (", "mine.cedar:1: no semicolon ends the policy"),
    ],
)
def test_a_broken_file_of_the_gateway_ends_the_start_and_says_which(
    own_mesh: Mesh, file: str, broken: bytes, says: str
) -> None:
    """Nothing goes without the gateway, and no restart would help; the last line says what is wrong."""
    assert own_mesh.bell("bot", "enrol", "memes").returncode == 0
    (own_mesh.data / file).write_bytes(broken)

    done = own_mesh.bell("up", "--port", "0", "--no-sandbox")

    assert done.returncode == 1
    assert says in done.stderr.splitlines()[-1]
    assert not (own_mesh.data / "run.json").exists()


@pytest.mark.parametrize("garbage", [b"{hello", b"", b"[1, 2]", b'{"web": 99999999, "nats": null}'])
def test_what_can_be_made_anew_is_made_anew(own_mesh: Mesh, garbage: bytes) -> None:
    """The bus's configuration, ports and what ran last: none of it holds anything that is not known elsewhere."""
    assert own_mesh.bell("bot", "enrol", "memes").returncode == 0
    for name in ("nats/server.conf", "nats/port", "ports.json", "run.json", "trust.json"):
        (own_mesh.data / name).write_bytes(garbage)

    lost = own_mesh.bell("say", "roll")
    assert (lost.returncode, len(lost.stderr.splitlines())) == (1, 1)
    assert "start it with: bell up" in lost.stderr
    own_mesh.start()

    assert own_mesh.say("roll").exit == 0
