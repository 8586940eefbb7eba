"""run.json."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bellboard.errors import UserError
from bellboard_cli.runfile import NAME, Address, RunFile, alive, find

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


@pytest.mark.parametrize(
    ("url", "target", "tls"),
    [
        ("http://127.0.0.1:9090", "127.0.0.1:9090", False),
        ("https://bell.example.com/", "bell.example.com:443", True),
        ("http://gateway.payments", "gateway.payments:80", False),
        ("https://[::1]:9090", "[::1]:9090", True),
    ],
)
def test_a_gateway_of_elsewhere_is_found_by_its_url(tmp_path: Path, url: str, target: str, tls: bool) -> None:
    """With the token that a file holds, read each time that the gateway is looked for."""
    token = tmp_path / "token"
    token.write_text("mine\n")
    found = find(tmp_path, url, token)
    assert found() == Address(target, "mine", tls)
    token.write_text("new")
    assert found().token == "new"


@pytest.mark.parametrize("url", ["bell.example.com", "ftp://x", "https://", "https://x/y", "http://a@b", "http://x:port"])
def test_what_is_no_address_is_said_so(tmp_path: Path, url: str) -> None:
    """With one that is."""
    with pytest.raises(UserError, match="no address of a gateway"):
        find(tmp_path, url, tmp_path)()


def test_a_url_wants_a_token(tmp_path: Path) -> None:
    """The local owner's is nobody's elsewhere."""
    with pytest.raises(UserError, match="wants a token"):
        find(tmp_path, "http://127.0.0.1:9090", None)
    with pytest.raises(UserError, match="no token can be read"):
        find(tmp_path, "http://127.0.0.1:9090", tmp_path / "none")()
