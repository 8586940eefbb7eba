"""What the bot needs from outside: someone who draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bellboard import Providers
from bellboard.api.memes.v1 import memes_pb2 as pb

from .settings import Settings


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture: a JPEG, its size in pixels, and what it shows, in words."""

    data: bytes
    width: int
    height: int
    shows: str


class Artist(Protocol):
    """Draws templates, and puts words on pictures."""

    async def meme(self, template: pb.Template.ValueType, top: str, bottom: str) -> Picture:
        """A template with words on it."""

    async def caption(self, picture: bytes, top: str, bottom: str) -> Picture:
        """A person's picture with words on it.

        Raises:
            UserError: it can't be read.
        """

    async def sample(self, template: pb.Template.ValueType) -> Picture:
        """A small picture of a template."""


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made."""
    from .pillow import PillowArtist  # not before it is needed: it imports this module

    providers.register(Artist, lambda: PillowArtist(settings.jpeg_quality))
    providers.rehearse(Artist, lambda: PillowArtist(settings.jpeg_quality))  # it reaches nothing that could be harmed
