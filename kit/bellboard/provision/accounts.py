"""Who may do what on the bus: its accounts, of any number of teams.

A team's streams belong to its account CORE. Each of its bots has an account of its own, without JetStream, that imports only
its own subjects: within one account a reply subject is not checked against permissions, so a bot could forge whatever it can
name. Teams import nothing of each other. Everything is an allow-list; nothing relies on a deny rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from .layout import DOOR, STREAMS, consumers_of, keep_of

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""What a bot or a team is called. No `_` is in it, so that names of accounts can't be taken for each other."""

GATEWAY = re.compile(r"gw-[1-9][0-9]*")
REAPER, PROVISIONER = "reaper", "provisioner"
TAKEN = frozenset(
    {REAPER, PROVISIONER, "gw", "gateway", "house", "nats", "nats-server", "nursery", "town", "bell", "core", "monitor"}
)
WRITTEN = ("prog", "blob", "lock", "req", "reg", "hb", "keep", "mark", "feed")
"""The first tokens of what a bot writes, each below its own name."""

FOLLOWED = ("LED", "PROG", "ROOM", "REG", "REQ", "TIMER")


def gateways(count: int) -> tuple[str, ...]:
    """The names of so many gateways, from gw-1 on."""
    return tuple(f"gw-{n}" for n in range(1, count + 1))


def reserved(name: str) -> bool:
    """Whether no bot may be called that."""
    return name in TAKEN or GATEWAY.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """What all streams of a team may take together: bytes on disk and in memory, every copy counted, and how many there are."""

    storage: int
    memory: int
    streams: int
    consumers: int

    def text(self) -> str:
        """As nats-server's configuration has it. There 0 bytes are none, and a negative number means no limit."""
        return (
            f"{{max_mem: {self.memory}, max_file: {self.storage}, "
            f"max_streams: {self.streams}, max_consumers: {self.consumers}}}"
        )


@dataclass(frozen=True, slots=True)
class Team:
    """A team's bus users.

    Attributes:
        users: the public nkeys of CORE's users (gateways, reaper, provisioner), by name.
        bots: the public nkeys of bots, by name.
        name: part of the accounts' names; empty where one machine runs everything for one team.
        limits: None leaves it all that the server has.
    """

    users: Mapping[str, str]
    bots: Mapping[str, str]
    name: str = ""
    limits: Limits | None = None

    @property
    def core(self) -> str:
        """The account of its streams."""
        return f"CORE_{self.name}" if self.name else "CORE"

    def account(self, bot: str) -> str:
        """The account of one of its bots."""
        return f"B_{self.name}_{bot}" if self.name else f"B_{bot}"


@dataclass(frozen=True, slots=True)
class Import:
    """A subject of CORE that a bot's account may publish to; ``stream`` if many answers may come."""

    subject: str
    stream: bool = False


def imports_of(bot: str) -> tuple[Import, ...]:
    """All that a bot may publish to."""
    consumers = [consumer.name for consumer in consumers_of(bot)]
    return (
        *(Import(f"$JS.API.CONSUMER.MSG.NEXT.LED.{name}", stream=True) for name in consumers),
        *(Import(f"$JS.ACK.LED.{name}.>") for name in consumers),
        *(Import(f"$JS.ACK.*.*.LED.{name}.>") for name in consumers),
        Import(f"led.*.{bot}.*.bot"),
        *(Import(f"{kind}.{bot}.>") for kind in WRITTEN),
        Import(f"$JS.API.DIRECT.GET.LED.led.*.{bot}.>"),
        Import(f"$JS.API.DIRECT.GET.LOCK.lock.{bot}.>"),
        Import("$JS.API.DIRECT.GET.BLOB.blob.gw.>"),
        Import(f"$JS.API.DIRECT.GET.BLOB.blob.{bot}.>"),
        *(Import(f"$JS.API.DIRECT.GET.{stream}", stream=True) for stream in (keep_of(bot).name, "MARK")),
        *(Import(f"$JS.API.DIRECT.GET.{stream}.>") for stream in (keep_of(bot).name, "MARK")),
    )


