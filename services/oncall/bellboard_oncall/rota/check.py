"""What a rota must hold before it comes into force: somebody at every moment, and one at a time in each layer."""

from __future__ import annotations

from itertools import pairwise

from bellboard import SettingsError

from ..given import Given
from . import engine
from .model import Layer, TeamRota
from .words import length, told

AHEAD = 400 * 86400.0
"""How far ahead a rota is looked at, in seconds: more than a year, so that every change of clocks lies in it."""

SOON = 31 * 86400.0
"""Seconds within which the rota of a new team must have started."""


def check(rota: TeamRota, given: Given, now: float) -> None:
    """Look at a team's next 400 days.

    Args:
        given: what the lines are counted in.

    Raises:
        SettingsError: two are on call at once in a layer, or nobody is where that is not meant. It names the first hour.
    """
    if rota.outside is not None:
        return
    begin = max(now, min(engine.moment(one.starts, one.zone) for layer in rota.layers for one in layer.rotations))
    for layer in rota.layers:
        _overlaps(rota, layer, given, begin)
    _overriding(rota, given)
    if rota.gaps:
        return
    if begin > now + SOON:
        why = f"nobody is on call for {rota.team.name} until its rota starts, {told(begin, rota.zone)}"
        raise _wrong(given, rota.line, why, "let it start earlier, or say gaps: true beside layers")
    shifts = engine.by_file(rota, begin, begin + AHEAD)
    for start, end in engine.holes(shifts, begin, begin + AHEAD):
        for_long = "" if end >= begin + AHEAD else f", for {length(end - start)}"
        raise _wrong(
            given,
            rota.line,
            f"nobody is on call for {rota.team.name} from {told(start, rota.zone)}{for_long}",
            "if that is meant, say gaps: true beside layers",
        )


def _overlaps(rota: TeamRota, layer: Layer, given: Given, begin: float) -> None:
    found = [
        (one.start, one.end, one.person, rotation.line)
        for rotation in layer.rotations
        for one in engine.of_rotation(rotation, begin, begin + AHEAD)
    ]
    for before, after in pairwise(sorted(found)):
        if after[0] < before[1]:
            start = told(max(after[0], begin), rota.zone)
            raise _wrong(
                given,
                after[3],
                f"{before[2]} and {after[2]} are both on call for {rota.team.name} ({layer.name}) from {start}",
                "who is to be on call beside the others needs a layer of their own",
            )


def _overriding(rota: TeamRota, given: Given) -> None:
    by_layer = sorted(rota.overrides, key=lambda one: (one.layer, one.start))
    for before, after in pairwise(by_layer):
        if before.layer == after.layer and after.start < before.end:
            raise _wrong(
                given,
                after.line,
                f"{before.person} and {after.person} both override {after.layer} of {rota.team.name} from "
                f"{told(after.start, rota.zone)}",
                "shorten one of them",
            )


def _wrong(given: Given, line: int, why: str, hint: str) -> SettingsError:
    return given.at(line).wrong(why, hint=hint)
