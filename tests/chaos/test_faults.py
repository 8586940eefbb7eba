"""Each known way to get the protocol wrong, patched into a copy of the shipped procedures, is caught by the simulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = sorted((ROOT / "tests/chaos/faults").glob("*.patch"))
ENOUGH = 8_000
"""Histories within which each fault must show; most show within the first few hundred."""


def simulate(kit: Path, histories: int) -> subprocess.CompletedProcess[str]:
    """Run the simulator on the procedures of a kit."""
    arguments = ["--histories", str(histories), "--seed", "7", "--processes", "1", "--shard", "50"]
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos.simulator", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(kit), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A copy of the shipped kit, to be spoilt."""
    pycache = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kit/bellboard", tmp_path / "kit/bellboard", ignore=pycache)
    return tmp_path / "kit"


def test_there_are_enough_faults() -> None:
    """Twelve named faults at least."""
    assert len(FAULTS) >= 12


def test_a_copy_that_is_not_spoilt_passes(kit: Path) -> None:
    """What is caught below is the fault, not the copying."""
    result = simulate(kit, 200)

    assert str(kit) in result.stdout
    assert (result.returncode, "0 violations" in result.stdout) == (0, True), result.stdout


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.stem)
def test_the_simulator_catches(fault: Path, kit: Path) -> None:
    """The procedures with this fault break an invariant."""
    subprocess.run(["git", "apply", str(fault)], cwd=kit.parent, env=os.environ | {"GIT_CEILING_DIRECTORIES": "/"}, check=True)

    result = simulate(kit, ENOUGH)

    assert str(kit) in result.stdout, result.stderr
    assert result.returncode == 1, f"not caught: {fault.read_text().splitlines()[0]}"
    assert "VIOLATION" in result.stdout
