"""Draws charts, in a process of its own: ``python -m bellboard_graphs.draw``.

Specifications come on stdin, PNGs go to stdout, each behind its length in four bytes; a PNG of no bytes means that it can't be
drawn. Nothing is ever fetched: what names an address is not drawn, since the engine's own list of addresses does not hold for
pictures.
"""

from __future__ import annotations

import json
import struct
import sys

import vl_convert

LENGTH = struct.Struct(">I")
SCALE = 1.5
_WARM_UP = '{"data": {"values": [{"a": 1}]}, "mark": "line", "encoding": {"x": {"field": "a"}, "y": {"field": "a"}}}'


def draw(spec: str) -> bytes:
    """A specification as a PNG. Raises ValueError: it can't be drawn, or names an address."""
    if _fetches(json.loads(spec)):
        raise ValueError("it names an address")
    png: bytes = vl_convert.vegalite_to_png(spec, scale=SCALE, allowed_base_urls=[])
    return png


def _fetches(value: object) -> bool:
    """Whether anything in a specification is to come from elsewhere."""
    if isinstance(value, dict):
        return "url" in value or any(_fetches(inner) for inner in value.values())
    return isinstance(value, list) and any(_fetches(inner) for inner in value)


def main() -> None:
    draw(_WARM_UP)
    while len(head := sys.stdin.buffer.read(LENGTH.size)) == LENGTH.size:
        spec = sys.stdin.buffer.read(LENGTH.unpack(head)[0]).decode()
        try:
            png = draw(spec)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            png = b""
        sys.stdout.buffer.write(LENGTH.pack(len(png)) + png)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
