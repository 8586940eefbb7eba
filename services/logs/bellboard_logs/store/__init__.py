"""The embedded store: SQLite with a full-text index."""

from .source import Stored
from .writer import Place, Writer

__all__ = ["Place", "Stored", "Writer"]
