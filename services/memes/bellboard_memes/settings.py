"""The settings of the memes bot."""

from __future__ import annotations

from pydantic import Field

from bellboard import BotSettings


class Settings(BotSettings):
    """What the memes bot can be told.

    Attributes:
        jpeg_quality: of the pictures it makes, from 40 to 95; more is larger.
    """

    jpeg_quality: int = Field(default=88, ge=40, le=95)
