"""Patterns are found, and the same as by the library that is known for it."""

from __future__ import annotations

import random

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard_logs.drain import ANY, MOST, OTHER, Drain

SHAPES = (
    "order {} placed by customer {}",
    "GET /cart/{} in {} ms",
    "payment token mismatch for order {} of customer {}",
    "connection to stock-{} lost after {} s, trying again",
    "worker {} started with pid {}",
)


def grouped(labels: list[int]) -> list[int]:
    """Labels renamed by first use, so that two ways of naming can be compared."""
    names: dict[int, int] = {}
    return [names.setdefault(label, len(names)) for label in labels]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=60))
def test_lines_are_grouped_as_drain3_groups_them(drawn: list[tuple[int, int, int]]) -> None:
    """An oracle of another make."""
    config = TemplateMinerConfig()
    config.drain_sim_th = 0.5
    config.masking_instructions = [MaskingInstruction(r"(?<!\S)[^\s0-9]*[0-9]\S*", "*")]
    theirs, ours = TemplateMiner(config=config), Drain()
    lines = [SHAPES[shape].format(a, b) for shape, a, b in drawn]

    mine = [id(ours.learn(line)) for line in lines]

    assert grouped(mine) == grouped([int(theirs.add_log_message(line)["cluster_id"]) for line in lines])


def test_what_differs_becomes_variable() -> None:
    """Numbers at once, words once two lines show that they differ."""
    drain = Drain()
    first = drain.learn("user ann logged in from 10.0.0.1")
    second = drain.learn("user bob logged in from 10.0.0.2")

    assert first is second
    assert first.template == f"user {ANY} logged in from {ANY}"


def test_a_pattern_is_known_again_after_a_restart() -> None:
    """By the id that it was given."""
    drain = Drain()
    drain.restore("payment token mismatch for order <*>", 7)

    assert drain.learn("payment token mismatch for order 99").id == 7
    assert not drain.changed


def test_there_is_an_end_to_patterns() -> None:
    """An app that says something else each time can't fill the memory."""
    drain, chance = Drain(), random.Random(3)
    made = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(MOST + 10)]

    learnt = [drain.learn(word).template for word in made]

    assert set(learnt[MOST:]) == {OTHER}
