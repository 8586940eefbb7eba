"""Pages: telling whoever is on call, once.

`begin` pages somebody; `sweep` looks after pages whose timers were lost.
"""

from __future__ import annotations

from .model import Page
from .work import Desk, begin, sweep

__all__ = ["Desk", "Page", "begin", "sweep"]
