"""What has to be there before anything runs: keys, accounts, the server's configuration, streams and consumers.

`layout` says which streams and consumers there are, `server` who may do what on the bus, `house` keeps all of it in one
folder for a machine that runs everything, `streams` carries the layout out on a running server, and `admit` takes a bot in
while everything runs.
"""

from .admit import admit, take_in
from .house import House, HouseError
from .streams import provision

__all__ = ["House", "HouseError", "admit", "provision", "take_in"]
