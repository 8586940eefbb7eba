"""The simulator in its short form: a few thousand histories, every transition taken, no invariant broken."""

from __future__ import annotations

import pytest

from tests.chaos.simulator.runner import LEAST_EVENTS, Tally, campaign, play, table

pytestmark = pytest.mark.timeout(300)

HISTORIES = 3_000


@pytest.fixture(scope="module")
def tally() -> Tally:
    """What a few thousand histories came to."""
    return campaign(seed=1, histories=HISTORIES, keep_going=True)


def test_no_history_breaks_an_invariant(tally: Tally) -> None:
    """Nothing is lost, and nothing that must not repeat runs twice, whatever goes wrong."""
    assert tally.violations == {}


def test_histories_differ(tally: Tally) -> None:
    """The histories that count are distinct, and long enough."""
    assert len(tally.distinct) >= HISTORIES
    assert tally.events >= LEAST_EVENTS * HISTORIES


@pytest.mark.parametrize("transition", table(), ids=lambda transition: "-".join(transition))
def test_every_transition_is_taken(transition: tuple[str, str, str], tally: Tally) -> None:
    """The table allows nothing that does not happen."""
    assert tally.transitions[transition] > 0


def test_only_transitions_of_the_table_are_taken(tally: Tally) -> None:
    """Nothing happens that the table does not allow."""
    assert set(tally.transitions) <= set(table())


def test_a_history_can_be_played_again() -> None:
    """A seed tells the same history every time."""
    assert play(1_234).sim.events == play(1_234).sim.events
