"""What tests of Bellboard and of its bots are made with.

`servers` runs a real bus, `eventually` waits for what takes a moment, `plugin` holds the pytest fixtures.
"""

from .eventually import eventually

__all__ = ["eventually"]
