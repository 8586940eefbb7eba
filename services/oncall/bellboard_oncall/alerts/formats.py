"""The webhook formats: Alertmanager's (version 4), Grafana's, and a plain one of our own.

What a newer version says beyond what is known here is passed over; what lacks something is filled in. Only what names no
alerts at all is bad, and it spoils nothing of what came beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from .model import ALERTMANAGER, GENERIC, GRAFANA, Alert, Notice, Taken, digest, place, trimmed

MOST_LABELS, LONGEST_NAME, LONGEST_VALUE, LONGEST_SUMMARY = 40, 100, 200, 400
"""What is more is cut off: it is for people to read."""

LARGEST_LABELS, LONGEST_KEY, LONGEST_URL = 6000, 500, 2000
"""Bytes of all labels together, characters of a group's key, and bytes of an address."""

OVER = frozenset({"resolved", "ok", "normal", "closed", "inactive", "recovered"})
"""The statuses that mean that it is over, in small letters; any other means that it burns."""

SUMMARIES = ("summary", "message", "title", "description")
RUNBOOKS = ("runbook_url", "runbookURL", "runbook")
DASHBOARDS = ("dashboard_url", "dashboardURL", "dashboard", "panelURL")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+")


class Bad(ValueError):
    """It is no alert; the text says why, and quotes nothing of it."""


def read(hook: str, format: str, deliveries: Iterable[tuple[int, float, bytes]]) -> Taken:
    """All that can be understood of some deliveries.

    Args:
        hook: the webhook's name: equal groups of two webhooks are two groups.
        format: "alertmanager", "grafana" or "generic".
        deliveries: of each the sequence, when it came in seconds since 1970, and the body.
    """
    notices: list[Notice] = []
    bad: list[str] = []
    for sequence, at, body in deliveries:
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            bad.append("no JSON")
            continue
        for index, one in enumerate(said if isinstance(said, list) else [said]):
            try:
                notices.append(_notice(hook, format, place(sequence, index), at, one, bad))
            except Bad as error:
                bad.append(str(error))
    return Taken(tuple(notices), tuple(bad))


def _notice(hook: str, format: str, where: int, at: float, said: Any, bad: list[str]) -> Notice:
    if not isinstance(said, dict):
        raise Bad("no object")
    if format == GENERIC and "alerts" not in said:
        return _plain(hook, where, at, said)
    if format not in (ALERTMANAGER, GRAFANA, GENERIC):
        raise Bad("a format that is not known")
    return _grouped(hook, format, where, at, said, bad)


def _grouped(hook: str, format: str, where: int, at: float, said: Mapping[str, Any], bad: list[str]) -> Notice:
    """What Alertmanager and Grafana send: a group, and some of its alerts."""
    entries = said.get("alerts")
    if not isinstance(entries, list):
        raise Bad("it names no alerts")
    alerts: dict[str, Alert] = {}
    for entry in entries:
        try:
            alert = _alert(entry, at, str(said.get("status", "")), said.get("commonAnnotations"))
        except Bad as error:
            bad.append(str(error))
        else:
            alerts[alert.fingerprint] = alert
    if entries and not alerts:
        raise Bad("none of its alerts can be read")
    by, shared = _labels(said.get("groupLabels")), _labels(said.get("commonLabels"))
    labels = trimmed({**by, **(shared or _common(list(alerts.values())))}, LARGEST_LABELS)
    summary = _first(said.get("commonAnnotations"), SUMMARIES) or next((one.summary for one in alerts.values()), "")
    title, key = labels.get("alertname") or ", ".join(by.values()) or summary[:80] or "alerts", said.get("groupKey")
    if isinstance(key, str) and len(key) > LONGEST_KEY:
        key = digest(key)
    return Notice(
        place=where,
        group=f"{hook}/{key}" if isinstance(key, str) and key else f"{hook}/{digest(*_flat(by or labels))}",
        title=title[:LONGEST_VALUE],
        labels=labels,
        alerts=tuple(alerts.values()),
        summary=summary,
        url=_url(said.get("externalURL")),
        left_out=_count(said.get("truncatedAlerts")),
        silencer=format == ALERTMANAGER and _verbatim(labels, said, entries),
    )


def _verbatim(labels: Mapping[str, str], said: Mapping[str, Any], entries: Sequence[Any]) -> bool:
    """Whether the sender knows these labels: what was cut off or cleaned is silenced, or looked for, nowhere but here."""
    first = next((entry for entry in entries if isinstance(entry, dict)), {})
    sources = [one for one in (first.get("labels"), said.get("commonLabels"), said.get("groupLabels")) if isinstance(one, dict)]
    return all(any(source.get(name) == value for source in sources) for name, value in labels.items())


