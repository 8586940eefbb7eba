"""Events: what Kubernetes said of objects of late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from bellboard import Block, table

from .providers import Fields, Kind
from .tables import moment, short

MADE_BY = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Rollout")
"""Kinds that make others, whose names begin with theirs."""

MADE = ("ReplicaSet", "Job", "Pod")


class Happened(NamedTuple):
    """Something that was said, perhaps more than once; ``at`` is the last time."""

    at: datetime | None
    bad: bool
    reason: str
    kind: str
    name: str
    namespace: str
    often: int
    message: str


def happened(events: Iterable[Fields]) -> list[Happened]:
    """Events, the newest first."""
    read = [_read(event) for event in events]
    return sorted(read, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True)


def about(events: Iterable[Happened], kind: Kind, name: str) -> list[Happened]:
    """Those about a kind; with a name, about that object and what it has made."""
    if not name:
        return [one for one in events if one.kind == kind.name]
    made = MADE if kind.name in MADE_BY else ()
    return [
        one
        for one in events
        if (one.kind == kind.name and one.name == name) or (one.kind in made and one.name.startswith(f"{name}-"))
    ]


def shown(events: Sequence[Happened], *, namespaces: bool = False) -> Block:
    """Events as a typed table."""
    heads = ["last seen", "type", "reason", "object", "count", "message"]
    rows = [
        (one.at, "Warning" if one.bad else "Normal", one.reason, f"{one.kind.lower()}/{one.name}", one.often, one.message)
        for one in events
    ]
    if not namespaces:
        return table(heads, rows)
    return table(["namespace", *heads], [(one.namespace, *row) for one, row in zip(events, rows, strict=True)])


def _read(event: Fields) -> Happened:
    meta, of, series = event.get("metadata") or {}, event.get("involvedObject") or {}, event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"), meta.get("creationTimestamp"))
    return Happened(
        at=next((at for text in times if (at := moment(text)) is not None), None),
        bad=event.get("type") == "Warning",
        reason=short(event.get("reason") or ""),
        kind=str(of.get("kind") or ""),
        name=str(of.get("name") or ""),
        namespace=str(meta.get("namespace") or ""),
        often=int(series.get("count") or event.get("count") or 1),
        message=short(event.get("message") or ""),
    )
