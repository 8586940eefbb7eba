"""What people see of a rollout: while it runs, and when it is over."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bellboard import Block, choice, progress, question, table, text
from bellboard.replies import BAD, GOOD, WARNING

from .place import Place
from .providers import Observed
from .trend import Trend, chart

_BARS = "▁▂▃▄▅▆▇█"
_TELL = 6


def spark(values: Iterable[float]) -> str:
    """Numbers as a line of bars, from 0 to the largest of them; a gap where there is none."""
    points = list(values)
    top = max((value for value in points if not math.isnan(value)), default=0.0)
    return "".join(" " if math.isnan(v) else _BARS[round(v / top * (len(_BARS) - 1))] if top else _BARS[0] for v in points)


def title(place: Place) -> str:
    """Such as ``D142: shop v1 → v2 in prod``."""
    return f"{place.id}: {place.app} {f'{place.previous} → ' if place.previous else ''}{place.version} in {place.env}"


def live(place: Place, observed: Observed, gates: Sequence[str], trend: Trend, doing: str = "") -> list[Block]:
    """The card of a rollout that runs: how far it is, what each version gets and fails, and what happened so far.

    The errors are there twice: as a chart, and as a line of bars where charts can't be shown.
    """
    shares = observed.shares()
    rows = []
    for name in filter(None, dict.fromkeys((place.version, place.previous))):
        replicas = observed.of(name)
        last = trend.last.get(name, math.nan)
        ready = f"{sum(one.state == 'ready' for one in replicas)} of {len(replicas)}" if replicas else "none"
        errors = None if math.isnan(last) else round(last, 1)
        rows.append((name, float(shares.get(name, 0)), ready, errors, spark(trend.values(name))))
    columns = ["version", "traffic %", "ready", "errors %", "errors"]
    return [
        progress(f"{title(place)}: {_now(place, gates, doing)}", _done(place)),
        *(_choices(place) if observed.replicas else []),
        *([table(columns, rows)] if observed.replicas else []),
        *([text(observed.why, tone=WARNING)] if observed.why else []),
        *chart(place, trend),
        *([story(place, _TELL)] if place.story else []),
    ]


def _choices(place: Place) -> list[Block]:
    """What can be said to it; nothing where it would not be heard."""
    if not place.soak or place.phase not in ("shifting", "soaking", "paused"):
        return []
    pause = choice("pause", f"deploy pause {place.id}")
    on, back = choice("promote", f"deploy promote {place.id}"), choice("abort", f"deploy abort {place.id}", tone=BAD)
    if place.phase == "paused":
        return [question("It stays where it is.", on, back)]
    return [question("It goes on by itself.", pause, on, back)]


def _now(place: Place, gates: Sequence[str], doing: str) -> str:
    """What it does now, in a few words."""
    at = f"stage {min(place.stage, len(place.stages) - 1) + 1} of {len(place.stages)}, {place.share} %"
    watched = f"; {', '.join(gates)}" if gates else ""
    match place.phase:
        case "pinned" | "starting":
            return f"starting {place.count} replicas" if place.count else f"making sure of {place.version}"
        case "shifting":
            return f"{at}: moving the traffic"
        case "soaking":
            left = max(0.0, place.since + place.soak - time.time())
            return f"{at}: watching for {left:.0f} s more{watched}"
        case "paused":
            return f"{at}: paused{watched}"
        case "back":
            return f"going back to {place.previous or 'nothing'}: {place.why}"
        case "retiring":
            return doing or "stopping what ran before"
    return place.state


def _done(place: Place) -> float | None:
    steps = len(place.stages) + 2
    done = {"pinned": 0, "starting": 0, "retiring": steps - 1, "over": steps}.get(place.phase, place.stage + 1)
    return None if place.phase == "back" else min(1.0, done / steps)


def verdict(place: Place) -> str:
    """How it ended, in a sentence."""
    if place.state == "succeeded":
        return f"{title(place)}: done in {_length(place)}"
    lost = f"; {place.lost} requests failed in {place.version}" if place.lost else ""
    if place.state == "unknown":
        return f"{title(place)}: nobody knows what became of it. {place.why}"
    ended = "rolled back" if place.state == "rolled-back" else "failed"
    return f"{title(place)}: {ended} after {_length(place)}. {place.why}{lost}"


def over(place: Place, drawn: Sequence[Block] = ()) -> list[Block]:
    """The card of a rollout that is over, or not: the verdict, what was drawn of it, and the story."""
    if place.state == "running":
        return [text(f"{title(place)}: {_now(place, (), '')}"), *drawn, story(place)]
    tone = {"succeeded": GOOD, "unknown": WARNING}.get(place.state, BAD)
    return [text(verdict(place), tone=tone), *drawn, story(place)]


def story(place: Place, last: int = 0) -> Block:
    """What happened, in order; all of it, or the ``last`` lines."""
    rows = [(datetime.fromtimestamp(at, UTC), line) for at, line in place.story[-last:]]
    return table(["when", "what"], rows, title=f"{place.id}, by {place.person or 'a bot'}")


def _length(place: Place) -> str:
    seconds = round(max(0.0, (place.ended or time.time()) - place.began))
    return f"{seconds} s" if seconds < 60 else str(timedelta(seconds=seconds))
