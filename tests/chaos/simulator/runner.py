"""Plays histories, and counts what they were."""

from __future__ import annotations

import hashlib
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from bellboard.ledger.state import TRANSITIONS, name

from .invariants import Transition
from .scenario import Cast, cast
from .world import Violation

REST = 2_500.0
"""Virtual seconds until it must have come to rest."""

LEAST_EVENTS = 20
"""Events below which a history is too short to count."""

SHARD = 500
"""Histories that one process plays in one go."""


@dataclass(slots=True)
class Tally:
    """What many histories came to."""

    played: int = 0
    distinct: set[bytes] = field(default_factory=set)
    events: int = 0
    transitions: Counter[Transition] = field(default_factory=Counter)
    violations: dict[int, str] = field(default_factory=dict)  # by the seed of the history

    def add(self, other: Tally) -> None:
        self.played += other.played
        self.distinct |= other.distinct
        self.events += other.events
        self.transitions.update(other.transitions)
        self.violations.update(other.violations)


def table() -> list[Transition]:
    """Every transition that the ledger allows."""
    return [
        (name(old), name(new), author.value)
        for old, following in TRANSITIONS.items()
        for new, authors in following.items()
        for author in sorted(authors)
    ]


def play(seed: int) -> Cast:
    """Play the history of a seed to its end.

    Raises:
        Violation: an invariant does not hold.
    """
    whole = cast(seed)
    whole.sim.after(whole.trouble, _heal, whole)
    try:
        whole.sim.run(until=whole.sim.now + REST)
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"a procedure broke: {error!r}\n{traceback.format_exc(limit=-4)}") from error
    whole.checker.at_rest()
    if whole.calm:
        whole.checker.calm()
    return whole


def _heal(whole: Cast) -> None:
    sim = whole.sim
    sim.faults.heal()
    for spec in sim.specs.values():
        spec.breaks = 0.0
    for worker in whole.workers:
        worker.paused_until = min(worker.paused_until, sim.now)
        if worker in whole.bus.workers:
            worker.start()


def shard(seeds: range) -> Tally:
    """Play the histories of some seeds."""
    tally = Tally()
    for seed in seeds:
        tally.played += 1
        try:
            whole = play(seed)
        except Violation as violation:
            tally.violations[seed] = str(violation)
            continue
        tally.events += len(whole.sim.events)
        tally.transitions.update(whole.checker.transitions)
        if len(whole.sim.events) >= LEAST_EVENTS:
            told = "\n".join(whole.sim.events).encode()
            tally.distinct.add(hashlib.blake2b(told, digest_size=10).digest())
    return tally


def shards(seed: int, size: int) -> Iterator[range]:
    """The seeds of the histories that a seed stands for, in order and without end."""
    first = seed * 1_000_000_000
    while True:
        yield range(first, first + size)
        first += size


def campaign(seed: int, histories: int, processes: int = 1, keep_going: bool = False, size: int = SHARD) -> Tally:
    """Play until there are so many distinct histories, or one breaks an invariant.

    What comes of it follows from the seed, however many processes share the work.
    """
    tally = Tally()
    for part in _played(shards(seed, size), processes):
        tally.add(part)
        if len(tally.distinct) >= histories or (tally.violations and not keep_going):
            break
    return tally


def _played(ahead: Iterator[range], processes: int) -> Iterator[Tally]:
    if processes == 1:
        yield from map(shard, ahead)
    with ProcessPoolExecutor(processes) as pool:
        while True:
            yield from pool.map(shard, [next(ahead) for _ in range(4 * processes)])
