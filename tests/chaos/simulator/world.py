"""The virtual clock, the faults that are in force, and what is common to everybody who acts."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields
from typing import Any

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.ops import Op, World
from bellboard.ledger.subjects import Key

REQUEST_TIMEOUT = 2.0
"""Seconds after which a request without an answer is unclear."""


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Faults:
    """How likely each fault is, every time that it could happen."""

    lost_request: float = 0.0
    lost_answer: float = 0.0
    ghost: float = 0.0  # a request that arrives long after it was given up
    duplicate: float = 0.0  # a request that arrives twice
    slow: float = 0.0
    stale: float = 0.0  # a read that shows the past
    crash: float = 0.0  # of a worker, at any operation
    pause: float = 0.0  # of a worker, as by SIGSTOP
    gateway_crash: float = 0.0
    reaper_crash: float = 0.0
    deaf: float = 0.0  # the reaper misses heartbeats
    lost_ack: float = 0.0
    lost_progress: float = 0.0  # the bus takes a working worker for dead
    redelivered: float = 0.0
    forgotten: float = 0.0  # the bus forgets that it has delivered before
    asleep: float = 0.0  # a delivery comes late
    poison: float = 0.0  # of a worker, as soon as it has claimed
    fatal: float = 0.0  # of a worker, as soon as it runs the handler

    def heal(self) -> None:
        for each in fields(self):
            setattr(self, each.name, 0.0)


@dataclass(slots=True)
class Spec:
    """A command, and how its handler behaves."""

    key: Key
    effect: options.Effect.ValueType
    first: str = "received"  # or denied, awaiting
    steps: tuple[tuple[str, options.Effect.ValueType], ...] = ()
    turn: str = ""
    probes: bool = False
    fenced: bool = False  # the probe makes the target refuse the command from then on
    patience: float = 60.0  # seconds until not-after
    refuses: float = 0.0  # how likely the handler fails before anything happened
    breaks: float = 0.0  # how likely it breaks before or after the effect
    lasts: float = 0.5  # seconds, at most

    @property
    def parts(self) -> tuple[str, ...]:
        """The effects it has when it succeeds."""
        return tuple(name for name, _ in self.steps) or (() if self.effect == options.EFFECT_READ else ("",))

    def must_not_repeat(self, part: str) -> bool:
        if self.steps:
            return dict(self.steps).get(part) == options.EFFECT_ONCE
        return self.effect == options.EFFECT_ONCE


@dataclass(slots=True)
class Simulation:
    """One history: the clock, the dice and what has happened."""

    seed: int
    faults: Faults = field(default_factory=Faults)
    specs: dict[str, Spec] = field(default_factory=dict)
    now: float = 1_000.0
    events: list[str] = field(default_factory=list)
    rng: random.Random = field(init=False)
    down_until: float = 0.0
    _queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def after(self, delay: float, act: Callable[..., None], *args: Any) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay, self._count, act, args))

    def run(self, until: float) -> None:
        """Let things happen until nothing is left to happen."""
        while self._queue:
            self.now, _, act, args = heapq.heappop(self._queue)
            if self.now > until:
                raise Violation(f"it never comes to rest: {act.__qualname__} at {self.now:.1f}")
            act(*args)

    def note(self, *what: object) -> None:
        self.events.append(" ".join(map(str, what)))

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    def world(self, skew: float = 0.0) -> World:
        return World(now=lambda: self.now + skew, clock=lambda: self.now, nonce=self.nonce)

    def nonce(self) -> str:
        self._count += 1
        return f"n{self._count}"


class Actor:
    """Somebody who follows procedures, and may crash or stall at any operation."""

    def __init__(self, sim: Simulation, name: str) -> None:
        self.sim, self.name = sim, name
        self.alive = True
        self.life = 1
        self.paused_until = 0.0
        self.world = sim.world(sim.rng.choice((0.0, 0.0, -1.5, 1.5)))

    @property
    def awake(self) -> bool:
        return self.alive and self.paused_until <= self.sim.now

    def later(self, delay: float, act: Callable[..., None], *args: Any) -> None:
        """Do something in a while, if still alive then, and not before a pause is over."""
        self.sim.after(delay, self._act, self.life, act, args)

    def _act(self, life: int, act: Callable[..., None], args: tuple[Any, ...]) -> None:
        if life != self.life or not self.alive:
            return
        if self.paused_until > self.sim.now:
            self.sim.after(self.paused_until - self.sim.now, self._act, life, act, args)
        else:
            act(*args)

    def follow(self, procedure: Generator[Op, Any, Any], subject: Any, done: Callable[[Any], None]) -> None:
        """Follow a procedure to its end."""
        life = self.life

        def go_on(answer: Any) -> None:
            try:
                op = procedure.send(answer)
            except StopIteration as end:
                done(end.value)
            else:
                self.carry_out(op, subject, lambda result: self._act(life, go_on, (result,)))

        go_on(None)

    def carry_out(self, op: Op, subject: Any, answer: Callable[[Any], None]) -> None:
        """Carry an operation out; ``answer`` is called with its result, or never."""
        raise NotImplementedError
