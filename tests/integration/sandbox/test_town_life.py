"""How a sandbox begins and ends."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bellboard.testing import eventually
from tests.integration.sandbox.towns import Town, gone, kill


def _refused(folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "bellboard_sandbox.town", "--dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stderr


async def test_it_is_its_owners_alone(town: Town) -> None:
    """The folder is closed to others, and so is each socket."""
    sockets = [path for path in town.folder.rglob("*") if path.is_socket()]

    assert stat.S_IMODE(town.folder.stat().st_mode) == 0o700
    assert len(sockets) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in sockets} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in town.folder.rglob("*")} == {0}


async def test_a_killed_sandbox_comes_back_as_it_was(town: Town) -> None:
    """Replicas, shares and faults; and none of its processes outlives it."""
    await town.add("web-3", "v3")
    await town.share({"web-1": 5, "web-3": 2})
    await town.told("DELETE", "apps/shop/replicas/web-2")
    await town.told("PUT", "faults", {"app": "shop", "fault": "errors"})
    shares, family = await town.shares(), town.family()
    town.end(signal.SIGKILL)
    await eventually(lambda: all(map(gone, family)))
    town.start()

    assert {name: replica["version"] for name, replica in (await town.replicas()).items()} == {"web-1": "v1", "web-3": "v3"}
    assert await town.shares() == shares
    assert [fault["fault"] for fault in await town.told("GET", "faults")] == ["errors"]
    assert (await town.visit("/")).code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_it_ends_and_leaves_nothing_running(make_town: Callable[..., Town], number: signal.Signals) -> None:
    """While customers wait for slow answers."""
    town = make_town("--rate", "50")
    await town.told("PUT", "faults", {"app": "shop", "fault": "db-slow"})
    await eventually(lambda: _waiting(town))
    family = town.family()

    assert len(family) == 4
    assert town.end(number) == 0
    assert all(map(gone, family))
    assert not [path for path in town.folder.rglob("*") if path.is_socket()]


async def test_two_do_not_run_in_one_folder(town: Town) -> None:
    """The second says so, and leaves the first alone."""
    code, said = _refused(town.folder)

    assert (code, said) == (1, f"sandbox: another one runs in {town.folder}\n")
    assert (await town.visit()).code == 200


def test_a_folder_too_deep_for_sockets_is_refused_in_one_line(tmp_path: Path) -> None:
    """And nothing is made."""
    folder = tmp_path / ("long" * 30)
    code, said = _refused(folder)

    assert code == 1
    assert said.count("\n") == 1
    assert "bytes too long for sockets" in said
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").touch()
    code, said = _refused(tmp_path / "file" / "t")

    assert code == 1
    assert said.count("\n") == 1


async def test_a_leash_ends_it(tmp_path: Path) -> None:
    """Whoever started it has died: standard input ends."""
    command = [sys.executable, "-m", "bellboard_sandbox.town", "--dir", str(tmp_path / "t"), "--rate", "0", "--leash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline()
        process.stdin.close()

        assert process.wait(30) == 0


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"replicas": 7}', '{"replicas": [{"name": "../x"}]}', "\0" * 99])
async def test_files_that_make_no_sense_begin_anew(town: Town, damage: str) -> None:
    """What is wanted, the faults, and what Caddy kept."""
    town.end()
    for name in ("state.json", "faults.json", "caddy/caddy/autosave.json"):
        (town.folder / name).write_text(damage)
    town.start()

    assert list(await town.replicas()) == ["web-1", "web-2"]
    assert (await town.visit()).code == 200


async def test_a_replica_that_keeps_dying_is_started_each_time(town: Town) -> None:
    """Its log goes on in the same file."""
    path = town.folder / "logs" / "web-1.jsonl"
    for lives in range(3):
        await eventually(partial(town.back, "web-1", lives))
        kill((await town.replicas())["web-1"]["pid"])
    await eventually(lambda: town.back("web-1", 3))

    assert [json.loads(line)["msg"] for line in path.read_text().splitlines()] == ["ready"] * 4


async def _waiting(town: Town) -> bool:
    return bool((await town.told("GET", "status"))["customers"]["waiting"] > 5)