def _alert(entry: Any, at: float, status: str, common: Any = None) -> Alert:
    if not isinstance(entry, dict):
        raise Bad("an alert that is no object")
    labels = _labels(entry.get("labels"))
    mark = entry.get("fingerprint")
    if not labels and not mark:
        raise Bad("an alert without labels")
    own = entry.get("annotations")
    annotations = {**(common if isinstance(common, dict) else {}), **(own if isinstance(own, dict) else {})}
    return Alert(
        fingerprint=str(mark)[:LONGEST_NAME] if mark else digest(*_flat(labels)),
        firing=_fires(entry.get("status", status)),
        labels=labels,
        summary=_first(annotations, SUMMARIES),
        starts=min(at, _moment(entry.get("startsAt"), at)),
        runbook=_url(_first(annotations, RUNBOOKS)),
        dashboard=_url(_first(entry, DASHBOARDS)) or _url(_first(annotations, DASHBOARDS)),
        url=_url(entry.get("generatorURL")),
    )


def _plain(hook: str, where: int, at: float, said: Mapping[str, Any]) -> Notice:
    """Our own: ``{title, status, labels, group, url, summary, runbook, dashboard}``, of which the title alone is needed."""
    labels, title = _labels(said.get("labels")), _words(said.get("title"), LONGEST_VALUE)
    title = title or labels.get("alertname", "")
    if not title:
        raise Bad("it has no title")
    severity = _words(said.get("severity"), LONGEST_NAME)
    labels = {**labels, **({"severity": severity} if severity else {})}
    group = said.get("group")
    mark = said.get("fingerprint") or said.get("id")
    alert = Alert(
        fingerprint=str(mark)[:LONGEST_NAME] if mark else digest(title, *_flat(labels)),
        firing=_fires(said.get("status", "firing")),
        labels=labels,
        summary=_first(said, SUMMARIES[:2] + SUMMARIES[3:]),
        starts=min(at, _moment(said.get("starts"), at)),
        runbook=_url(_first(said, RUNBOOKS)),
        dashboard=_url(_first(said, DASHBOARDS)),
        url=_url(said.get("url")),
    )
    key = _words(group, LONGEST_VALUE) or digest(title, labels.get("app", ""), labels.get("env", ""))
    return Notice(place=where, group=f"{hook}/{key}", title=title, labels=labels, alerts=(alert,), summary=alert.summary)


def _labels(said: Any) -> dict[str, str]:
    if not isinstance(said, dict):
        return {}
    pairs = ((_words(name, LONGEST_NAME), _words(value, LONGEST_VALUE)) for name, value in said.items())
    return trimmed({name: value for name, value in sorted(pairs)[:MOST_LABELS] if name and value}, LARGEST_LABELS)


def _common(alerts: Sequence[Alert]) -> dict[str, str]:
    """The labels that all have, with the same value."""
    if not alerts:
        return {}
    shared = set(alerts[0].labels.items()).intersection(*(one.labels.items() for one in alerts[1:]))
    return dict(sorted(shared))


def _flat(labels: Mapping[str, str]) -> list[str]:
    return [word for pair in sorted(labels.items()) for word in pair]


def _words(said: Any, most: int) -> str:
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return ""
    return _CONTROL.sub(" ", str(said)).strip()[:most]


def _first(said: Any, names: Sequence[str]) -> str:
    if not isinstance(said, dict):
        return ""
    return next((words for name in names if (words := _words(said.get(name), LONGEST_SUMMARY))), "")


def _fires(status: Any) -> bool:
    if not isinstance(status, str):
        raise Bad("a status that is no word")
    return status.strip().lower() not in OVER


def _moment(said: Any, otherwise: float) -> float:
    """Seconds since 1970; what no calendar has, or lies before, counts as ``otherwise``."""
    if not isinstance(said, str):
        return otherwise
    try:
        when = datetime.fromisoformat(said)
        return when.timestamp() if when.tzinfo and when.year >= 1970 else otherwise
    except (ValueError, OverflowError):
        return otherwise


def _url(said: Any) -> str:
    words = _words(said, LONGEST_URL)
    fits = words.startswith(("http://", "https://")) and " " not in words and len(words.encode()) <= LONGEST_URL
    return words if fits else ""


def _count(said: Any) -> int:
    return min(max(said, 0), 10**6) if isinstance(said, int) and not isinstance(said, bool) else 0
