"""Addresses stay the same from start to start, as long as nobody else took them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bellboard.errors import UserError
from bellboard_cli.ports import HOST, Ports, is_free


def _remember(folder: Path, name: str) -> int:
    ports = Ports(folder)
    port = ports.take(name)
    ports.save()
    return port


def test_a_port_is_the_same_as_last_time(tmp_path: Path) -> None:
    """So a bookmark goes on to work."""
    port = _remember(tmp_path, "web")

    assert Ports(tmp_path).take("web") == port


def test_zero_means_any(tmp_path: Path) -> None:
    """Asked for any port, the one of last time is not special."""
    ports = Ports(tmp_path)

    assert is_free(ports.take("web", 0))


def test_a_port_that_somebody_else_took_is_given_up(tmp_path: Path) -> None:
    """Unless it was asked for by number."""
    port = _remember(tmp_path, "web")
    with socket.socket() as other:
        other.bind((HOST, port))
        other.listen()

        assert Ports(tmp_path).take("web") != port


def test_a_wanted_port_that_is_taken_is_refused_with_a_way_out(tmp_path: Path) -> None:
    """The message says what to type instead."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(UserError, match=f"port {port} is taken .*--port"):
            Ports(tmp_path).take("web", port)


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    """All are taken at once, before anybody listens."""
    ports = Ports(tmp_path)

    assert len({ports.take(f"p{number}") for number in range(50)}) == 50


def test_ports_lie_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    """A client that tries again and again while its server is down must not come to sit on the server's port."""
    assert Ports(tmp_path).take("nats") < 32768


def test_a_broken_file_is_no_hindrance(tmp_path: Path) -> None:
    """Ports are a convenience."""
    (tmp_path / "ports.json").write_text("{")

    assert Ports(tmp_path).take("web")
