"""Stages and gates: what is typed of them, and what a reading means. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from bellboard import UserError

from .providers import Measure, Reading

LEAST_REQUESTS, LEAST_FAILED = 10, 2
"""A share or a quantile of fewer requests says nothing, and one failure is no rate."""

MAX_STAGES, LONGEST = 10, 64
DEFAULT = "errors<5%"

_GATE = re.compile(r"(errors|p95|rps) ?([<>]) ?([0-9]{1,6}(?:\.[0-9]{1,4})?) ?(%|ms|s)?")
_UNITS = {"errors": ("%", None), "p95": ("ms", "s"), "rps": (None,)}


class Judgement(Enum):
    """What a reading says of a gate. NO_DATA is not HOLDS."""

    HOLDS = "holds"
    BROKEN = "broken"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Gate:
    """What must hold while a version takes traffic. ``limit`` is in percent, seconds, or requests a second."""

    text: str
    measure: Measure
    below: bool
    limit: float

    def judge(self, reading: Reading) -> Judgement:
        """What a reading says."""
        too_few = self.measure != "rps" and reading.requests < LEAST_REQUESTS
        if reading.value is None or reading.value != reading.value or too_few:
            return Judgement.NO_DATA
        holds = reading.value < self.limit if self.below else reading.value > self.limit
        if self.measure == "errors" and self.below and reading.value / 100 * reading.requests < LEAST_FAILED - 0.5:
            return Judgement.HOLDS
        return Judgement.HOLDS if holds else Judgement.BROKEN

    def show(self, value: float | None) -> str:
        """A value in the gate's own unit."""
        if value is None:
            return "no data"
        match self.measure:
            case "errors":
                return f"{value:.1f} %"
            case "p95":
                return f"{value * 1000:.0f} ms"
        return f"{value:.1f} a second"


def read_gates(texts: Sequence[str]) -> tuple[Gate, ...]:
    """The gates that are typed; the usual one if none is, and none if ``none`` is.

    Raises:
        UserError: one is no gate.
    """
    if not texts:
        return (_read_gate(DEFAULT),)
    if [text.strip().lower() for text in texts] == ["none"]:
        return ()
    return tuple(_read_gate(text) for text in texts)


def _read_gate(text: str) -> Gate:
    found = _GATE.fullmatch(text.strip().lower()) if len(text) <= LONGEST else None
    if found is None or found[4] not in _UNITS[found[1]]:
        raise UserError(f"“{text[:20]}” is no gate", hint="such as errors<5%, p95<300ms or rps>1")
    limit = float(found[3]) / (1000 if found[4] == "ms" else 1)
    return Gate(f"{found[1]}{found[2]}{found[3]}{found[4] or ''}", cast(Measure, found[1]), found[2] == "<", limit)


def read_stages(text: str) -> tuple[int, ...]:
    """Percent of the traffic in each stage, such as 10,50,100. The last is 100 whether it is typed or not.

    Raises:
        UserError: these are no stages.
    """
    parts = [part.strip().removesuffix("%").strip() for part in text.split(",")] if len(text) <= LONGEST else []
    if not 0 < len(parts) <= MAX_STAGES or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise UserError(f"“{text[:20]}” are no stages", hint="such as 10,50,100")
    stages = [int(part) for part in parts]
    stages += [] if stages[-1] == 100 else [100]
    if stages != sorted(set(stages)) or stages[0] < 1 or stages[-1] > 100:
        raise UserError("the stages of a canary go up, from 1 to 100", hint="such as 10,50,100")
    return tuple(stages)


def window(soak: float) -> float:
    """Seconds that a gate looks back: a third of the soak, so that what came before the stage is soon forgotten."""
    return min(max(soak / 3, 2.0), 60.0)
