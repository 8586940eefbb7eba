"""What must hold of a deploy whose worker was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.state import S, name

from .ground import Life

LINES = {
    "good": "deploy shop v2.1 to sandbox --canary 50,100 --soak 1s",
    "bad": "deploy shop v2 to sandbox --canary 50,100 --soak 20s",
    "elsewhere": "deploy shop v2 to legacy",
}
"""One that goes through, one that goes back by itself, and one that another system carries out."""

HAPPENED = (S.STATE_SUCCEEDED, S.STATE_RESOLVED_SUCCEEDED)


def judge(kind: str, life: Life) -> list[str]:
    """What of it did not hold, in words; empty if all of it did."""
    return list(_elsewhere(life) if kind == "elsewhere" else _sandbox(kind, life))


def _sandbox(kind: str, life: Life) -> Iterator[str]:
    """The balancer, the replicas, the customers and the ledger tell the same story."""
    state, shares = life.record.state, life.observed.shares()
    lost = state == S.STATE_RESOLVED_FAILED  # at the step that may not begin twice, before any traffic moved
    wanted = S.STATE_SUCCEEDED if kind == "good" else S.STATE_FAILED
    if state != wanted and not lost:
        yield f"it is {name(state)}: {life.record.reason}"
    serves = "v2.1" if kind == "good" and not lost else "v1"
    if shares != {serves: 100}:
        yield f"the traffic goes to {shares}, and not to {serves}"
    left = {one.version for one in life.observed.replicas} - {serves}
    if left and not lost:
        yield f"replicas of {left} were left"
    if len(life.observed.of(serves)) != 2:
        yield f"{serves} has {len(life.observed.of(serves))} replicas"
    if set(life.failed) - ({"v2"} if kind == "bad" else set()):
        yield f"customers lost requests: {life.failed}"
    told = _story(life.record)
    yield from (f"told {count} times: {line}" for line, count in Counter(told).items() if count > 1)
    if not lost and not (told and told[-1] == ("v2.1 runs" if kind == "good" else "v1 runs as before")):
        yield f"the story ends with {told[-1:]}"


def _elsewhere(life: Life) -> Iterator[str]:
    """The program ran at most once, and the ledger says what the program did."""
    state = life.record.state
    if state not in (*HAPPENED, S.STATE_RESOLVED_FAILED):
        yield f"it is {name(state)}: {life.record.reason}"
    if len(life.began) > 1:
        yield f"the program ran {len(life.began)} times: {life.began}"
    if (state in HAPPENED) != bool(life.done):
        yield f"it is {name(state)}, and the program {'did it' if life.done else 'did not'}"


def _story(record: pb.Record) -> list[str]:
    """The story on the final card."""
    tables = [block.table for block in record.outcome.reply.blocks if block.HasField("table")]
    return [row.cells[1].text for row in tables[-1].rows] if tables else []
