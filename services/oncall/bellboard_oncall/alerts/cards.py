"""What people see of alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bellboard import Block, choice, link, question, table, text
from bellboard.api.chat.v1.chat_pb2 import Choice
from bellboard.marks import Mark, Marks
from bellboard.replies import BAD, GOOD, WARNING

from .flood import Flood
from .groups import Group, _fires, mark
from .model import URGENT
from .silences import Silence

SHOWN = 10
"""Alerts and labels that a card lists."""

BEFORE = 1800.0
"""Seconds before an alert in which a deploy may have to do with it."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,63}")


def clock(moment: float) -> str:
    """A moment as people read it."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def length(seconds: float) -> str:
    """A length of time as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(0, round(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} d"


def headline(group: Group) -> str:
    """Such as ``A3: HighErrorRate on shop in prod: 3 fire, 1 is over``."""
    app, env = group.label(group.route.app), group.label(group.route.env)
    where = (f" on {app}" if app else "") + (f" in {env}" if env else "")
    return f"{group.id or 'new'}: {group.title}{where}: {counted(group)}"


def counted(group: Group) -> str:
    """How many fire, and how many are over."""
    if not group.open:
        return f"over after {length(group.ended - group.since)}, {group.over} {'alert' if group.over == 1 else 'alerts'}"
    firing = group.firing + group.left_out
    least = "more than " if group.beyond else ""
    return f"{least}{firing} firing" + (f", {group.over} over" if group.over else "")


def card(group: Group, silence: Silence | None, deploy: Mark | None) -> list[Block]:
    """The card of a group."""
    tone = GOOD if not group.open else BAD if group.severity in URGENT or group.route.page else WARNING
    blocks = [text(headline(group), tone=tone)]
    if group.summary and group.summary != group.title:
        blocks.append(text(group.summary))
    blocks += [text(line) for line in _facts(group, silence)]
    if deploy is not None:
        blocks.append(text(_after(group, deploy), tone=WARNING))
    blocks += _alerts(group)
    blocks += [link(url, title) for title, url in _links(group).items()]
    buttons = _buttons(group, silence, deploy)
    return blocks + ([question("What now?", *buttons)] if buttons else [])


def _facts(group: Group, silence: Silence | None) -> Iterator[str]:
    said = f"since {clock(group.since)}"
    said += f", until {clock(group.ended)}" if group.ended else ""
    said += f"; paged: {group.page}" if group.page else ""
    said += f"; {group.acked_by} takes care of it since {clock(group.acked_at)}" if group.acked_by else ""
    yield said
    if silence is not None:
        why = f": “{silence.why}”" if silence.why else ""
        yield f"silenced until {clock(silence.until)} by {silence.person or 'a bot'} ({silence.id}){why}"
    labels = [f"{name}={value}" for name, value in group.shared.items() if name != "alertname"]
    if labels:
        more = len(labels) - SHOWN
        yield " ".join(labels[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    if group.left_out:
        yield f"{group.left_out} of its alerts were left out by whoever sent them"


def _after(group: Group, deploy: Mark) -> str:
    by = f" by {deploy.person}" if deploy.person else ""
    state = "" if deploy.state == "succeeded" else f", {deploy.state}"
    return f"{length(max(0.0, group.since - deploy.at))} after {deploy.id}{by}: {deploy.title}{state}"


def _alerts(group: Group) -> list[Block]:
    """A table of its alerts, where there is more than one to tell of: those that fire first, the oldest first."""
    if len(group.listed) < 2:
        return []
    firing = {name: _fires(group.marked.get(mark(name), (int(one.firing), 0))) for name, one in group.listed.items()}
    order = sorted(group.listed.items(), key=lambda item: (not firing[item[0]], item[1].starts))
    rows = [
        (
            _apart(one.labels, group.shared) or one.summary or name,
            "firing" if firing[name] else "over",
            datetime.fromtimestamp(one.starts, UTC) if one.starts else None,
        )
        for name, one in order[:SHOWN]
    ]
    more = group.firing + group.over + group.left_out - len(rows)
    return [table(["alert", "state", "since"], rows, title=f"{len(rows)} of them; {more} more" if more > 0 else "")]


def _apart(labels: Mapping[str, str], shared: Mapping[str, str]) -> str:
    """The labels that tell an alert from the others of its group."""
    return " ".join(f"{name}={value}" for name, value in labels.items() if shared.get(name) != value)[:200]


def _links(group: Group) -> dict[str, str]:
    alerts = sorted(group.listed.values(), key=lambda one: not one.firing)
    found = {
        "runbook": next((one.runbook for one in alerts if one.runbook), ""),
        "dashboard": next((one.dashboard for one in alerts if one.dashboard), ""),
        "source": next((one.url for one in alerts if one.url), group.url),
    }
    return {title: url for title, url in found.items() if url}


def _buttons(group: Group, silence: Silence | None, deploy: Mark | None) -> list[Choice]:
    buttons = []
    if group.open and not group.acked_by:
        buttons.append(choice("Ack", f"ack {group.id}", tone=GOOD))
    if group.open and silence is None:
        buttons.append(choice("Silence 1 h", f"alert silence {group.id} for 1h"))
    app, env = group.label(group.route.app), group.label(group.route.env)
    buttons += [choice(label, line) for label, line in _looks(group, app) if line]
    if group.open and deploy is not None and _PLAIN.fullmatch(app):
        where = f" in {env}" if _PLAIN.fullmatch(env) else f" in {deploy.env}" if _PLAIN.fullmatch(deploy.env) else ""
        before = deploy.detail.get("previous", "")
        if _PLAIN.fullmatch(before):
            buttons.append(choice(f"Diff of {deploy.id}", f"deploy diff {app} {before}{where}"))
        buttons.append(choice("New in the logs", f"logs new {app} --since {deploy.id}"))
        if where:
            buttons.append(choice(f"Roll back {app}", f"rollback {app}{where}", tone=BAD))
    return buttons


def _looks(group: Group, app: str) -> Iterator[tuple[str, str]]:
    """Where to look. Words from outside stand in a line only if they can be nothing but one plain word there."""
    graph, logs = group.route.graph or "graph errors {app}", group.route.logs or "logs {app} error --since 30m"
    words = {**group.labels, "app": app}
    yield "Graph", filled(graph, words)
    yield "Logs", filled(logs, words)


def filled(line: str, words: Mapping[str, str]) -> str:
    """A line with labels in place of their names in braces; empty where one is missing or is no plain word."""
    wanted = re.findall(r"\{([^{}]+)\}", line)
    if not all(_PLAIN.fullmatch(words.get(name, "")) for name in wanted):
        return ""
    return re.sub(r"\{([^{}]+)\}", lambda found: words[found[1]], line)


async def deploy_before(marks: Marks, group: Group) -> Mark | None:
    """The last deploy of the app that began, or still went on, in the half hour before the alert; None if there was none."""
    app, env = group.label(group.route.app), group.label(group.route.env)
    if not app:
        return None
    found = await marks.between(group.since - BEFORE, group.since, app=app, kinds=("deploy",))
    return next((one for one in reversed(found) if one.at <= group.since and (not env or one.env in ("", env))), None)


def past(mark: Mark) -> list[Block]:
    """What is left of an alert whose group burns anew, or was forgotten."""
    until = f" until {clock(mark.until)}" if mark.until else ""
    ended = mark.until is not None
    words = f"{mark.id}: {mark.title}: {'over' if ended else mark.state}"
    return [text(words, tone=GOOD if ended else WARNING), text(f"since {clock(mark.at)}{until}")]


def listing(groups: Sequence[Group], silences: Sequence[tuple[Group, Silence]]) -> Block:
    """A table of groups."""
    quiet = {group.name: silence for group, silence in silences}
    rows = [
        (
            one.id or None,
            one.severity or None,
            one.title,
            "burns" if one.open else "over",
            one.firing + one.left_out,
            datetime.fromtimestamp(one.since, UTC),
            one.route.team or None,
            f"#{one.route.room}",
            one.acked_by or None,
            one.page or None,
            datetime.fromtimestamp(quiet[one.name].until, UTC) if one.name in quiet else None,
        )
        for one in groups
    ]
    columns = ["id", "severity", "alert", "state", "firing", "since", "team", "room", "acked by", "page", "silenced until"]
    listed: Block = table(columns, rows)
    return listed


def flooded(room: str, flood: Flood, now: float, window: float) -> list[Block]:
    """The card of a flood."""
    over = now - flood.last > window
    groups = "group of alerts" if flood.count == 1 else "groups of alerts"
    words = f"flood in #{room}: {flood.count} {groups} more than can have cards of their own"
    words += f", from {clock(flood.begun)} to {clock(flood.last)}" if over else f", since {clock(flood.begun)}"
    rows = sorted(flood.titles.items(), key=lambda item: -item[1])[:SHOWN]
    blocks = [text(words, tone=WARNING if over else BAD), table(["alert", "groups"], rows)]
    blocks.append(text(f"the first of them: {', '.join(flood.ids[:SHOWN])}"))
    return [*blocks, question("What now?", choice("List them", "alert list"))]
