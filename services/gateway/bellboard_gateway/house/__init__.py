"""The commands that the gateway answers itself: `look` tells, `act` does something to other commands."""

from . import act, look
from .bot import bot
from .hall import Hall

__all__ = ["Hall", "act", "bot", "look"]
