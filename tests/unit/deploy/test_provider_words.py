"""Words that leave the bot: names for HAProxy, arguments of programs, lines for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard import ProviderError, SettingsError, UserError
from bellboard_deploy.argv.cleaning import LONGEST, Cleaner
from bellboard_deploy.argv.program import Program
from bellboard_deploy.entries import Entry, plain, read_entry
from bellboard_deploy.haproxy.naming import decode, encode, read_name, server_name, word
from bellboard_deploy.haproxy.runtime import split_address


@given(st.text(max_size=80))
def test_every_name_comes_back_from_haproxy(text: str) -> None:
    """In between it is made of characters that mean nothing to it."""
    assert re.fullmatch(r"[A-Za-z0-9_.:-]*", encode(text))
    assert decode(encode(text)) == text


@given(st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_a_server_says_what_it_is(replica: str, version: str, digest: str) -> None:
    """Three parts go in, and the same three come out."""
    name = server_name(replica, version, digest)
    assert word(name) == name
    assert read_name(name) == (replica, version, digest)


def test_other_servers_have_a_name_alone() -> None:
    """As those that stand in HAProxy's own configuration."""
    assert read_name("web1") == ("web1", "", "")
    assert read_name("web:80") == ("web:80", "", "")
    assert decode(":zz") == ":zz"
    assert decode(":41") == ":41"  # encode would have left the letter as it is


@given(st.text(max_size=60).filter(lambda text: not re.fullmatch(r"[A-Za-z0-9_.:-]+", text)))
def test_no_command_can_hold_another(text: str) -> None:
    """A name that could be more than one word is not sent."""
    with pytest.raises(ProviderError):
        word(text)


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "10.0.0.5:", "host:80", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:٣", "fe80::1%;x:80"]
)
def test_an_address_is_an_ip_and_a_port(address: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ProviderError):
        split_address(address)


def test_addresses_of_both_kinds() -> None:
    """With and without brackets."""
    assert split_address("10.0.0.5:8080") == ("10.0.0.5", 8080)
    assert split_address("[::1]:80") == ("::1", 80)


@pytest.mark.parametrize("good", ["v1", "v2.1", "feature/new", "img:1.2@sha256", "_x", "a" * 128])
def test_plain_words_go_out(good: str) -> None:
    """Versions as people name them."""
    assert plain(good, "a version") == good


@given(st.from_regex(r"\A([-./]|.*(\.\.|//|[^A-Za-z0-9_.+@/:-])).*\Z") | st.just("") | st.just("a" * 129))
def test_words_that_could_be_more_do_not(text: str) -> None:
    """Options, paths that lead elsewhere, spaces, and what a shell would see in them."""
    with pytest.raises(UserError) as refused:
        plain(text, "a version")
    assert len(str(refused.value)) < 120


EVIL = ["a" * 100_000 + "!", "/." * 50_000, "a/" * 50_000 + "\n", "token=" * 20_000, "a_" * 50_000 + "!", "://" + ":" * 100_000]


@pytest.mark.parametrize("evil", EVIL)
def test_long_words_are_refused_and_cleaned(evil: str) -> None:
    """Before the test's time is over: there is nothing to go back and forth over."""
    with pytest.raises(UserError):
        plain(evil, "a version")
    Cleaner(["hunter22"]).line(evil.encode()[:8192])


@given(st.binary(max_size=400))
def test_any_bytes_become_one_short_line(raw: bytes) -> None:
    """Without a secret, a control character, or an escape."""
    line = Cleaner(["hunter22"]).line(raw + b"hunter22" + raw)
    assert "hunter22" not in line
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line)
    assert len(line) <= LONGEST + 1


def test_placeholders_are_whole_arguments() -> None:
    """What is put in is not looked at again."""
    program = Program(["/bin/x", "{app}", "{version}"], known=("app", "version"), cwd=Path("/"), seconds=1)
    assert program.filled({"app": "{version}", "version": "v1"}) == ["/bin/x", "{version}", "v1"]


def test_a_wrong_key_is_named_and_its_value_is_not() -> None:
    """It may be a secret in the wrong place."""

    class Form(Entry):
        socket: int

    with pytest.raises(SettingsError) as error:
        read_entry("prod", {"kind": "x", "socket": "hunter22"}, Form)
    assert "prod" in error.value.text
    assert "socket" in error.value.text
    assert "hunter22" not in str(error.value)
