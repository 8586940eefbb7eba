"""Makes a new bot: a folder with a contract, a function, a provider, and tests that pass at once."""

from .make import generate, make_bot

__all__ = ["generate", "make_bot"]
