"""Which bots are enrolled, read again when the file changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bellboard.api.registry.v1 import registry_pb2 as pb
from bellboard.contract import Contract
from bellboard.errors import ContractError
from bellboard.provision import enrol

from .watched import Watched

HOUSE = "house"
"""The bot that is the gateway itself."""


class Enrolments:
    """The enrolled bots, by name.

    Raises:
        SettingsError: the file is wrong at the start.
    """

    def __init__(self, path: Path) -> None:
        self._file = Watched(lambda: [path], lambda: {entry.bot: entry for entry in enrol.read(path)})

    @property
    def version(self) -> int:
        """Counts the good versions of the file."""
        self._file.look()
        return self._file.version

    @property
    def bots(self) -> Mapping[str, pb.Enrolment]:
        return self._file.value

    def get(self, bot: str) -> pb.Enrolment | None:
        return self._file.value.get(bot)

    def claimed(self, word: str) -> str | None:
        """The bot that may claim a first word."""
        folded = word.casefold()
        for entry in self.bots.values():
            if any(phrase.split()[0].casefold() == folded for phrase in entry.phrases if phrase.strip()):
                return entry.bot
        return None


def check(contract: Contract, enrolment: pb.Enrolment | None) -> None:
    """Make sure that a contract claims no more than its bot was enrolled for.

    Raises:
        ContractError: it does. It says what.
    """
    if enrolment is None or enrolment.bot != contract.bot:
        raise ContractError(f"no bot {contract.bot} is enrolled", hint=f"bell bot enrol {contract.bot}")
    if not contract.service.startswith(enrolment.package + "."):
        raise ContractError(f"its contract is {contract.service}, and it was enrolled for the package {enrolment.package}")
    first = {phrase.split()[0].casefold() for phrase in enrolment.phrases if phrase.strip()}
    for command in contract.commands:
        for phrase in (command.phrase, *command.aliases):
            if phrase[0].casefold() not in first:
                raise ContractError(f"it claims {' '.join(phrase)!r}, and it was not enrolled for {phrase[0]!r}")
        if command.effect not in enrolment.effects:
            raise ContractError(f"{command.action} has an effect that the bot was not enrolled for")
