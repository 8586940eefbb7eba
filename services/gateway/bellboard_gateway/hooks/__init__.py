"""What comes in over HTTP from programs: webhooks, on their way to a bot's command.

`checks` says who is let in, without any I/O; `door` is the HTTP side, which answers once what came is on disk; `pump` brings it
to the bot, in order, one command for many.
"""

from .door import HookDoor, Hooks, watch
from .pump import Pump

__all__ = ["HookDoor", "Hooks", "Pump", "watch"]
