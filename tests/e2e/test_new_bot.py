"""`bell new-bot`: a bot whose tests pass at once, and which answers in a room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bellboard.testing import eventually
from tests.e2e.mesh import BELL, Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def _make(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BELL, "new-bot", name], cwd=folder, capture_output=True, text=True, check=False)


def test_its_tests_pass_at_once(tmp_path: Path) -> None:
    """With a dash in its name, too."""
    for name in ("weather", "coffee-run"):
        made = _make(name, tmp_path)
        assert made.returncode == 0, made.stderr

        tested = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / name)],
            cwd=tmp_path / name,
            capture_output=True,
            text=True,
            check=False,
        )
        assert tested.returncode == 0, tested.stdout


def test_its_code_is_clean(tmp_path: Path) -> None:
    """By our own rules for style and types."""
    _make("weather", tmp_path)
    root = Path(__file__).parents[2]
    config = ["--config", str(root / "pyproject.toml"), "--config", f'src=[".", "{root}/kit"]']
    ruff = [sys.executable, "-m", "ruff"]
    package = "bellboard_weather"

    for command in (
        [*ruff, "check", *config, "."],
        [*ruff, "format", "--check", *config, "."],
        [sys.executable, "-m", "mypy", "--strict", "--exclude", "_pb2", package],
    ):
        done = subprocess.run(command, cwd=tmp_path / "weather", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


async def test_it_answers_in_a_room(own_mesh: Mesh, tmp_path: Path) -> None:
    """Enrolled and started beside the others."""
    _make("weather", tmp_path)
    path = os.pathsep.join([str(tmp_path / "weather"), own_mesh.env["PYTHONPATH"]])
    own_mesh.more["PYTHONPATH"] = path
    own_mesh.practice = False
    done = own_mesh.bell("bot", "enrol", "weather", "--module", "bellboard_weather", "--open")
    assert done.returncode == 0, done.stderr

    own_mesh.start()

    def answers() -> bool:
        said = own_mesh.say("weather ann")
        return said.exit == 0 and "Hello, ann!" in said.text

    await eventually(answers, 30)


@pytest.mark.parametrize("name", ["Weather", "../x", "gateway", "a--b", ""])
def test_a_name_that_is_none_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Nothing is made."""
    made = _make(name, tmp_path)

    assert made.returncode == 1
    assert len(made.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bot_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Its author's work is in it."""
    _make("weather", tmp_path)

    again = _make("weather", tmp_path)

    assert again.returncode == 1
    assert "is there already" in again.stderr
