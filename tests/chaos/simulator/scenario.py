"""What a history is about: which commands, who asks what of them when, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.subjects import Key

from .bus import Bus
from .gateways import Gateway
from .invariants import Checker
from .reapers import Reaper
from .workers import Worker
from .world import Simulation, Spec

READ, IDEMPOTENT, ONCE = options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE
CLIMB = (("boots", IDEMPOTENT), ("rope", ONCE), ("top", IDEMPOTENT))
STRIDE = (("left", IDEMPOTENT), ("right", IDEMPOTENT))


@dataclass(slots=True)
class Cast:
    """Everybody in a history."""

    sim: Simulation
    bus: Bus
    checker: Checker
    workers: list[Worker]
    gateways: list[Gateway]
    reapers: list[Reaper]
    calm: bool = False
    trouble: float = 90.0  # virtual seconds in which things go wrong


def cast(seed: int) -> Cast:
    """Set a history up."""
    sim = Simulation(seed)
    checker = Checker(sim)
    bus = Bus(sim, checker)
    fences: set[str] = set()
    workers = [Worker(sim, bus, f"w{n}", fences) for n in range(sim.rng.choice((1, 2, 2, 3)))]
    gateways = [Gateway(sim, bus, f"gw{n}", workers) for n in range(2)]
    gateways[0].twin, gateways[1].twin = gateways[1], gateways[0]
    reapers = [Reaper(sim, bus, f"reap{n}", workers) for n in range(sim.rng.choice((1, 1, 2)))]
    bus.workers.extend(workers)
    bus.followers.extend([*(reaper.follow_records for reaper in reapers), gateways[0].watch])
    whole = Cast(sim, bus, checker, workers, gateways, reapers)
    sim.rng.choices(list(KINDS), list(KINDS.values()))[0](whole)
    return whole


def _commands(whole: Cast, count: int, **fixed: object) -> list[Spec]:
    """Add commands of every sort, and have them asked for."""
    sim, specs = whole.sim, []
    for n in range(count):
        effect = sim.rng.choice((READ, IDEMPOTENT, ONCE, ONCE))
        spec = Spec(Key("ops-work", "practice", f"c{n}"), effect)
        if effect == ONCE:
            spec.steps = sim.rng.choice(((), (), CLIMB))
            spec.probes = sim.rng.random() < 0.6
            spec.fenced = spec.probes and sim.rng.random() < 0.6
        elif effect == IDEMPOTENT:
            spec.steps = sim.rng.choice(((), (), STRIDE, CLIMB))
        spec.lasts = sim.rng.choice((0.1, 2.0, 20.0))
        for name, value in fixed.items():
            setattr(spec, name, value)
        sim.specs[spec.key.id] = spec
        specs.append(spec)
        gateway = sim.rng.choice(whole.gateways)
        sim.after(sim.rng.uniform(0.0, 5.0), gateway.submit, spec)
    return specs


def _at_times(whole: Cast, act: Callable[..., None], spec: Spec, *args: object, last: float = 15.0) -> None:
    whole.sim.after(whole.sim.rng.uniform(0.0, last), act, spec, *args)


def _troubled(sim: Simulation, *names: str, rate: float = 0.0) -> None:
    """Bring some faults into force, each at a rate of its own."""
    for name in names:
        setattr(sim.faults, name, rate or sim.rng.choice((0.0, 0.03, 0.1, 0.25)))


NETWORK = ("lost_request", "lost_answer", "ghost", "duplicate", "slow", "stale", "lost_ack", "redelivered", "forgotten")


def _calm(whole: Cast) -> None:
    """Nothing goes wrong."""
    _commands(whole, 4, probes=False)
    whole.calm = True


def _bad_network(whole: Cast) -> None:
    """Requests and answers go astray, and people change their minds."""
    specs = _commands(whole, 3, refuses=0.2)
    _troubled(whole.sim, *NETWORK, "gateway_crash")
    _outage(whole, 0.3)
    for spec in specs:
        if whole.sim.chance(0.4):
            _at_times(whole, whole.sim.rng.choice(whole.gateways).cancel, spec)
        if whole.sim.chance(0.4):
            _at_times(whole, whole.gateways[1].submit, spec)


def _outage(whole: Cast, likely: float) -> None:
    sim = whole.sim
    if sim.chance(likely):
        sim.after(sim.rng.uniform(0.0, 20.0), _go_down, whole, sim.rng.choice((1.0, 6.0, 30.0)))


def _go_down(whole: Cast, seconds: float) -> None:
    whole.sim.note("down")
    whole.sim.down_until = whole.sim.now + seconds
    whole.checker.excused.update(whole.sim.specs)


def _crashes(whole: Cast) -> None:
    """Workers die and stall at any moment, reapers and gateways too."""
    specs = _commands(whole, 3, breaks=0.1)
    _troubled(whole.sim, "crash", "pause", "reaper_crash", "gateway_crash", "asleep", "lost_progress", "deaf", "stale")
    _outage(whole, 0.1)
    for spec in specs:
        if whole.sim.chance(0.7):
            _at_times(whole, whole.gateways[0].cancel, spec, last=30.0)


def _poison(whole: Cast) -> None:
    """Commands that cost their worker its life again and again."""
    steps = whole.sim.rng.choice(((), STRIDE))
    specs = _commands(whole, 2, effect=IDEMPOTENT, steps=steps, probes=whole.sim.chance(0.5))
    likely = whole.sim.rng.choice((0.5, 0.9, 1.0))
    _troubled(
        whole.sim, *whole.sim.rng.choice((("poison",), ("poison", "fatal"), ("poison", "fatal"), ("fatal",))), rate=likely
    )
    _troubled(whole.sim, "asleep", rate=whole.sim.rng.choice((0.1, 0.9)))
    whole.trouble = 400.0
    if whole.sim.chance(0.3):
        _at_times(whole, whole.gateways[0].cancel, specs[0], last=200.0)


def _contention(whole: Cast) -> None:
    """Everybody wants the same key."""
    specs = _commands(whole, 5, turn="hill")
    for spec in specs:
        if spec.effect == READ:
            spec.effect = IDEMPOTENT
    _troubled(whole.sim, "stale", "lost_answer", "ghost", "duplicate")
    _troubled(whole.sim, "crash", "pause", rate=whole.sim.rng.choice((0.0, 0.0, 0.03, 0.1)))
    _troubled(whole.sim, "asleep", rate=whole.sim.rng.choice((0.0, 0.5)))
    for spec in specs:
        spec.breaks = whole.sim.rng.choice((0.0, 0.3))
        if whole.sim.chance(0.6):
            _at_times(whole, whole.gateways[0].cancel, spec, last=60.0)


def _approvals(whole: Cast) -> None:
    """Commands that others must approve; some do, some don't, some too late, some twice."""
    turn = whole.sim.rng.choice(("", "hill", "hill"))
    specs = _commands(whole, 5, first="awaiting", patience=whole.sim.rng.choice((1.0, 60.0)), turn=turn, refuses=0.4)
    if whole.sim.chance(0.3):
        specs[0].first = "denied"
    _troubled(whole.sim, *NETWORK, "asleep")
    _troubled(whole.sim, "crash", rate=whole.sim.rng.choice((0.0, 0.05)))
    for spec in specs:
        for gateway in whole.gateways:
            moment = whole.sim.rng.uniform(0.0, 45.0)
            if whole.sim.chance(0.6):
                whole.sim.after(moment, gateway.decide, spec, whole.sim.chance(0.8))
            if whole.sim.chance(0.25):
                whole.sim.after(moment + whole.sim.rng.uniform(0.0, 3.0), gateway.cancel, spec)


