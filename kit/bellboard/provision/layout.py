"""The streams and consumers of one team."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bellboard.ledger.subjects import Lane

SECOND = 1_000_000_000
ACK_WAIT = 10
"""Seconds after which a message that nobody works on is handed out again."""

READS_AHEAD, WORK_AHEAD, ASKS_AHEAD = 256, 64, 1024
MAX_RECORD = 256 * 1024
"""Bytes of the largest message in any stream."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream. ``last_only`` keeps one message a subject; ``passing`` ones forget after a day, and the oldest when full.

    In an ``ebbing`` one a message may say how long it is kept. ``largest`` is in bytes; ``days`` is how long everything is
    kept, 0 for ever.
    """

    name: str
    subjects: str
    last_only: bool = False
    passing: bool = False
    ebbing: bool = False
    largest: int = MAX_RECORD
    days: int = 0

    def config(self, replicas: int = 1) -> dict[str, Any]:
        """Its configuration, as JetStream's API wants it."""
        config: dict[str, Any] = {
            "name": self.name,
            "subjects": [self.subjects],
            "retention": "limits",
            "storage": "file",
            "discard": "old" if self.passing else "new",
            "max_msg_size": self.largest,
            "num_replicas": replicas,
            "allow_direct": True,
            "deny_delete": not self.passing,
            "deny_purge": not self.passing,
        }
        if self.last_only:
            # A full subject gives up its old message rather than refuse the new one.
            config |= {"max_msgs_per_subject": 1, "discard": "old"}
        if self.ebbing:
            config["allow_msg_ttl"] = True
        if self.days:
            config["max_age"] = self.days * 24 * 3600 * SECOND
        if self.passing:
            config |= {"max_age": 24 * 3600 * SECOND, "max_bytes": 256 * 1024 * 1024}
        return config


STREAMS = (
    Stream("LED", "led.>"),  # commands and every change of their state
    Stream("LOCK", "lock.>"),  # who holds which turn
    Stream("ROOM", "room.>"),  # talk
    Stream("REQ", "req.>"),  # what bots ask for
    Stream("TIMER", "tmr.>", last_only=True, ebbing=True),  # what bots ask for at a moment
    Stream("REG", "reg.>", last_only=True),  # contracts
    Stream("BLOB", "blob.>"),  # pictures, and what is too large for a record
    Stream("PROG", "prog.>", passing=True),  # blocks of commands that are running
    Stream("ONCE", "once.>"),  # what may be taken only once, such as a sign-in code
    Stream("MARK", "mark.>", largest=16 * 1024),  # what has an id of its own: deploys, answers, incidents, locks
    Stream("HOOK", "hook.>", days=7),  # what came in at webhooks
    Stream("FEED", "feed.>", last_only=True, ebbing=True),  # what programs outside may fetch, such as calendars
)


def keep_of(bot: str) -> Stream:
    """What a bot remembers. Each has a stream: a direct get that asks by its payload can't be limited to some subjects."""
    return Stream(f"KEEP_{bot}", f"keep.{bot}.>", last_only=True, ebbing=True)


def streams(bots: Iterable[str]) -> tuple[Stream, ...]:
    """Every stream of a team with these bots."""
    return (*STREAMS, *(keep_of(bot) for bot in bots))


DOOR = "gateway-req"
"""The consumer by which gateways take what bots ask for."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer. Redelivery has no limit: the ledger counts attempts."""

    stream: str
    name: str
    filters: tuple[str, ...]
    ahead: int

    def config(self) -> dict[str, Any]:
        """Its configuration, as JetStream's API wants it."""
        return {
            "durable_name": self.name,
            "name": self.name,
            "filter_subjects": list(self.filters),
            "ack_policy": "explicit",
            "ack_wait": ACK_WAIT * SECOND,
            "max_deliver": -1,
            "max_ack_pending": self.ahead,
            "deliver_policy": "all",
            "replay_policy": "instant",
        }


def consumers_of(bot: str) -> tuple[Consumer, Consumer]:
    """A bot's two consumers: its reads and its work do not wait for each other."""

    def filters(*lanes: Lane) -> tuple[str, ...]:
        return tuple(f"led.{lane}.{bot}.*.run" for lane in lanes)

    return (
        Consumer("LED", f"{bot}-read", filters(Lane.OPS_READ, Lane.PLAY_READ), READS_AHEAD),
        Consumer("LED", f"{bot}-work", filters(Lane.OPS_WORK, Lane.PLAY_WORK), WORK_AHEAD),
    )


def consumers(bots: Iterable[str]) -> tuple[Consumer, ...]:
    """Every durable consumer: those of the bots, and the gateways' door."""
    door = Consumer("REQ", DOOR, ("req.>",), ASKS_AHEAD)
    return (door, *(consumer for bot in bots for consumer in consumers_of(bot)))
