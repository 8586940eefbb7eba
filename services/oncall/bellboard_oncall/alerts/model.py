"""What came in about alerts, whichever system said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import orjson

ALERTMANAGER, GRAFANA, GENERIC = "alertmanager", "grafana", "generic"
"""The formats of webhooks."""

LARGEST = 4000
"""Bytes of the words that are kept of one alert: a group of the most alerts that are told apart fits into 250 KiB with them."""

URGENT = frozenset({"critical", "page"})
"""The severities that page somebody where no file says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, as one delivery tells of it.

    Attributes:
        fingerprint: what makes it the same alert in another delivery.
        starts: since when it fires, in seconds since 1970.
        runbook, dashboard, url: http addresses: what to do, what to look at, and what made it; empty without one.
    """

    fingerprint: str
    firing: bool
    labels: Mapping[str, str]
    summary: str = ""
    starts: float = 0.0
    runbook: str = ""
    dashboard: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One delivery about one group of alerts.

    Attributes:
        place: where it stands in the order of all deliveries; even. See `bellboard_oncall.alerts.groups`.
        group: what makes it the same group in another delivery.
        labels: those that all its alerts share.
        left_out: how many alerts the sender left out of it.
        silencer: whether silences for it can be set where it came from, an Alertmanager.
    """

    place: int
    group: str
    title: str
    labels: Mapping[str, str]
    alerts: tuple[Alert, ...]
    summary: str = ""
    url: str = ""
    left_out: int = 0
    silencer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the alerts of a group go.

    Attributes:
        room: the id of the room; team: who is told there.
        page: whether somebody is paged.
        app, env: the labels that name the app and the environment, the first that is there counts.
        graph, logs: the lines behind the buttons, with labels in braces; empty for what the app's name gives.
    """

    room: str = "ops"
    team: str = ""
    page: bool = False
    app: tuple[str, ...] = ("app", "service", "job")
    env: tuple[str, ...] = ("env", "environment")
    graph: str = ""
    logs: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was understood of some deliveries. ``bad``: one reason for each delivery or alert that was not."""

    notices: tuple[Notice, ...] = ()
    bad: tuple[str, ...] = field(default=())


def trimmed(labels: Mapping[str, str], largest: int) -> dict[str, str]:
    """Labels that take no more than so many bytes as JSON: the longest ones go."""
    found = dict(labels)
    while len(orjson.dumps(found)) > largest:
        del found[max(found, key=lambda name: len(name) + len(found[name]))]
    return found


def brief(alert: Alert) -> Alert:
    """The alert in no more than `LARGEST` bytes."""
    words = (*alert.labels, *alert.labels.values(), alert.summary, alert.url, alert.dashboard, alert.runbook)
    if sum(map(len, words)) <= LARGEST // 6:  # the most that a character can take
        return alert
    if len(orjson.dumps(alert)) > LARGEST:
        alert = replace(alert, labels=trimmed(alert.labels, LARGEST // 2), url="")
    if len(orjson.dumps(alert)) > LARGEST:
        alert = replace(alert, dashboard="", runbook="")
    return alert


def place(sequence: int, index: int = 0) -> int:
    """Where a part of a delivery stands in the order of all; between two of them there is room for a word of our own."""
    return sequence << 12 | min(index, 2047) << 1


def digest(*words: str) -> str:
    """A short name for some words; the same words, the same name."""
    hashed = blake2b(digest_size=8)
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(4, "big") + data)
    return hashed.hexdigest()
