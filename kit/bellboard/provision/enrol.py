"""Which bots may be on the bus: enrolled.yaml, one entry a bot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from google.protobuf import json_format

from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import SettingsError

from . import keys
from .accounts import NAME, reserved

HOUSE = "house"
HEADER = "# Written by `bell bot enrol`. What each bot may be: its proto package, first words and effects.\n"


def read(path: Path) -> list[registry.Enrolment]:
    """Every enrolment, in the order of the file.

    Raises:
        SettingsError: the file can't be read or is not what it should be.
    """
    try:
        entries = yaml.safe_load(path.read_text())["bots"]
        return [json_format.ParseDict(entry, registry.Enrolment()) for entry in entries]
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, json_format.ParseError, KeyError, TypeError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path} is not a list of bots: {reason}") from error


def text(enrolments: Iterable[registry.Enrolment]) -> str:
    """The file's text."""
    entries = [json_format.MessageToDict(one, preserving_proto_field_name=True) for one in enrolments]
    return HEADER + yaml.safe_dump({"bots": entries}, sort_keys=False, allow_unicode=True)


def write(path: Path, enrolments: Iterable[registry.Enrolment]) -> None:
    keys.write(path, text(enrolments), 0o644)


def enrolment(
    bot: str,
    *,
    module: str,
    package: str,
    phrases: Sequence[str],
    effects: Sequence[options.Effect.ValueType],
    open: bool = False,
) -> registry.Enrolment:
    """What a bot may be; its keys are added by the house.

    Raises:
        SettingsError: the name is no name, or taken.
    """
    if not NAME.fullmatch(bot):
        raise SettingsError(f"{bot!r} is no name for a bot", hint="lower case letters, digits and dashes, 31 at most")
    if reserved(bot):
        raise SettingsError(f"the name {bot} is taken by Bellboard itself")
    return registry.Enrolment(bot=bot, module=module, package=package, phrases=phrases, effects=effects, open=open)


def house() -> registry.Enrolment:
    """The enrolment of the bot that runs inside the gateway: always there, and without a bus user of its own."""
    service = house_pb2.DESCRIPTOR.services_by_name["HouseService"]
    commands = [method.GetOptions().Extensions[options.command] for method in service.methods]
    commands = [command for command in commands if command.phrase]
    phrases = {word.split()[0]: None for command in commands for word in (command.phrase, *command.aliases)}
    return registry.Enrolment(
        bot=HOUSE,
        package=house_pb2.DESCRIPTOR.package,
        phrases=list(phrases),
        effects=sorted({command.effect for command in commands}),
        open=True,
    )
