"""What the rules are asked, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from google.protobuf.message import Message

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command


class Verdict(StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Chance(StrEnum):
    """Whether some arguments could be permitted."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say of a request.

    Attributes:
        rules: the names of the rules that decided.
        group: who must approve, where the verdict is ASK.
        reason: why, in a sentence for people.
    """

    verdict: Verdict
    rules: tuple[str, ...] = ()
    group: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to judge. ``principal`` as in the envelope; a timer is judged as the person who set it."""

    principal: pb.Principal
    command: Command
    request: Message
    room: str
    cause: pb.Cause.ValueType
    preview: bool = False
    rehearsal: bool = False
    force: bool = False
