"""New bots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bellboard import Failed, UserError
from bellboard.scaffold import generate, make_bot


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["tea", "coffee-run"])
def test_a_new_bots_tests_pass_at_once(tmp_path: Path, name: str) -> None:
    """Nothing has to be filled in first."""
    folder = make_bot(name, tmp_path)

    ran = pytest_in(folder)

    assert folder == tmp_path / name
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


@pytest.mark.parametrize("name", ["", "Tea", "1tea", "tea--pot", "-tea", "tea-", "../tea", "t" * 40, "house", "bell board"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Names are subjects, packages and phrases at once."""
    with pytest.raises(UserError, match="can't be the name"):
        make_bot(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that is there stays as it is."""
    (tmp_path / "tea").mkdir()

    with pytest.raises(UserError, match="is there already"):
        make_bot("tea", tmp_path)


def test_a_mistake_in_a_contract_is_shown(tmp_path: Path) -> None:
    """In the compiler's words, with its line."""
    (tmp_path / "a.proto").write_text('syntax = "proto3";\nmessage A { string a = 0; }\n')

    with pytest.raises(Failed, match=r"a\.proto:2"):
        generate(tmp_path)
