"""The commands that the gateway answers itself: `look` tells, `act` does something to other commands, `ambient` is for what steps in by itself."""

from . import act, look, record
from .bot import bot
from .hall import Hall

__all__ = ["Hall", "act", "ambient", "bot", "look", "record"]
