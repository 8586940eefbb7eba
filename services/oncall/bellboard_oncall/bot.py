"""The on-call bot: who is on call, pages, and alerts. Importing it declares every command."""

from __future__ import annotations

from .alerts import commands as _alerts  # noqa: F401
from .declared import bot as bot
from .pages import commands as _pages  # noqa: F401
from .rota import commands as _rota  # noqa: F401
