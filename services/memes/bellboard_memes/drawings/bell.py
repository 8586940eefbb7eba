"""The template paged."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from ..canvas import Canvas, Point, turned


def bell() -> Image.Image:
    """A bell rings in the night."""
    c = Canvas("#0b1430", "#2d3f7a")
    c.stars(60)
    c.glow((706, 112), 260, (150, 170, 235), 130)
    c.polygon(_crescent((706, 112), 50), "#f7f1d4")
    _roofs(c)
    c.glow((400, 300), 430, (255, 190, 90), 70)
    for radius, colour in ((190, "#ffe28a"), (234, "#d9c48a"), (278, "#a39c8c")):
        for side in (0, 180):
            c.arc((400, 282), radius, side - 25, side + 25, colour, 11)
    _bell(c, 14)
    return c.finish()


def _crescent(centre: Point, radius: float) -> list[Point]:
    x, y = centre
    outer = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in (math.radians(d) for d in range(30, 301, 6))]
    (ax, ay), (bx, by), (cx, cy) = outer[-1], (x - 0.55 * radius, y + 0.32 * radius), outer[0]
    curve = [(i / 24, 1 - i / 24) for i in range(25)]
    return outer + [(u * u * ax + 2 * t * u * bx + t * t * cx, u * u * ay + 2 * t * u * by + t * t * cy) for t, u in curve]


def _roofs(c: Canvas) -> None:
    for i, (x, top, width) in enumerate(
        ((-20, 430, 150), (130, 470, 120), (250, 446, 130), (470, 462, 140), (610, 424, 110), (720, 456, 110))
    ):
        c.box(x, top, x + width, 610, "#101a3c" if i % 2 else "#0c1532")
        c.polygon([(x - 10, top + 2), (x + width / 2, top - 46), (x + width + 10, top + 2)], "#0a1129")
        for row in range(3):
            for column in range(2):
                lit = (i * 5 + row * 3 + column) % 7 == 0
                left = x + 22 + column * (width - 62)
                c.box(left, top + 22 + row * 44, left + 18, top + 44 + row * 44, "#ffd36a" if lit else "#1b2752", 2)


_RIGHT: list[Point] = [(400, 170), (444, 184), (474, 232), (486, 310), (506, 372), (546, 414)]
_LEFT: list[Point] = [(400, 432), (254, 414), (294, 372), (314, 310), (326, 232), (356, 184)]
"""The bell's outline, from its crown clockwise to its rim, and back."""


def _bell(c: Canvas, tilt: float) -> None:
    pivot = (400.0, 150.0)

    def at(points: Sequence[Point]) -> list[Point]:
        return turned(points, tilt, pivot)

    c.box(250, 128, 550, 146, "#6b432a", 6)
    c.box(250, 140, 550, 148, "#4d2f1d", 4)
    c.blob(at([(386, 148), (414, 148), (418, 176), (400, 186), (382, 176)]), "#b57a1c")
    c.ellipse(turned([(400, 452)], tilt * 2.1, pivot)[0], 30, 30, "#8a5a14")
    c.ellipse(turned([(396, 446)], tilt * 2.1, pivot)[0], 17, 15, "#b57a1c")
    c.blob(at([*_LEFT, *_RIGHT]), "#f2b632")
    c.blob(at([*_RIGHT, (452, 430), (446, 372), (440, 300), (430, 226)]), "#d1911f")
    c.blob(at([(356, 204), (372, 192), (366, 250), (356, 330), (334, 382), (318, 386), (336, 330), (342, 262)]), "#fde08a")
    c.stroke(at([(300, 366), (350, 378), (400, 381), (450, 378), (500, 366)]), "#a86f17", 7)
    c.stroke(at([(262, 416), (330, 427), (400, 430), (470, 427), (538, 416)]), "#a86f17", 16)
    c.stroke(at([(270, 412), (330, 421), (400, 424)]), "#ffd76a", 6)
