"""Dice."""

from __future__ import annotations

import random
import re

from bellboard import UserError

MOST_DICE, MOST_SIDES = 40, 1000
_FORM = re.compile(r"([0-9]{0,3})d([0-9]{1,4})", re.IGNORECASE)


def roll(dice: str, seed: str) -> list[int]:
    """Throw dice such as ``2d6``: how each one fell. The same seed throws the same, so a second run changes nothing.

    Raises:
        UserError: that is not how dice are written, or there are too many.
    """
    form = _FORM.fullmatch(dice)
    if form is None:
        raise UserError(f"{dice!r} are no dice", hint="write how many and which, such as 2d6")
    count, sides = int(form[1] or 1), int(form[2])
    if not (1 <= count <= MOST_DICE and 2 <= sides <= MOST_SIDES):
        raise UserError(f"no table holds {dice}", hint=f"1 to {MOST_DICE} dice of 2 to {MOST_SIDES} sides")
    fall = random.Random(seed)  # noqa: S311  # dice, not secrets
    return [fall.randint(1, sides) for _ in range(count)]
