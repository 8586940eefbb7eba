"""When a server is left that answers nothing."""

from __future__ import annotations

import time

from bellboard.bus.silence import PATIENCE, Silence


def later(seconds: float = PATIENCE + 1) -> float:
    return time.monotonic() + seconds


def test_a_server_that_answers_nothing_for_long_is_left() -> None:
    """Once; then it counts anew, for the next server."""
    silence = Silence()
    silence.unanswered()
    silence.unanswered()

    assert not silence.too_long(later(PATIENCE - 1))
    assert silence.too_long(later())
    assert not silence.too_long(later())


def test_one_question_without_an_answer_says_nothing() -> None:
    """However long ago it was."""
    silence = Silence()
    silence.unanswered()

    assert not silence.too_long(later(3600))


def test_an_answer_ends_a_silence() -> None:
    """So a leader that is being elected drives nobody away."""
    silence = Silence()
    silence.unanswered()
    silence.unanswered()
    silence.answered()

    assert not silence.too_long(later())
