"""What has to be there before anything runs: keys, accounts, the server's configuration, streams and consumers.

`layout` says which streams and consumers there are, `accounts` who may do what on the bus, `house` keeps all of it in one
folder for a machine that runs everything, `streams` carries the layout out on a running server, and `admit` takes a bot in
while everything runs. Those last two speak to the bus and are loaded when they are used: `bell up` starts it meanwhile.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .house import House, HouseError

if TYPE_CHECKING:
    from .admit import admit, take_in
    from .streams import provision

__all__ = ["House", "HouseError", "admit", "provision", "take_in"]

_HOMES = {"admit": "admit", "take_in": "admit", "provision": "streams"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOMES[name]}", __name__)
    # Here `admit` is the function, not the module of that name.
    globals().update({key: getattr(module, key) for key, home in _HOMES.items() if home == _HOMES[name]})
    return globals()[name]
