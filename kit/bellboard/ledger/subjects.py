"""Where the records of a command stand on the bus: ``led.<lane>.<bot>.<id>.<author>``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Author(StrEnum):
    """Who wrote a record. Each account may publish only as itself."""

    RUN = "run"  # the gateway lets a command run, or the reaper offers it again; all that bots consume
    GATEWAY = "gw"
    BOT = "bot"
    REAPER = "reap"


class Lane(StrEnum):
    """Which queue a command travels in. Reads and effects are apart, production ahead of play."""

    OPS_READ = "ops-read"
    OPS_WORK = "ops-work"
    PLAY_READ = "play-read"
    PLAY_WORK = "play-work"


@dataclass(frozen=True, slots=True)
class Key:
    """What identifies a command's records."""

    lane: str
    bot: str
    id: str

    def subject(self, author: Author) -> str:
        return f"led.{self.lane}.{self.bot}.{self.id}.{author}"

    @property
    def pattern(self) -> str:
        """Every author's subject: the scope of compare-and-set."""
        return f"led.{self.lane}.{self.bot}.{self.id}.>"

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(self.subject(author) for author in Author)


def parse(subject: str) -> tuple[Key, Author]:
    """Split a ledger subject.

    Raises:
        ValueError: it is not one.
    """
    parts = subject.split(".")
    if len(parts) != 5 or parts[0] != "led":
        raise ValueError(f"not a ledger subject: {subject!r}")
    return Key(parts[1], parts[2], parts[3]), Author(parts[4])
