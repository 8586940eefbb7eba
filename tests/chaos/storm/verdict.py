"""What really happened, from the ledger and from the effects outside it, held against what is promised."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Message
from bellboard.ledger.state import FINAL, S, name
from bellboard.ledger.subjects import Author, parse

from .blows import KINDS, TARGETS, Blow
from .load import Submitted

FINAL_WITHIN = 120.0
HAPPENED = frozenset({S.STATE_SUCCEEDED, S.STATE_RESOLVED_SUCCEEDED})
NEVER_RAN = frozenset({S.STATE_DENIED, S.STATE_REJECTED, S.STATE_EXPIRED, S.STATE_TOMBSTONE})


@dataclass(slots=True)
class Life:
    """The records of one command, with the times at which the server stored them."""

    records: list[tuple[float, Author, pb.Record]] = field(default_factory=list)

    @property
    def last(self) -> pb.Record:
        return self.records[-1][2]

    @property
    def accepted(self) -> bool:
        return self.records[0][2].state != S.STATE_TOMBSTONE

    @property
    def ended_after(self) -> float | None:
        """Seconds from the first record to the first final one."""
        ends = (at for at, _, record in self.records if record.state in FINAL)
        end = next(ends, None)
        return None if end is None else end - self.records[0][0]

    @property
    def unknown(self) -> tuple[float, float] | None:
        """When it started and when it was called UNKNOWN, if it was."""
        for at, _, record in self.records:
            if record.state == S.STATE_UNKNOWN:
                return record.started_at.ToNanoseconds() / 1e9, at
        return None


def lives(messages: Iterable[Message]) -> dict[str, Life]:
    """The ledger's stream, by command."""
    found: defaultdict[str, Life] = defaultdict(Life)
    for message in messages:
        key, author = parse(message.subject)
        if key.bot == "practice":
            found[key.id].records.append((message.time, author, pb.Record.FromString(message.payload)))
    return dict(found)


def effects(path: Path) -> Mapping[tuple[str, str], int]:
    """How often each command had each of its effects: lines of ``<id> <what> <epoch>``."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter((line.split()[0], line.split()[1]) for line in lines)


@dataclass(slots=True)
class Report:
    """The figures, and each promise that was broken."""

    figures: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def promise(self, held: bool, text: str) -> None:
        if not held:
            self.broken.append(text)


def judge(
    commands: list[Submitted],
    ledger: Mapping[str, Life],
    happened: Mapping[tuple[str, str], int],
    blows: list[Blow],
    least: float = 0.8,
) -> Report:
    """Hold a run against the promises; at ``least`` this part of the commands has to be accepted for it to say anything."""
    report = Report()
    accepted = {id_: life for id_, life in ledger.items() if life.accepted}
    states = Counter(name(life.last.state) for life in accepted.values())
    _figures(report, commands, accepted, states, blows)
    report.promise(len(accepted) >= least * len(commands), f"only {len(accepted)} of {len(commands)} were accepted")
    report.promise(states["SUCCEEDED"] >= 0.85 * len(accepted), f"only {states['SUCCEEDED']} of {len(accepted)} SUCCEEDED")
    for command in commands:
        if command.command_id:
            report.promise(command.command_id in ledger, f"{command.line!r} was on a card and is not in the ledger")
        report.promise(command.over, f"{command.line!r}: its person never heard how it ended: {command.said[-3:]}")
    for id_, life in ledger.items():
        _judge_one(report, id_, life, happened, blows)
    return report


def judge_blows(report: Report, blows: list[Blow], each: int) -> None:
    """Hold the blows against what was asked for: so many of each kind on each process, with commands in flight."""
    struck = Counter((blow.target, blow.kind) for blow in blows if blow.in_flight)
    for target in TARGETS:
        for kind in KINDS:
            report.promise(struck[target, kind] >= each, f"only {struck[target, kind]} of {each} times: {kind} {target}")


def _judge_one(report: Report, id_: str, life: Life, happened: Mapping[tuple[str, str], int], blows: list[Blow]) -> None:
    mine = {what: count for (owner, what), count in happened.items() if owner == id_}
    short, last = id_[:6], life.last
    once = last.effect == options.EFFECT_ONCE
    twice = [what for what, count in mine.items() if count > 1 and what in ("fire", "rope")]
    report.promise(not twice, f"{short}: {twice} ran twice")
    took = life.ended_after
    report.promise(took is not None, f"{short} never ended: {name(last.state)}")
    report.promise(took is None or took <= FINAL_WITHIN, f"{short} took {took} s to its end")
    if last.state in HAPPENED and last.effect != options.EFFECT_READ:
        report.promise(bool(mine), f"{short} is {name(last.state)} and has no effect")
    if last.state in NEVER_RAN and not last.started:
        report.promise(not (once and mine), f"{short} is {name(last.state)} and has an effect")
    if (span := life.unknown) is not None:
        hit = any(blow.at <= span[1] and blow.until >= span[0] - 1.0 for blow in blows)
        report.promise(hit, f"{short} became UNKNOWN and nothing was struck between its start and then")


def _figures(
    report: Report, commands: list[Submitted], accepted: Mapping[str, Life], states: Counter[str], blows: list[Blow]
) -> None:
    took = sorted(life.ended_after for life in accepted.values() if life.ended_after is not None)
    unknown = [life.unknown for life in accepted.values() if life.unknown is not None]
    between = sum(1 for blow in blows for span in unknown if blow.at <= span[1] and blow.until >= span[0])
    report.figures = {
        "submitted": len(commands),
        "accepted": len(accepted),
        "states": dict(states),
        "called UNKNOWN at some time": len(unknown),
        "blows between their start and their result": between,
        "seconds to the end, median and longest": (round(took[len(took) // 2], 2), round(took[-1], 1)) if took else None,
        "refused": Counter(command.refused for command in commands if command.refused),
        "blows": {f"{k} {t}": n for (t, k), n in sorted(Counter((blow.target, blow.kind) for blow in blows).items())},
        "blows with commands in flight": sum(1 for blow in blows if blow.in_flight),
    }
