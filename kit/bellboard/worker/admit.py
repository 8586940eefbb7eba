"""What a message on a bot's queue is: a command that the bot may run, one for another replica, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import DecodeError, Message

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.contract import Command, Contract
from bellboard.envelope import Verifier
from bellboard.errors import EnvelopeError, UnknownKey
from bellboard.ledger.ops import seconds
from bellboard.ledger.state import RUNNABLE
from bellboard.ledger.subjects import Author, Key, parse
from bellboard.ledger.work import Job
from bellboard.sealed import join_secrets, unseal

MAX_BYTES = 256 * 1024
"""The largest record that is looked at."""

KEY_PATIENCE = 90
"""How often a command is handed back whose key is not known. A gateway may sign with a new one before it is known everywhere:
Kubernetes takes a minute or two, and a command comes again after 2 seconds."""


class Delivered(Protocol):
    """What is asked of a delivery here."""

    @property
    def subject(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def sequence(self) -> int: ...
    @property
    def deliveries(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Order:
    """A command to be run. ``request`` is None, and ``wrong`` says why, where it can only fail."""

    job: Job
    envelope: pb.Envelope
    command: Command | None
    request: Message | None
    wrong: str = ""

    @property
    def verb(self) -> str:
        return self.command.name if self.command is not None else "none"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A command that is not for this replica, or not yet.

    Its contract is another's (``reason`` is "digest"), or its key is not known ("key"); ``what`` says which it is.
    """

    key: Key
    what: str
    reason: str = "digest"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No command, or not one that may run. ``reason`` is one word of a few, ``text`` tells more."""

    reason: str
    text: str


class Admission:
    """Looks at what is delivered to one bot.

    Args:
        box_key: the bot's X25519 private key (32 raw bytes), which opens the secrets of its commands.
    """

    def __init__(self, contract: Contract, verifier: Verifier, *, team: str, replica: str, box_key: bytes) -> None:
        self._contract, self._verifier = contract, verifier
        self._team, self._replica, self._box_key = team, replica, box_key
        self._commands = {command.method: command for command in contract.commands}

    def look(self, delivery: Delivered) -> Order | Foreign | Refusal:
        """Say what a delivery is. Size comes first, then the signature; only signed bytes are believed."""
        if len(delivery.payload) > MAX_BYTES:
            return Refusal("size", f"{len(delivery.payload)} bytes")
        try:
            key, author = parse(delivery.subject)
            record = pb.Record.FromString(delivery.payload)
        except (ValueError, DecodeError):
            return Refusal("garbage", "it can't be read")
        if author != Author.RUN or key.bot != self._contract.bot or record.state not in RUNNABLE:
            return Refusal("state", "it is nothing to run")
        try:
            envelope = self._verifier.open(record.command, team=self._team, bot=self._contract.bot, id=key.id)
        except UnknownKey as error:
            early = delivery.deliveries <= KEY_PATIENCE
            return Foreign(key, record.command.key_id, "key") if early else Refusal("envelope", error.text)
        except EnvelopeError as error:
            return Refusal("envelope", error.text)
        if envelope.lane != key.lane:
            return Refusal("lane", "it was signed for another lane")
        if envelope.digest != self._contract.digest:
            return Foreign(key, envelope.digest)
        return self._order(delivery, key, record, envelope)

    def _order(self, delivery: Delivered, key: Key, record: pb.Record, envelope: pb.Envelope) -> Order:
        command = self._commands.get(envelope.method)
        request, wrong = None, "the bot has no such command"
        if command is not None:
            request, wrong = self._request(command, envelope)
        alone = command is not None and request is not None and not envelope.preview
        job = Job(
            key=key,
            record=record,
            sequence=delivery.sequence,
            fresh=delivery.deliveries == 1,
            worker=self._replica,
            effect=_effect(command, envelope),
            not_after=seconds(envelope.not_after),
            steps=command.steps if alone and command is not None else (),
            turn=_turn(command, request, envelope) if alone and command is not None and request is not None else "",
            probes=command is not None and request is not None and bool(command.probe),
        )
        return Order(job, envelope, command, request, wrong)

    def _request(self, command: Command, envelope: pb.Envelope) -> tuple[Message | None, str]:
        try:
            secret = unseal(self._box_key, envelope.sealed, envelope.id.encode()) if envelope.sealed else b""
            return join_secrets(command, envelope.request, secret), ""
        except EnvelopeError as error:
            return None, error.text


def _turn(command: Command, request: Message, envelope: pb.Envelope) -> str:
    """What only one command at a time may work on. Rehearsals take turns among themselves: none holds up what is for real."""
    turn = command.turn_key(request)
    return f"rehearsal {turn}" if turn and envelope.rehearsal else turn


def _effect(command: Command | None, envelope: pb.Envelope) -> options.Effect.ValueType:
    """What running it may do. Showing what it would do, like saying that it can't be run, does nothing."""
    if command is None or envelope.preview:
        return options.EFFECT_READ
    return command.effect
