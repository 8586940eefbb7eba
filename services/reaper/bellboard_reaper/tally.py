"""What the reaper counts for metrics: what began, how it ended, and what is open. The ledger tells it, whoever wrote it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import RUNNABLE, name
from bellboard.ledger.subjects import Key
from bellboard.telemetry import names
from bellboard.telemetry.trace import Entry

from .watch import Watched

WAITING, RUNNING = "waiting", "running"
STAGES = (WAITING, RUNNING, "turn", "approval", "unknown")
"""Where a command that is open may stand, as metrics say it."""

_STAGE_OF = {
    pb.STATE_QUEUED: "turn",
    pb.STATE_AWAITING_APPROVAL: "approval",
    pb.STATE_UNKNOWN: "unknown",
    **dict.fromkeys(RUNNABLE, WAITING),
}

REFUSALS = frozenset({"user", "failed", "bad_request"})
"""Codes of failures that are answers: the person can put it right, or it is certain that nothing was left behind."""

EFFECTS = (options.EFFECT_READ, options.EFFECT_IDEMPOTENT, options.EFFECT_ONCE)
_MOVES = (pb.STATE_READY, pb.STATE_EXPIRED, pb.STATE_UNKNOWN)
_RISES = ((pb.STATE_SUCCEEDED, False), (pb.STATE_FAILED, True), (pb.STATE_UNKNOWN, True), (pb.STATE_EXPIRED, True))
"""What the reaper moves commands to, and how they end: at 0 from a bot's first word on, or the first would be no rise."""


class Tally:
    """Counts of all bots. Every replica of the reaper counts everything, so they are not to be added up."""

    def __init__(self) -> None:
        self._bots: set[str] = set()
        # As many as bots, times effects and states; prometheus_client keeps them for ever, too.
        self._begun, self._ended = cache(names.BEGUN.labels), cache(names.ENDED.labels)
        self._open, self._oldest = cache(names.OPEN.labels), cache(names.OLDEST_WAITING.labels)

    def hear(self, bot: str) -> None:
        """There is a bot of this name."""
        if bot in self._bots:
            return
        self._bots.add(bot)
        self._begun(bot)
        for moved in _MOVES:
            names.REAPER_VERDICTS.labels(bot, name(moved))
        for effect in EFFECTS:
            for state, fault in _RISES:
                self._ended(bot, *_labels(effect, state, fault))

    def begun(self, key: Key) -> None:
        """A command came into the ledger."""
        self.hear(key.bot)
        self._begun(key.bot).inc()

    def ended(self, key: Key, entries: Sequence[Entry], code: str) -> None:
        """A command came to a final state, which the last of its records says.

        Args:
            code: of its failure, where it has one.
        """
        self.hear(key.bot)
        record = entries[-1].record
        before = entries[-2].record.state if len(entries) > 1 else pb.STATE_UNSPECIFIED
        self._ended(key.bot, *_labels(record.effect, record.state, is_fault(record.state, before, code))).inc()

    def open(self, commands: Iterable[Watched], now: float) -> None:
        """Say what is open. ``now`` is in seconds since 1970."""
        count, oldest = Counter[tuple[str, str]](), defaultdict[str, float](float)
        for one in commands:
            bot, stage = one.key.bot, _STAGE_OF.get(one.record.state, RUNNING)
            self.hear(bot)
            count[bot, stage] += 1
            if stage == WAITING:
                oldest[bot] = max(oldest[bot], now - seconds(one.record.at))
        for bot in self._bots:
            for stage in STAGES:
                self._open(bot, stage).set(count[bot, stage])
            self._oldest(bot).set(oldest[bot])


@cache
def _labels(effect: options.Effect.ValueType, state: pb.State.ValueType, fault: bool) -> tuple[str, str, str]:
    return options.Effect.Name(effect).removeprefix("EFFECT_"), name(state), "yes" if fault else "no"


def failure_code(record: pb.Record) -> str:
    """The code of what a FAILED command answered; empty where it tells none."""
    if record.state != pb.STATE_FAILED:
        return ""
    return next((block.failure.code for block in record.outcome.reply.blocks if block.HasField("failure")), "")


def is_fault(state: pb.State.ValueType, before: pb.State.ValueType, code: str) -> bool:
    """Whether the house or a bot let people down: it broke, nobody took it, or nobody knows what became of it.

    A command that was refused, undone, cancelled or never approved did what was asked of it.
    """
    if state == pb.STATE_FAILED:
        return bool(code) and code not in REFUSALS
    if state == pb.STATE_EXPIRED:
        return before not in (pb.STATE_AWAITING_APPROVAL, pb.STATE_QUEUED)
    return state in (pb.STATE_UNKNOWN, pb.STATE_TOMBSTONE)