def _nobody(whole: Cast) -> None:
    """No worker is there, or all of them go away."""
    _commands(whole, 3, patience=whole.sim.rng.choice((5.0, 20.0)))
    _troubled(whole.sim, "stale", "lost_answer")
    for worker in whole.workers:
        worker.sim.after(whole.sim.rng.choice((0.0, 1.0, 6.0)), _leave, worker)


def _leave(worker: Worker) -> None:
    worker.crash()
    worker.life += 1
    worker.bus.workers.remove(worker)


def _everything(whole: Cast) -> None:
    """Every fault there is."""
    specs = _commands(whole, 3, breaks=0.05, refuses=0.05, turn=whole.sim.rng.choice(("", "hill")))
    _troubled(whole.sim, *NETWORK, "crash", "pause", "gateway_crash", "reaper_crash", "deaf", "lost_progress", "asleep")
    _outage(whole, 0.3)
    for spec in specs:
        if whole.sim.chance(0.3):
            _at_times(whole, whole.sim.rng.choice(whole.gateways).cancel, spec)


KINDS = {
    _calm: 3,
    _bad_network: 13,
    _crashes: 23,
    _poison: 26,
    _contention: 21,
    _approvals: 20,
    _nobody: 4,
    _everything: 9,
}
"""Kinds of history, and how often each is played."""
