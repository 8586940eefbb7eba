"""What people meant by words that came as they were typed."""

from __future__ import annotations


def plain(words: str) -> str:
    """The rest of a line as meant: without the quotes that the whole of it stands in, and in one line."""
    said = words.strip()
    for mark in "\"'":
        if len(said) > 1 and said[0] == said[-1] == mark and mark not in said[1:-1].replace(f"\\{mark}", ""):
            said = said[1:-1].replace(f"\\{mark}", mark)
    return " ".join(said.split())
