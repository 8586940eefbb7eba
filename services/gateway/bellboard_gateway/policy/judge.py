"""Who may run what: Cedar rules, default deny, and any error in judging means deny."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import cedarpy

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command
from bellboard.errors import BellboardError, ContractError, SettingsError
from bellboard.telemetry import logs, names

from ..people import People
from ..watched import Watched
from .bench import Answer, Bench
from .decision import Ask, Chance, Decision, Verdict
from .rules import Rules, load, rule_files
from .schema import OPEN_READ, Admissible, context, has_fractions

A = TypeVar("A")

EFFECTS = ("READ", "IDEMPOTENT", "ONCE")

OWN = "own"
"""The rule that lets a bot run its own commands."""

REMEMBERED = 4096
"""Decisions kept."""


@dataclass(frozen=True)
class _Court:
    """One state of the rules, with a bench for every admitted contract."""

    rules: Rules
    benches: dict[tuple[str, str], Bench] = field(default_factory=dict)


class Policy:
    """Judges requests by the rules of a folder and the built-in ones; both are read again when they change.

    Args:
        bots: the names of the enrolled bots, of whose actions rules may speak.

    Raises:
        SettingsError: a rule is wrong at the start.
    """

    def __init__(self, directory: Path, people: People, bots: Callable[[], Container[str]]) -> None:
        self._people, self._bots, self._directory = people, bots, directory
        self._admitted: dict[tuple[str, str], tuple[Admissible, bool]] = {}
        self._contracts: dict[Command, tuple[str, str]] = {}
        self._file = Watched(lambda: rule_files(directory), self._convene)
        self._known: dict[Hashable, Any] = {}
        self._known_for: tuple[int, int] = (0, 0)

    @property
    def digest(self) -> str:
        """Changes with the text of any rule."""
        return self._file.value.rules.digest

    @property
    def problem(self) -> str:
        """What is wrong with the rule files as they stand now; empty if nothing is."""
        return self._file.problem

    def admit(self, contract: Admissible, *, is_open: bool) -> None:
        """Take a contract in, if every rule holds in its terms.

        Raises:
            ContractError: a rule does not. The contract's commands can't be judged, so all are denied.
        """
        court, key = self._file.value, (contract.bot, contract.digest)
        court.benches[key] = Bench(contract, is_open, court.rules)
        self._admitted[key] = (contract, is_open)
        self._contracts.update(dict.fromkeys(contract.commands, key))
        self._known.clear()

    def dismiss(self, contract: Admissible) -> None:
        """Forget a contract; rules need not hold in its terms any longer."""
        self._admitted.pop((contract.bot, contract.digest), None)
        self._file.value.benches.pop((contract.bot, contract.digest), None)
        for command in contract.commands:
            self._contracts.pop(command, None)
        self._known.clear()

    def _bench(self, command: Command) -> Bench | None:
        key = self._contracts.get(command)
        return self._file.value.benches.get(key) if key else None

    def judge(self, ask: Ask) -> Decision:
        """Say whether a request may run. Never raises: what can't be judged is denied."""
        try:
            return self._judge(ask)
        except Exception as error:  # noqa: BLE001  # whatever goes wrong in judging, nothing is let through
            return _unjudged(ask, error)

    def _judge(self, ask: Ask) -> Decision:
        bench = self._bench(ask.command)
        if bench is None:
            return Decision(Verdict.DENY, reason=f"no rules are in force for {ask.command.action}")
        if bench.timed or ask.command.secrets:
            return self._decide(bench, ask)
        who = ask.principal.SerializeToString(deterministic=True)
        # Fractions are always told: those that are no numbers can't be judged.
        heeded = bench.particular or has_fractions(ask.command)
        said = ask.request.SerializeToString(deterministic=True) if heeded else b""
        key = (ask.command, who, said, ask.room, ask.cause, ask.preview, ask.rehearsal, ask.force)
        return self._remember(key, lambda: self._decide(bench, ask))

    def _decide(self, bench: Bench, ask: Ask) -> Decision:
        told = context(
            ask.command,
            ask.request,
            preview=ask.preview,
            rehearsal=ask.rehearsal,
            force=ask.force,
            own=ask.principal.bot == ask.command.bot,
            cause=ask.cause,
            now=datetime.now(UTC),
        )
        answer = bench.judge(_principal(ask.principal), ask.command, ask.room, told, self._people)
        if answer.error:
            return _unjudged(ask, ContractError(answer.error))
        if answer.permitted:
            return _permitted(answer, preview=ask.preview)
        may = ", ".join(bench.groups_that_may(ask.command, ask.room, told, self._people))
        forbidding = tuple(rule.name for rule in answer.rules)
        reason = f"the rule {', '.join(forbidding)} forbids it" if forbidding else "no rule permits it"
        return Decision(Verdict.DENY, forbidding, reason=f"{reason}; people in {may} may" if may else reason)

    def can_ever(self, person: str, room: str, command: Command) -> Chance:
        """Whether a person could run a command in a room with any arguments, at any time.

        By Cedar's partial evaluation with nothing known of the context: NO is certain, MAYBE depends on the arguments. What
        it says is for help alone; nothing runs without `judge`.
        """
        try:
            return self._remember(("ever", person, room, command), lambda: self._chance(person, room, command))
        except Exception as error:  # noqa: BLE001  # help shows too little rather than nothing at all
            logs.emit(names.POLICY_FAILED, exc=error, action=command.action)
            return Chance.NO

    def _chance(self, person: str, room: str, command: Command) -> Chance:
        bench = self._bench(command)
        if bench is None or self._people.person(person) is None or self._people.room(room) is None:
            return Chance.NO
        chance = bench.chance(person, command, room, self._people)
        if chance is cedarpy.Decision.Allow:
            return Chance.YES
        return Chance.NO if chance is cedarpy.Decision.Deny else Chance.MAYBE

    def _remember(self, key: Hashable, decide: Callable[[], A]) -> A:
        """The answer known for exactly this request under the rules and people of now, or a new one."""
        state = (self._file.version, self._people.version)
        if state != self._known_for or len(self._known) >= REMEMBERED:
            self._known.clear()
            self._known_for = state
        if key not in self._known:
            self._known[key] = decide()
        known: A = self._known[key]
        return known

    def _convene(self) -> _Court:
        """Read the rules, and hold every admitted contract against them."""
        rules = load(self._directory)
        for rule in rules.rules:
            for action in rule.actions:
                if not self._speaks_of(action):
                    hint = "enrol the bot first, or put the name right"
                    raise SettingsError(f"{rule.where}: nothing is called {action}", hint=hint)
        court = _Court(rules)
        for key, (contract, is_open) in self._admitted.items():
            try:
                court.benches[key] = Bench(contract, is_open, rules)
            except ContractError as error:
                raise SettingsError(error.text, hint="put it right; the rules that were in force stay so") from None
        return court

    def _speaks_of(self, action: str) -> bool:
        kind, colon, name = action.partition(":")
        if colon:
            return name in EFFECTS if kind == "effect" else kind == "bot" and self._enrolled(name)
        return action == OPEN_READ or self._enrolled(action.partition(".")[0])

    def _enrolled(self, bot: str) -> bool:
        return bot == "house" or bot in self._bots()


def _principal(who: pb.Principal) -> dict[str, str]:
    if who.WhichOneof("who") == "bot":
        return {"type": "Bot", "id": who.bot}
    person = who.person or who.timer.person
    if not person:
        raise ValueError("nobody asks")
    return {"type": "Person", "id": person}


def _permitted(answer: Answer, *, preview: bool) -> Decision:
    """A preview changes nothing, so nobody need approve it. That a bot may run its own commands is no approval of one."""
    approved = any(rule.approval for rule in answer.rules)
    plain = tuple(rule.name for rule in answer.rules if not rule.approval and not (approved and rule.name == OWN))
    if plain or preview:
        return Decision(Verdict.ALLOW, plain or tuple(rule.name for rule in answer.rules))
    first = next(rule for rule in answer.rules if rule.approval)
    return Decision(Verdict.ASK, (first.name,), first.approval, f"someone else in {first.approval} must approve it")


def _unjudged(ask: Ask, error: Exception) -> Decision:
    logs.emit(names.POLICY_FAILED, exc=None if isinstance(error, BellboardError) else error, action=ask.command.action)
    names.POLICY_ERRORS.inc()
    return Decision(Verdict.DENY, reason="the rules could not be judged, which means no; the log says why")
