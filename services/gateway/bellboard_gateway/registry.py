"""Which bots there are, what they can do, and whether they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.registry.v1 import registry_pb2 as pb
from bellboard.bus import Bus
from bellboard.command import Command
from bellboard.contract import Contract
from bellboard.errors import BusError, ContractError
from bellboard.grammar import Completion, Scope, Vocabulary
from bellboard.telemetry import logs, names

from .beats import Beats, Replica
from .enrolments import HOUSE, Enrolments, check
from .policy import Policy

TICK = 0.2
"""Seconds between two looks at who is there, and at the files."""

Key = tuple[str, str]
"""A bot and a contract's digest."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A contract as it was announced, and when: its place in the stream of announcements."""

    announcement: pb.Announcement
    sequence: int


class Registry:
    """The contracts of the enrolled bots, admitted against enrolment and policy; and the replicas that serve them.

    Args:
        local: the contract that this process serves itself.
    """

    def __init__(self, bus: Bus, enrolments: Enrolments, policy: Policy, local: Contract) -> None:
        self._bus, self._enrolments, self._policy, self._local = bus, enrolments, policy, local
        self._beats = Beats()
        self._announced: dict[Key, Announced] = {}
        self._admitted: dict[Key, Contract] = {}
        self._refused: dict[Key, str] = {}
        self._digests = dict.fromkeys(local.commands, local.digest)
        self._seen: tuple[int, str, int] = (0, "", 0)
        self._caught_up = False
        policy.admit(local, is_open=True)
        self.vocabulary = Vocabulary([local])

    @property
    def loaded(self) -> bool:
        """Whether every announcement was read, and everybody was heard or the heartbeats listened to for long enough."""
        return self._caught_up and (self._beats.settled or self._all_are_here)

    @property
    def _all_are_here(self) -> bool:
        return all(self._beats.of(bot) for bot in self._enrolments.bots if bot != HOUSE)

    @property
    def problems(self) -> list[str]:
        """Why contracts were refused, one line each."""
        return [f"{bot}: {reason}" for (bot, _), reason in sorted(self._refused.items())]

    @property
    def reachable(self) -> bool:
        """Whether the bus can be reached, and brings what is said there."""
        return self._bus.connected and not self._beats.deaf

    @property
    def listening(self) -> float:
        """Seconds for which the bus has been reachable without a gap."""
        return self._beats.listening if self.reachable else 0.0

    def health(self) -> str | None:
        return None if self.loaded else "it is not known yet which bots are there"

    def contract(self, bot: str) -> Contract | None:
        """The contract by which a bot's lines are read: of its living replicas, else the last one known."""
        if bot == HOUSE:
            return self._local
        known = [key for key in self._admitted if key[0] == bot]
        if not known:
            return None
        served = {replica.beat.digest for replica in self._beats.taking(bot)}
        return self._admitted[max(known, key=lambda key: (key[1] in served, self._announced[key].sequence))]

    def find(self, bot: str, digest: str, method: str) -> Command | None:
        """A command by the contract that an envelope names."""
        contract = self._local if bot == HOUSE else self._admitted.get((bot, digest))
        return next((c for c in contract.commands if c.method == method), None) if contract else None

    def digest(self, command: Command) -> str:
        """The digest of the contract that a command is of."""
        return self._digests[command]

    def enrolment(self, bot: str) -> pb.Enrolment | None:
        return self._enrolments.get(bot)

    def available(self, bot: str) -> bool:
        """Whether a worker is there to run a bot's commands. While that can't be known yet, it is supposed."""
        if bot == HOUSE:
            return True
        if any((bot, replica.beat.digest) in self._admitted for replica in self._beats.taking(bot)):
            return True
        return not self.loaded and self.contract(bot) is not None

    def absent(self, words: Sequence[str]) -> str | None:
        """The enrolled bot to which a line's first word belongs, and whose contract is not known."""
        bot = self._enrolments.claimed(words[0]) if words else None
        return bot if bot and self.contract(bot) is None else None

    def complete(self, line: str, cursor: int, scope: Scope) -> list[Completion]:
        """What may be typed next, without what nobody is there to run."""
        offers = self.vocabulary.complete(line, cursor, scope)
        return [offer for offer in offers if self._served(line[: offer.start] + offer.text)]

    def _served(self, line: str) -> bool:
        found = self.vocabulary.find(line.split())
        return found is None or self.available(found[0].bot)

    def replicas(self, bot: str) -> list[Replica]:
        return self._beats.of(bot)

    @property
    def losses(self) -> list[str]:
        """Which bots' replicas are in safe mode, one line each."""
        beats = [replica.beat for bot in self.bots if bot != HOUSE for replica in self.replicas(bot)]
        return [f"{beat.replica} is in safe mode: the bus lost history ({beat.safe_mode})" for beat in beats if beat.safe_mode]

    @property
    def bots(self) -> Iterable[str]:
        """Every enrolled bot, by name."""
        return sorted({HOUSE, *self._enrolments.bots})

    async def run(self) -> None:
        """Follow announcements and heartbeats until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._listen())
            tasks.create_task(self._look())

    async def _follow(self) -> None:
        end = await self._end()
        self._caught_up = end == 0
        async for message in self._bus.follow("REG"):
            self._announce(message.subject, message.payload, message.sequence)
            self._caught_up = self._caught_up or message.sequence >= end

    async def _end(self) -> int:
        while True:
            try:
                return await self._bus.end("REG")
            except BusError:
                await asyncio.sleep(TICK)

    async def _listen(self) -> None:
        async for message in self._bus.listen("hb.>"):
            try:
                beat = pb.Heartbeat.FromString(message.payload)
            except DecodeError:
                continue
            if message.subject == f"hb.{beat.bot}.{beat.replica}":
                self._beats.hear(beat)

    async def _look(self) -> None:
        while True:
            self._beats.look(reachable=self._bus.connected)
            self._refresh()
            await asyncio.sleep(TICK)

    def _announce(self, subject: str, payload: bytes, sequence: int) -> None:
        """Take in an announcement. Its subject tells who may have written it."""
        parts = subject.split(".")
        if parts[1:2] == [HOUSE]:
            return  # a gateway's own, which only gateways can write
        try:
            announcement = pb.Announcement.FromString(payload)
        except DecodeError:
            return
        if len(parts) != 3 or parts[1:] != [announcement.bot, announcement.digest]:
            logs.emit(names.CONTRACT_REFUSED, subject=subject, error="it is announced under another name")
            return
        key = (announcement.bot, announcement.digest)
        if key in self._announced and self._announced[key].announcement == announcement:
            self._announced[key] = Announced(announcement, sequence)
            return
        self._announced[key] = Announced(announcement, sequence)
        self._admit(key)
        self._rebuild()

    def _admit(self, key: Key) -> None:
        """Read a contract, and hold it against enrolment, the others' phrases, and every rule."""
        enrolment = self._enrolments.get(key[0])
        try:
            contract = self._admitted.get(key) or Contract.from_announcement(self._announced[key].announcement)
            check(contract, enrolment)
            Vocabulary([*self._current(but=contract.bot), contract])  # a phrase has one owner
            self._policy.admit(contract, is_open=bool(enrolment and enrolment.open))
        except ContractError as error:
            if gone := self._admitted.pop(key, None):
                self._policy.dismiss(gone)
            if self._refused.get(key) != str(error):
                names.CONTRACTS_REFUSED.labels(key[0]).inc()
                logs.emit(names.CONTRACT_REFUSED, bot=key[0], digest=key[1], error=str(error))
            self._refused[key] = str(error)
        else:
            self._refused.pop(key, None)
            if key not in self._admitted:
                logs.emit(names.CONTRACT_ADMITTED, bot=key[0], digest=key[1], version=contract.version)
            self._admitted[key] = contract
            self._digests.update(dict.fromkeys(contract.commands, contract.digest))

    def _refresh(self) -> None:
        """Hold all contracts against enrolments and rules again where these changed; see who serves what."""
        state = (self._enrolments.version, self._policy.digest, self._beats.changes)
        if state == self._seen:
            return
        if state[:2] != self._seen[:2]:
            for key in sorted(self._announced, key=lambda key: self._announced[key].sequence):
                self._admit(key)
        self._seen = state
        self._rebuild()
        names.REPLICAS.clear()
        for bot in self.bots:
            names.REPLICAS.labels(bot).set(len(self._beats.taking(bot)))

    def _current(self, but: str = "") -> list[Contract]:
        """The contract of each bot by which its lines are read now."""
        bots = sorted({bot for bot, _ in self._admitted} - {but})
        return [self._local, *(contract for bot in bots if (contract := self.contract(bot)))]

    def _rebuild(self) -> None:
        wanted = self._current()
        if {contract.digest for contract in self.vocabulary.contracts} != {contract.digest for contract in wanted}:
            self.vocabulary = Vocabulary(wanted)
