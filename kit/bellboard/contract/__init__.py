"""A bot's contract: its proto service, read and checked, as grammar, policy, ledger and help need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.command import IDEMPOTENT, ONCE, READ, Argument, Command, Kind, Step
from bellboard.errors import ContractError
from bellboard.grammar import NotUnderstood, Nowhere, Vocabulary, stages

from .files import MAX_BYTES, digest_of, files_of, pool_of
from .read import about, bot_options, commands_of
from .rules import check_command, check_service
from .triggers import check_triggers

__all__ = ["IDEMPOTENT", "MAX_BYTES", "ONCE", "READ", "Argument", "Command", "Contract", "Kind", "Step"]


@dataclass(frozen=True, eq=False)
class Contract:
    """What a bot can do, as it says itself. ``digest`` (16 hex digits) names exactly these files."""

    bot: str
    summary: str
    version: str
    digest: str
    service: str
    commands: tuple[Command, ...]
    files: FileDescriptorSet = field(repr=False)

    @classmethod
    def of(cls, service: ServiceDescriptor, version: str) -> Contract:
        """The contract of a bot's own generated code, whose message classes it uses.

        Raises:
            ContractError: it breaks rules; the hint lists each of them.
        """
        return cls._read(service, version, files_of(service))

    @classmethod
    def from_announcement(cls, announcement: registry.Announcement) -> Contract:
        """The contract of a bot elsewhere, with message classes in a descriptor pool of its own.

        Raises:
            ContractError: it is too large, breaks rules, or is not what the announcement says it is.
        """
        digest = digest_of(announcement.files)
        if digest != announcement.digest:
            raise ContractError(f"the digest of {announcement.bot[:40]}'s contract is {digest}, not {announcement.digest[:40]}")
        pool = pool_of(announcement.files)
        try:
            service = pool.FindServiceByName(announcement.service)
        except KeyError:
            raise ContractError(f"the contract holds no service {announcement.service[:80]}") from None
        contract = cls._read(service, announcement.version, announcement.files)
        if contract.bot != announcement.bot:
            raise ContractError(f"the contract is {contract.bot}'s, not {announcement.bot[:40]}'s")
        return contract

    @classmethod
    def _read(cls, service: ServiceDescriptor, version: str, files: FileDescriptorSet) -> Contract:
        broken: list[str] = []
        commands = commands_of(service, broken.append)
        check_service(service, commands, broken.append)
        for command in commands:
            check_command(service, command, about(command.method, broken.append))
        check_triggers(commands, broken.append)
        told = bot_options(service)
        contract = cls(told.name, told.summary, version, digest_of(files), service.full_name, commands, files)
        if not broken:
            broken = _check_examples(contract)
        if broken:
            raise ContractError(f"the contract {service.full_name} breaks {len(broken)} rules", hint="; ".join(broken))
        return contract

    @cached_property
    def package(self) -> str:
        """The proto package of the service."""
        return self.service.rpartition(".")[0]

    def announcement(self) -> registry.Announcement:
        """What the bot tells the gateway."""
        return registry.Announcement(
            bot=self.bot, files=self.files, service=self.service, version=self.version, digest=self.digest
        )

    def command(self, method: str) -> Command:
        """The command of a method.

        Raises:
            ContractError: there is none.
        """
        for command in self.commands:
            if command.method == method:
                return command
        raise ContractError(f"{self.bot} has no command {method[:40]}")


class _Anywhere(Nowhere):
    """A scope for examples: there is a picture, too."""

    def picture(self, word: str = "") -> chat.BlobRef | None:
        return chat.BlobRef(owner="gw", sha256="0" * 64, media_type="image/png", size=1) if word else None


def _check_examples(contract: Contract) -> list[str]:
    """The examples that are not lines of their own command."""
    vocabulary, broken = Vocabulary([contract]), list[str]()
    for command in contract.commands:
        for example in command.examples:
            *before, line = stages(example)  # what stands before it may be another bot's
            try:
                found = vocabulary.parse(line, _Anywhere(), piped=bool(before)).command
            except NotUnderstood as error:
                broken.append(f"{command.method}: the example “{example[:80]}” is not understood: {error.reason}")
                continue
            if found is not command:
                broken.append(f"{command.method}: the example “{example[:80]}” is one of {found.method}")
    return broken
