"""What people see of a cover or a swap."""

from __future__ import annotations

from bellboard import Block, Call, choice, question, text
from bellboard.replies import BAD, GOOD, WARNING

from . import engine
from .covers import AGREED, ASKED, Cover
from .desk import Desk
from .model import TeamRota
from .times import Clock


def shown(call: Call, desk: Desk, rota: TeamRota, made: Cover) -> list[Block]:
    """What was agreed or is asked; of a preview, what would be."""
    clock = Clock(desk.zone(call.person, rota.team), call.at)
    said = "; ".join(lines(desk, rota, made, clock))
    double = [text(words, tone=WARNING) for words in _doubles(desk, rota, made)]
    if call.preview:
        asked = f"; {desk.name(made.other)} would be asked" if made.other else ""
        return [text(f"nothing is done yet: {said}{asked}"), *double, *desk.warnings(rota)]
    if made.state == AGREED:
        told = [piece.instead for piece in made.pieces if piece.instead != call.person]
        return [text(f"{made.id}: {said}", tone=GOOD, mentions=dict.fromkeys(told)), *double, *desk.warnings(rota)]
    if made.state != ASKED:
        return [text(f"{made.id}: {said}. It is {made.state}", tone=BAD)]
    asks = f"@{made.other}: {desk.name(call.person)} asks you. {made.id}: {said}"
    return [
        text(asks, mentions=[made.other]),
        question(
            f"Until {clock.zoned(made.expires)}; only {desk.name(made.other)} can answer",
            choice("Yes", f"oncall agree {made.id}", tone=GOOD),
            choice("No", f"oncall agree {made.id} --no"),
        ),
        *double,
        *desk.warnings(rota),
    ]


def lines(desk: Desk, rota: TeamRota, made: Cover, clock: Clock) -> list[str]:
    """Who is on call instead of whom, a line for each stretch."""
    return [
        f"{desk.name(one.person)} is on call for {made.team}{f' ({one.layer})' if len(rota.layers) > 1 else ''} "
        f"{clock.span(one.start, one.end)} instead of {desk.name(one.instead)}"
        for one in made.pieces
    ]


def _doubles(desk: Desk, rota: TeamRota, made: Cover) -> list[str]:
    """Who would be on call in two layers at once: nobody would be left to escalate to."""
    found = []
    for piece in made.pieces:
        for layer in rota.layers:
            if layer.name == piece.layer:
                continue
            if any(one.person == piece.person for one in engine.of_layer(rota, layer, piece.start, piece.end)):
                found.append(f"{desk.name(piece.person)} is on call as {layer.name} at the same time")
    return list(dict.fromkeys(found))
