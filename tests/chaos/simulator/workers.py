"""Workers: they take deliveries, follow `work`, and run handlers whose effects can be counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import Ended, Execute, Hold, Op, Probe, Probed, Put, Read, Resume, StepBegins, Wait
from bellboard.ledger.state import S
from bellboard.ledger.work import Job, Verdict, work

from .bus import Bus, Message
from .world import Actor, Simulation, Spec

Answer = Callable[[Any], None]


class Worker(Actor):
    """One replica of the bot."""

    def __init__(self, sim: Simulation, bus: Bus, name: str, fences: set[str]) -> None:
        super().__init__(sim, name)
        self.bus, self.fences = bus, fences
        self.in_flight: dict[str, int] = {}  # command -> the epoch it has claimed, as heartbeats tell
        self.messages: dict[str, Message] = {}
        self.handlers: dict[str, Handler] = {}

    def works_on(self, message: Message) -> bool:
        return self.awake and self.messages.get(message.entry.key.id) is message

    def receive(self, message: Message, fresh: bool) -> None:
        self.later(0.0, self._take, message, fresh)

    def _take(self, message: Message, fresh: bool) -> None:
        entry = message.entry
        spec = self.sim.specs[entry.key.id]
        if entry.key.id in self.in_flight:
            return
        self.in_flight[entry.key.id] = 0
        self.messages[entry.key.id] = message
        job = Job(
            key=entry.key,
            record=entry.record,
            sequence=entry.sequence,
            fresh=fresh,
            worker=f"{self.name}.{self.life}",
            effect=spec.effect,
            not_after=float(entry.record.command.envelope),
            steps=spec.steps,
            turn=spec.turn,
            probes=spec.probes,
        )
        self.follow(work(job, self.world), spec, lambda verdict: self._done(message, verdict))

    def _done(self, message: Message, verdict: Verdict) -> None:
        id = message.entry.key.id
        for of_command in (self.in_flight, self.messages, self.handlers):
            of_command.pop(id, None)
        self.sim.note("verdict", id, self.name, verdict.value)
        if verdict is Verdict.DONE:
            self.bus.acknowledge(message)
        elif verdict is Verdict.LATER:
            self.bus.hand_back(message, self.sim.rng.uniform(0.5, 4.0))

    def carry_out(self, op: Op, subject: Spec, answer: Answer) -> None:
        if self.falters():
            return
        id = subject.key.id
        match op:
            case Put() | Read():
                if isinstance(op, Put) and op.record.state == S.STATE_CLAIMED:
                    self.in_flight[id] = op.record.epoch
                self.bus.request(op, answer)
                if isinstance(op, Put) and op.record.state == S.STATE_CLAIMED and self.sim.chance(self.sim.faults.poison):
                    self.crash()
            case Wait():
                self.later(op.seconds, answer, None)
            case Hold():
                self.follow(self.bus.hold(op), subject, answer)
            case Execute():
                self.bus.checker.begins(id, "")
                self.handlers[id] = Handler(self, subject, op)
                self.handlers[id].begin(answer)
                if self.sim.chance(self.sim.faults.fatal):
                    self.crash()
            case Resume():
                self.handlers[id].go_on(op.go, answer)
            case Probe():
                self.later(self.sim.rng.uniform(0.01, 2.0), self._probe, subject, answer)
            case _:
                raise AssertionError(op)
        self.falters()

    def _probe(self, spec: Spec, answer: Answer) -> None:
        id = spec.key.id
        if all(self.bus.checker.effects[id, part] for part in spec.parts):
            answer(Probed(True))
        elif spec.fenced:
            self.fences.add(id)  # the target will not take it any more, so this stays true
            answer(Probed(False))
        else:
            answer(Probed(None))

    def falters(self) -> bool:
        """Crash or stall, perhaps. True if it will not go on."""
        if not self.alive:
            return True
        if self.sim.chance(self.sim.faults.crash):
            self.crash()
            return True
        if self.sim.chance(self.sim.faults.pause):
            self.pause(self.sim.rng.uniform(0.5, 50.0))
        return False

    def pause(self, seconds: float) -> None:
        self.sim.note("pause", self.name)
        self.bus.checker.excused.update(self.in_flight)
        self.paused_until = max(self.paused_until, self.sim.now + seconds)

    def crash(self) -> None:
        self.sim.note("crash", self.name)
        self.bus.checker.excused.update(self.in_flight)
        self.alive, self.life, self.paused_until = False, self.life + 1, 0.0
        for of_command in (self.in_flight, self.messages, self.handlers):
            of_command.clear()
        self.sim.after(self.sim.rng.choice((0.5, 3.0, 20.0, 70.0)), self.start)

    def start(self) -> None:
        if not self.alive:
            self.alive = True
            self.bus.worker_joined()


class Handler:
    """What a bot's author wrote: it takes a while, and then something happens, or not."""

    def __init__(self, worker: Worker, spec: Spec, op: Execute) -> None:
        self.worker, self.spec, self.sim = worker, spec, worker.sim
        self.left = [part for part in spec.parts if part not in op.done]
        self.cancelled = False

    def begin(self, answer: Answer) -> None:
        self._sleep(self._next, answer)

    def go_on(self, go: bool, answer: Answer) -> None:
        part = self.left.pop(0)
        if not go:
            answer(Ended(S.STATE_CANCELLED, pb.Outcome()))
            return
        self.worker.bus.checker.begins(self.spec.key.id, part)
        self._sleep(self._perform, part, answer)

    def _sleep(self, act: Callable[..., None], *args: Any) -> None:
        if not self.worker.falters():
            self.worker.later(self.sim.rng.uniform(0.0, self.spec.lasts), act, *args)

    def _next(self, answer: Answer) -> None:
        """Between the steps, or before the one thing to do."""
        if self.cancelled:
            answer(Ended(S.STATE_CANCELLED, pb.Outcome()))
        elif self.sim.chance(self.spec.refuses):
            answer(Ended(S.STATE_FAILED, pb.Outcome(), "refused"))
        elif not self.left:
            answer(Ended(S.STATE_SUCCEEDED, pb.Outcome()))
        elif self.spec.steps:
            answer(StepBegins(self.left[0]))
        else:
            self._perform(self.left.pop(0), answer)

    def _perform(self, part: str, answer: Answer) -> None:
        id = self.spec.key.id
        if self.sim.chance(self.spec.breaks):
            self._break(answer)
        elif id in self.worker.fences:
            answer(Ended(S.STATE_FAILED, pb.Outcome(), "the target takes it no more"))
        else:
            self.worker.bus.checker.performed(id, part)
            if self.sim.chance(self.spec.breaks):
                self._break(answer)
            else:
                self._sleep(self._go_on_after, answer)

    def _go_on_after(self, answer: Answer) -> None:
        if self.spec.steps:
            self._next(answer)
        else:
            answer(Ended(S.STATE_SUCCEEDED, pb.Outcome()))

    def _break(self, answer: Answer) -> None:
        self.worker.bus.checker.excused.add(self.spec.key.id)
        answer(Ended(S.STATE_UNKNOWN, pb.Outcome(), "it broke"))
