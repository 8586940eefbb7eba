"""The templates: our own drawings, made of shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image

from bellboard.api.memes.v1 import memes_pb2 as pb

from .bell import bell
from .dog import dog
from .rocket import rocket


@dataclass(frozen=True, slots=True)
class Drawing:
    """A template: what it shows, in words, and how it is drawn."""

    shows: str
    draw: Callable[[], Image.Image]


DRAWINGS = {
    pb.TEMPLATE_SHIP_IT: Drawing("A rocket that leaves", cache(rocket)),
    pb.TEMPLATE_THIS_IS_FINE: Drawing("A calm dog, and flames", cache(dog)),
    pb.TEMPLATE_PAGED: Drawing("A bell, ringing in the night", cache(bell)),
}
"""The templates that are drawn, each once per process."""
