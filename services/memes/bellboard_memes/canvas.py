"""A small drawing kit on Pillow: smooth shapes in coordinates of 800x600, drawn larger."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 800, 600
SCALE = 3
"""Everything is drawn this much larger and made smaller at the end, so that edges are smooth."""

Point = tuple[float, float]
Colour = str | tuple[int, int, int] | tuple[int, int, int, int]


class Canvas:
    """A picture in the making."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        self._image = _gradient(top, bottom).convert("RGBA")
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self._draw.polygon(_scaled(points), fill=fill)

    def blob(self, points: Sequence[Point], fill: Colour) -> None:
        """A smooth closed shape through the points."""
        self._draw.polygon(_scaled(_spline(points, closed=True)), fill=fill)

    def stroke(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A smooth line through the points, with round ends."""
        path = _scaled(_spline(points, closed=False))
        self._draw.line(path, fill=fill, width=round(width * SCALE), joint="curve")
        radius = width * SCALE / 2
        for x, y in (path[0], path[-1]):
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def ellipse(self, centre: Point, rx: float, ry: float, fill: Colour) -> None:
        (x, y), a, b = centre, rx, ry
        self._draw.ellipse(_box(x - a, y - b, x + a, y + b), fill=fill)

    def arc(self, centre: Point, radius: float, start: float, end: float, fill: Colour, width: float) -> None:
        """Part of a circle, from one angle to another in degrees, clockwise from three o'clock."""
        x, y = centre
        box = _box(x - radius, y - radius, x + radius, y + radius)
        self._draw.arc(box, start, end, fill=fill, width=round(width * SCALE))

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0) -> None:
        self._draw.rounded_rectangle(_box(left, top, right, bottom), radius * SCALE, fill=fill)

    def glow(self, centre: Point, radius: float, colour: tuple[int, int, int], strength: int = 150) -> None:
        """Soft light around a point."""
        small = Image.new("L", (WIDTH // 4, HEIGHT // 4), 0)
        x, y = centre[0] / 4, centre[1] / 4
        r = radius / 8
        ImageDraw.Draw(small).ellipse((x - r, y - r, x + r, y + r), fill=strength)
        mask = small.filter(ImageFilter.GaussianBlur(radius / 10)).resize(self._image.size, Image.Resampling.BILINEAR)
        self._image.paste(Image.new("RGBA", self._image.size, (*colour, 255)), (0, 0), mask)

    def stars(self, count: int) -> None:
        """Stars in the upper half, fading towards the horizon; the same each time."""
        for i in range(count):
            x, y, size = (i * 137.5) % WIDTH, (i * i * 7.3 + i * 53) % 330, 1.1 + i % 3 * 0.6
            self.ellipse((x, y), size, size, (255, 255, 255, 235 - int(y * 0.5)))

    def finish(self) -> Image.Image:
        """The picture, 800x600, in RGB."""
        return self._image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def turned(points: Sequence[Point], degrees: float, about: Point) -> list[Point]:
    """Points turned clockwise about another."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    x0, y0 = about
    return [(x0 + (x - x0) * cosine - (y - y0) * sine, y0 + (x - x0) * sine + (y - y0) * cosine) for x, y in points]


def _gradient(top: Colour, bottom: Colour) -> Image.Image:
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), Image.new("RGB", (1, 1), top).getpixel((0, 0)) or 0)
    column.putpixel((0, 1), Image.new("RGB", (1, 1), bottom).getpixel((0, 0)) or 0)
    return column.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5))


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return (left * SCALE, top * SCALE, right * SCALE, bottom * SCALE)


def _spline(points: Sequence[Point], *, closed: bool, parts: int = 12) -> list[Point]:
    """A Catmull-Rom spline through the points, each gap cut into parts."""
    known = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    path = [
        (_between(a[0], b[0], c[0], d[0], i / parts), _between(a[1], b[1], c[1], d[1], i / parts))
        for a, b, c, d in zip(known, known[1:], known[2:], known[3:], strict=False)
        for i in range(parts)
    ]
    return path if closed else [*path, points[-1]]


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
