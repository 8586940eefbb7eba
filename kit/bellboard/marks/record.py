"""A mark as bytes on the bus, and back."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from bellboard.api.marks.v1 import marks_pb2 as pb
from bellboard.bus import Message
from bellboard.ledger.ops import seconds, timestamp
from bellboard.telemetry import logs, names

from . import KINDS, Mark, parse

FAR = 253_402_300_800
"""The end of the year 9999, in seconds since 1970: no calendar goes on."""


def written(mark: Mark, key: str) -> bytes:
    """The payload of a mark that was made for a key."""
    record = pb.Mark(
        key=key,
        app=mark.app,
        env=mark.env,
        at=timestamp(mark.at),
        title=mark.title,
        person=mark.person,
        command=mark.command,
        state=mark.state,
        rehearsal=mark.rehearsal,
        detail=dict(mark.detail),
    )
    if mark.until is not None:
        record.until.CopyFrom(timestamp(mark.until))
    return record.SerializeToString()


def decoded(message: Message) -> pb.Mark | None:
    """The record; None if a bot wrote garbage."""
    try:
        return pb.Mark.FromString(message.payload)
    except DecodeError:
        logs.emit(names.MARK_GARBAGE, subject=message.subject, sequence=message.sequence)
        return None


def read(message: Message) -> Mark | None:
    """The mark of a message on ``mark.<bot>.<letter>.<number>``; None if it is garbage."""
    _, bot, letter, number = message.subject.split(".")
    record, id = decoded(message), f"{letter}{number}"
    if record is None or parse(id) != (letter, int(number) if number.isdecimal() else 0):
        return None
    if not all(0 <= at.seconds < FAR for at in (record.at, record.until)):
        return None  # whoever shows it would break
    return Mark(
        id=id,
        kind=KINDS[letter],
        bot=bot,
        app=record.app,
        env=record.env,
        at=seconds(record.at),
        until=seconds(record.until) if record.HasField("until") else None,
        title=record.title,
        person=record.person,
        command=record.command,
        state=record.state,
        rehearsal=record.rehearsal,
        detail=dict(record.detail),
    )
