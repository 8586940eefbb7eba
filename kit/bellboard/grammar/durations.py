"""Lengths of time as people type them."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A length of time, as a Duration holds it."""

    seconds: int
    nanos: int


_UNITS = {
    "w": 604_800 * 10**9,
    "d": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
_LONGEST = 100 * 366 * 86_400 * 10**9


def read_duration(text: str) -> Span | None:
    """``15m``, ``2h``, ``1h30m``, ``3d``, ``1w``, ``500ms``: whole numbers of units, each unit once, largest first."""
    total, at, last = 0, 0, 1 << 80
    while at < len(text) <= 40:
        start = at
        while at < len(text) and "0" <= text[at] <= "9":
            at += 1
        digits, start = text[start:at], at
        while at < len(text) and text[at].isalpha():
            at += 1
        unit = _UNITS.get(text[start:at].lower())
        if not digits or unit is None or unit >= last:
            return None
        total, last = total + int(digits) * unit, unit
    if not text or at < len(text) or total > _LONGEST:
        return None
    return Span(*divmod(total, 10**9))


def write_duration(seconds: int, nanos: int) -> str:
    left, out = seconds * 10**9 + nanos, []
    for name, unit in _UNITS.items():
        count, left = divmod(left, unit) if name != "w" else (0, left)
        if count:
            out.append(f"{count}{name}")
    return "".join(out) or "0s"
