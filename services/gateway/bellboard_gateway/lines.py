"""What comes into the gateway, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway


@dataclass(frozen=True, slots=True)
class Line:
    """A line as an adapter brings it.

    Attributes:
        system, workspace: the chat system, such as "web", "bell" or "grpc", and the workspace within it.
        room: the room's id.
        message: the message's id, by the system; the same message brought again is the same command.
        person: the id of the person, found by the account that the system vouches for.
        thread: the message that opened the thread.
        ordinal, revision: which command of the message, and which edit of it, both from 0.
        explicit: nothing is talk; what is no command is an error.
        uploads: what was uploaded with it.
        traceparent: the W3C trace context that it came with.
    """

    system: str
    workspace: str
    room: str
    message: str
    person: str
    text: str
    thread: str = ""
    ordinal: int = 0
    revision: int = 0
    explicit: bool = False
    uploads: tuple[chat.BlobRef, ...] = ()
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """It is in the ledger, whatever its state: allowed, waiting for approval, or denied."""

    id: str


@dataclass(frozen=True, slots=True)
class Talk:
    """It is for people."""


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """It is no command as it stands, or nobody is there to run it. Nothing was published."""

    why: gateway.NotUnderstood


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """It was understood, and is not in the ledger.

    ``final``: it can never run. Otherwise it is not known yet whether the bus took it; bring the same message again to
    learn it.
    """

    reason: str
    final: bool

    @property
    def code(self) -> str:
        return "not_accepted" if self.final else "unconfirmed"


Taken = Command | Talk | Misunderstood | NotAccepted