def heard_by(bot: str) -> str:
    """All that a bot may subscribe to, but for its own inboxes."""
    return f"ctl.{bot}.>"


def _reading(streams: Iterable[str]) -> list[str]:
    return [
        subject
        for stream in streams
        for subject in (f"$JS.API.DIRECT.GET.{stream}", f"$JS.API.DIRECT.GET.{stream}.>", f"$JS.API.STREAM.INFO.{stream}")
    ]


def _following(streams: Iterable[str]) -> list[str]:
    return [
        subject
        for stream in streams
        for subject in (f"$JS.API.CONSUMER.CREATE.{stream}.*", f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*")
    ]


def _acks(stream: str, consumer: str) -> list[str]:
    return [f"$JS.ACK.{stream}.{consumer}.>", f"$JS.ACK.*.*.{stream}.{consumer}.>"]


def _may_publish(user: str) -> list[str]:
    if GATEWAY.fullmatch(user):
        # The bot `house` runs inside the gateway.
        house = ["led.*.house.*.bot", *(f"{kind}.house.>" for kind in WRITTEN)]
        taken = [("REQ", DOOR), *((consumer.stream, consumer.name) for consumer in consumers_of("house"))]
        acks = [subject for stream, consumer in taken for subject in _acks(stream, consumer)]
        own = ["led.*.*.*.run", "led.*.*.*.gw", "room.>", "blob.gw.>", "ctl.>", "once.>", "hook.>", "tmr.>"]
        return [*own, *house, *_reading(stream.name for stream in (*STREAMS, keep_of("house"))), *_following(FOLLOWED), *acks]
    if user == REAPER:
        measuring = ["$JS.API.INFO", "$JS.API.STREAM.LIST"]
        return ["led.*.*.*.run", "led.*.*.*.reap", *_reading(("LED", "LOCK", "MARK")), *_following(("LED",)), *measuring]
    return [f"$JS.API.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "INFO")] + [
        f"$JS.API.CONSUMER.{verb}.>" for verb in ("CREATE", "DURABLE.CREATE", "INFO")
    ]


def _may_hear(user: str) -> list[str]:
    return {PROVISIONER: [], REAPER: ["hb.>"]}.get(user, ["hb.>", heard_by("house")])


def _user(nkey: str, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    allowed = {
        "nkey": nkey,
        "permissions": {
            "publish": {"allow": list(publish)},
            "subscribe": {"allow": [f"_INBOX_{nkey}.>", *subscribe]},
        },
    }
    return orjson.dumps(allowed).decode()


def _core(team: Team) -> Iterable[str]:
    yield f"  {team.core} {{"
    yield f"    jetstream: {team.limits.text() if team.limits else 'enabled'}"
    yield "    users: ["
    for name, nkey in team.users.items():
        yield f"      {_user(nkey, _may_publish(name), _may_hear(name))}"
    yield "    ]"
    yield "    exports: ["
    for bot in team.bots:
        for one in imports_of(bot):
            kind = "stream" if one.stream else "singleton"
            yield f'      {{service: "{one.subject}", response_type: {kind}, accounts: ["{team.account(bot)}"]}}'
        yield f'      {{stream: "{heard_by(bot)}", accounts: ["{team.account(bot)}"]}}'
    yield "    ]"
    yield "  }"


def _bot(team: Team, bot: str, nkey: str) -> Iterable[str]:
    publish = [one.subject for one in imports_of(bot)]
    yield f'  "{team.account(bot)}" {{'
    yield f"    users: [{_user(nkey, publish, [heard_by(bot)])}]"
    yield "    imports: ["
    for subject in publish:
        yield f'      {{service: {{account: {team.core}, subject: "{subject}"}}}}'
    yield f'      {{stream: {{account: {team.core}, subject: "{heard_by(bot)}"}}}}'
    yield "    ]"
    yield "  }"


def block(teams: Iterable[Team]) -> str:
    """The ``accounts { … }`` of a server's configuration. It holds public keys alone."""
    lines = ["accounts {"]
    for team in teams:
        lines += _core(team)
        lines += (line for bot, nkey in team.bots.items() for line in _bot(team, bot, nkey))
    return "\n".join([*lines, "}"]) + "\n"
