"""run.json."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bellboard.errors import UserError
from bellboard_cli.runfile import NAME, RunFile, alive

RUNNING = RunFile("0.1.0", "http://127.0.0.1:1", "token", {"web": 1}, [{"name": "memes", "pid": 7}])


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """All of it."""
    RUNNING.write(tmp_path)

    assert RunFile.read(tmp_path) == RUNNING
    assert RUNNING.pid("memes") == 7
    assert RUNNING.pid("gateway") is None


def test_it_is_for_its_owner_alone_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """It holds the local token."""
    RUNNING.write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_where_nothing_runs_it_is_said_how_to_start(tmp_path: Path) -> None:
    """With the folder that was asked for."""
    with pytest.raises(UserError, match=f"nothing runs in .*bell up --data {tmp_path}"):
        RunFile.read(tmp_path)


def test_a_broken_file_is_no_traceback(tmp_path: Path) -> None:
    """Nor is one of another version."""
    for text in ("{", "[]", '{"other": 1}'):
        (tmp_path / NAME).write_text(text)
        with pytest.raises(UserError, match="can't be read"):
            RunFile.read(tmp_path)


def test_we_are_alive_and_nobody_is_not() -> None:
    """A pid that was never given is dead."""
    assert alive(os.getpid())
    assert not alive(2**22 - 1)
