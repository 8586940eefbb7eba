"""What is drawn: values over time."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
POINTS = 240
"""The most points of a line."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a graph.

    Attributes:
        label: what it is called, such as "v2"; empty if it is the only one of its kind.
        times: seconds since 1970, ascending.
        values: one for each time; None where nothing is known.
    """

    label: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[tuple[float, float]]:
        """The points whose value is known."""
        return [(at, value) for at, value in zip(self.times, self.values, strict=True) if value is not None]

    def moved(self, seconds: float, label: str) -> Series:
        """The same line some seconds later, under another name."""
        return Series(label, tuple(at + seconds for at in self.times), self.values)


def step_for(seconds: float, least: float = 1.0) -> float:
    """A round number of seconds between points, so that a span of this length has at most `POINTS`."""
    return next((float(step) for step in STEPS if step >= least and seconds / step <= POINTS), seconds / POINTS)
