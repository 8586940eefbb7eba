"""The worker: takes a bot's commands from the bus and brings each to its end.

`admit` says what a delivered message is; `errand` takes one command as far as it goes; `consume` pulls, runs many at once
and hands back; `progress`, `outcome` and `services` are what a running command shows, leaves and may ask for.
"""

from .admit import Admission
from .consume import Limits, Worker
from .services import Means

__all__ = ["Admission", "Limits", "Means", "Worker"]
