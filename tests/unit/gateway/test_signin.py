"""Codes and sessions as signed claims."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_gateway.signin import CODE_LIFE, SESSION_LIFE, SignIn

KEY = b"k" * 32


class Clock:
    """A clock that stands still until it is moved."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_names_its_person() -> None:
    """What was signed is what is read."""
    sign_in = SignIn(KEY)
    assert sign_in.who(sign_in.session("ann")) == "ann"


def test_a_session_ends() -> None:
    """A cookie that was stolen long ago opens nothing."""
    clock = Clock()
    sign_in = SignIn(KEY, clock)
    session = sign_in.session("ann")
    clock.now += SESSION_LIFE - 1
    assert sign_in.who(session) == "ann"
    clock.now += 1
    assert sign_in.who(session) is None


def test_a_code_is_no_session_and_a_session_no_code() -> None:
    """Each claim says what it is for, though one key signs both."""
    sign_in = SignIn(KEY)
    assert sign_in.who(sign_in.code("ann")) is None
    assert CODE_LIFE < SESSION_LIFE


def test_another_houses_session_opens_nothing() -> None:
    """The key is the house's own."""
    assert SignIn(KEY).who(SignIn(b"o" * 32).session("ann")) is None


def test_no_two_codes_are_the_same() -> None:
    """Or spending one would spend the other."""
    sign_in = SignIn(KEY, Clock())
    assert sign_in.code("ann") != sign_in.code("ann")


@pytest.mark.parametrize("at", [0, 5, -1, -5])
def test_a_changed_session_opens_nothing(at: int) -> None:
    """Neither claim nor signature can be touched."""
    session = SignIn(KEY).session("ann")
    letter = "A" if session[at] != "A" else "B"
    touched = session[:at] + letter + (session[at + 1 :] if at != -1 else "")
    assert SignIn(KEY).who(touched) in (None, "ann" if at == -1 else None)


@given(st.text(max_size=2000))
def test_no_text_breaks_the_check(text: str) -> None:
    """A cookie may hold anything at all."""
    assert SignIn(KEY).who(text) is None
