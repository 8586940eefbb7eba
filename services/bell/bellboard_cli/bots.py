"""`bell bot enrol` and `bell new-bot`: bots are admitted once, and made from a pattern."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import UserError
from bellboard.provision import House, HouseError
from bellboard.provision.enrol import enrolment

from .town import SANDBOX

if TYPE_CHECKING:
    from bellboard.bot import Bot

OWN = ("memes", SANDBOX, "deploy", "logs", "graphs", "oncall", "incidents")
"""The bots that come with Bellboard, which `bell up` enrols by itself where they are installed."""


def enrol_own(house: House, *, sandbox: bool) -> list[str]:
    """Enrol our own bots in a house that is made, as their contracts are now. Why others were left out, in a line each.

    Whether a bot is open, and which first words somebody else's bot has, is left as it is. ``sandbox`` says whether to enrol
    that bot too where it is not yet.
    """
    known = {one.bot: one for one in house.enrolments()}
    installed = {point.name for point in entry_points(group="bellboard.bots")}
    left_out = []
    for name in OWN:
        if name not in installed or (name == SANDBOX and not sandbox and name not in known):
            continue
        wanted = own(name)
        try:
            if (is_known := known.get(name)) is None:
                house.enrol(wanted)
            elif is_known.module == wanted.module and (is_known.phrases, is_known.effects) != (wanted.phrases, wanted.effects):
                wanted.open = is_known.open
                house.enrol(wanted)
        except HouseError as error:
            left_out.append(f"the bot {name} is left as it is: {error.text}")
    return left_out


def own(name: str) -> registry.Enrolment:
    """What one of our own bots asks to be, by its contract alone: nothing of the bot is imported."""
    file = importlib.import_module(f"bellboard.api.{name}.v1.{name}_pb2").DESCRIPTOR
    (service,) = file.services_by_name.values()
    commands = [method.GetOptions().Extensions[options.command] for method in service.methods]
    commands = [command for command in commands if command.phrase]
    phrases = {words.split()[0]: None for command in commands for words in (command.phrase, *command.aliases)}
    return enrolment(
        name,
        module=f"bellboard_{name}",
        package=file.package,
        phrases=list(phrases),
        effects=sorted({command.effect for command in commands}),
        open=True,
    )


def enrol(folder: Path, name: str, *, module: str, open: bool) -> str:
    """Admit a bot to the house in ``folder``, which is made if need be; a mesh that runs there starts it by itself.

    Raises:
        UserError: there is no such bot here.
        HouseError: another bot owns one of its phrases, or the folder can't be used.
    """
    wanted = describe(name, module or module_of(name), open=open)
    house = House(folder)
    house.make()
    enrol_own(house, sandbox=False)
    house.enrol(wanted)
    effects = ", ".join(options.Effect.Name(effect).removeprefix("EFFECT_") for effect in wanted.effects)
    return f"{name} is enrolled in {folder}: first words {', '.join(wanted.phrases)}; effects {effects}"


def describe(name: str, module: str, *, open: bool) -> registry.Enrolment:
    """What a bot asks to be, by its contract."""
    contract = load(module).contract
    if contract.bot != name:
        raise UserError(f"{module} is the bot {contract.bot}, not {name}")
    phrases = {phrase[0]: None for command in contract.commands for phrase in (command.phrase, *command.aliases)}
    return enrolment(
        name,
        module=module,
        package=contract.service.rpartition(".")[0],
        phrases=list(phrases),
        effects=sorted({command.effect for command in contract.commands}),
        open=open,
    )


def load(module: str) -> Bot:
    """The bot that a package's module `bot` declares. Raises UserError."""
    try:
        bot = importlib.import_module(f"{module}.bot").bot
    except ModuleNotFoundError as error:
        raise UserError(f"there is no module {error.name}", hint="install it, or name its folder in PYTHONPATH") from None
    except AttributeError:
        raise UserError(f"{module}.bot declares no bot", hint="it has to hold: bot = Bot(...)") from None
    from bellboard.bot import Bot  # only enrolling needs it, and `bell up` seldom enrols

    if not isinstance(bot, Bot):
        raise UserError(f"{module}.bot.bot is no Bot")
    return bot


def module_of(name: str) -> str:
    """The module of an installed bot. Raises UserError."""
    installed = {point.name: point for point in entry_points(group="bellboard.bots")}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise UserError(f"no bot {name} is installed", hint=f"installed are: {known}; or say --module")
    return installed[name].module.removesuffix(".bot")


def new_bot(name: str, into: Path | None) -> str:
    """Make a bot: under `services` in a checkout of Bellboard, else here.

    Raises:
        UserError: the name is none, or taken.
        Failed: the compiler for contracts is not installed.
    """
    from bellboard.scaffold import make_bot  # it is the only command that needs it

    checkout = Path("services").is_dir() and Path("kit").is_dir()
    folder = make_bot(name, into or Path("services" if checkout else "."))
    return f"""{folder} holds a bot with a contract, one command, and tests that pass.
test it:   python -m pytest {folder}
admit it:  pip install --no-deps -e {folder} && bell bot enrol {name} --open"""
