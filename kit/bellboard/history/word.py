"""The last word about the ledger's history, written where every process may read it."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus
from bellboard.ledger.ops import seconds
from bellboard.telemetry import logs, names

STREAM, SUBJECT = "MARK", "mark.house.history"
"""Only gateways may write it, and every bot may read it."""


@dataclass(frozen=True, slots=True)
class Word:
    """What was said last, and the sequence at which it stands; 0 if nothing ever was."""

    said: pb.History
    sequence: int = 0

    @property
    def open(self) -> bool:
        """Whether a loss was found that nobody has accepted."""
        return bool(self.said.epoch) and not self.said.accepted_by

    @property
    def accepted_at(self) -> float:
        """When a person last accepted a loss, in seconds since 1970; 0.0 if nobody ever did."""
        return seconds(self.said.accepted_at) if self.said.accepted_by else 0.0


async def read(bus: Bus) -> Word:
    """The last word. Raises BusError."""
    message = await bus.last(STREAM, SUBJECT)
    if message is None:
        return Word(pb.History())
    try:
        return Word(pb.History.FromString(message.payload), message.sequence)
    except DecodeError:
        logs.emit(names.LEDGER_GARBAGE, subject=message.subject, sequence=message.sequence)
        return Word(pb.History(), message.sequence)


async def write(bus: Bus, said: pb.History, after: Word) -> None:
    """Say something after the last word. Raises CasLost: somebody else did; BusError: it may not stand there."""
    await bus.publish(SUBJECT, said.SerializeToString(), expected=after.sequence)
