"""The words that tell what a graph shows, for those who can't see it: what rose, when, after what, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from .figures import moment, say
from .series import Series

NOTABLE = 0.3
"""A change is told from this share of the largest value on."""
JITTER = 6.0
"""A change of fewer times what a line usually moves from point to point is none."""
SETTLED = 0.15
"""What is left of a rise when a line counts as back."""
BECAUSE = 300.0
"""A mark so many seconds before a change is named with it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A moment that is drawn: a deploy, a lock or an alert, by its id and with a short title."""

    id: str
    kind: str
    at: float
    title: str


def tell(title: str, lines: Sequence[tuple[str, str, Series]], events: Sequence[Event]) -> str:
    """One sentence for each line, and one that names what is marked.

    Args:
        title: what the graph is called, with its app and span.
        lines: what each is called, its unit, and its values.
    """
    told = [f"{title}."] if title else []
    told += [f"{name[:1].upper()}{name[1:]} {_line(line, unit, events)}." for name, unit, line in lines]
    if events:
        marked = ", ".join(f"{event.id} ({event.title}) at {moment(event.at)}" for event in events[:6])
        told.append(f"Marked: {marked}{', and more' if len(events) > 6 else ''}.")
    return " ".join(told)


def _line(line: Series, unit: str, events: Sequence[Event]) -> str:
    points = line.known
    if not points:
        return "has no values"
    values = [value for _, value in points]
    least, largest, last = min(values), max(values), values[-1]
    if largest - least <= max(NOTABLE * max(abs(largest), abs(least)), JITTER * _jitter(values)):
        return f"stayed about {say(sum(values) / len(values), unit)}"
    peak = values.index(largest)
    if max(values[: peak + 1]) - min(values[: peak + 1]) >= NOTABLE * largest:
        return _rise(points, peak, unit, events)
    low = values.index(least)
    when = _when(points, low, values[0] - (values[0] - least) * SETTLED, events, falling=True)
    end = "" if low >= len(values) - 2 or last - least <= SETTLED * (largest - least) else f", and is {say(last, unit)} now"
    return f"fell from {say(values[0], unit)} to {say(least, unit)} {when}{end}"


def _jitter(values: Sequence[float]) -> float:
    """How far a line usually moves from one point to the next."""
    return median([abs(b - a) for a, b in pairwise(values)] or [0.0])


def _rise(points: Sequence[tuple[float, float]], peak: int, unit: str, events: Sequence[Event]) -> str:
    values = [value for _, value in points]
    base, top = min(values[: peak + 1]), values[peak]
    edge = base + SETTLED * (top - base)
    told = f"rose from {say(base, unit)} to {say(top, unit)} {_when(points, peak, edge, events)}"
    after = range(peak + 1, len(points))
    back = next((i for i in after if all(value <= edge for value in values[i:])), None)
    if back is not None:
        return f"{told}, back to {say(values[-1], unit)} after {moment(points[back - 1][0])}"
    return f"{told}, and is {say(values[-1], unit)} now" if peak < len(points) - 1 else told


def _when(
    points: Sequence[tuple[float, float]], goal: int, edge: float, events: Sequence[Event], *, falling: bool = False
) -> str:
    """When a line began to move to the point ``goal``: after a mark that came shortly before, or at a time."""
    still = [i for i in range(goal) if (points[i][1] >= edge if falling else points[i][1] <= edge)]
    begin = still[-1] if still else 0
    moved = points[min(begin + 1, goal)][0]
    known = [event for event in events if moved - BECAUSE <= event.at <= moved]
    return f"after {known[-1].id}" if known else f"from {moment(points[begin][0])} on"
