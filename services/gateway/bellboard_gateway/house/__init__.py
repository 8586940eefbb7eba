"""The commands that the gateway answers itself.

`look` and `record` tell, `act` does something to other commands, `ambient` is about what steps in by itself.
"""

from . import act, ambient, look, record
from .bot import bot
from .hall import Hall

__all__ = ["Hall", "act", "ambient", "bot", "look", "record"]
