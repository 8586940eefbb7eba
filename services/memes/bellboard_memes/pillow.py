"""The artist that comes with the bot: draws with Pillow, in a thread, without any outside service."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

from bellboard.api.memes.v1 import memes_pb2 as pb

from . import uploads
from .drawings import DRAWINGS
from .providers import Picture
from .words import write

SAMPLE = (240, 180)


class PillowArtist:
    """An `Artist`. A template is drawn once and kept."""

    def __init__(self, jpeg_quality: int) -> None:
        self._quality = jpeg_quality

    async def meme(self, template: pb.Template.ValueType, top: str, bottom: str) -> Picture:
        drawing = DRAWINGS[template]
        return await asyncio.to_thread(lambda: self._finish(drawing.draw().copy(), drawing.shows, top, bottom))

    async def caption(self, picture: bytes, top: str, bottom: str) -> Picture:
        pixels = await uploads.decode(picture)
        return await asyncio.to_thread(self._finish, pixels, "A picture of yours", top, bottom)

    async def sample(self, template: pb.Template.ValueType) -> Picture:
        drawing = DRAWINGS[template]
        return await asyncio.to_thread(lambda: self._finish(drawing.draw().resize(SAMPLE), drawing.shows, "", ""))

    def _finish(self, picture: Image.Image, shows: str, top: str, bottom: str) -> Picture:
        write(picture, top, bottom)
        held = io.BytesIO()
        picture.save(held, "JPEG", quality=self._quality)
        said = [f"{where}: “{words}”" for where, words in (("above", top), ("below", bottom)) if words.strip()]
        return Picture(held.getvalue(), picture.width, picture.height, "; ".join([shows, *said]))
