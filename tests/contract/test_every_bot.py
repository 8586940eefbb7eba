"""What every bot owes its users. Bots are found by their entry point, so a new one is checked because it is installed."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from bellboard.api.chat.v1.chat_pb2 import BlobRef
from bellboard.api.hooks.v1.hooks_pb2 import HookBatch, HookDelivery
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bot import Bot
from bellboard.command import Command, Kind
from bellboard.errors import ProviderError
from bellboard.feeds import Feeds
from bellboard.feeds.memory import MemoryFeeds
from bellboard.grammar import Vocabulary, stages
from bellboard.keep import Keep
from bellboard.keep.memory import MemoryKeep
from bellboard.marks import Marks, parse
from bellboard.marks.memory import MemoryMarks
from bellboard.providers import Providers
from bellboard.replies import table
from bellboard.settings import BotSettings, ServiceSettings
from bellboard.testing.talk import NOT_UNDERSTOOD, Said, Talk, TalkTo, settings_for
from bellboard_practice.bot import bot as practice
from tests.contract.behaviour import a_picture

ROOT = Path(__file__).parents[2]

SUMMARY = 60
"""Characters of a summary that fit beside a command in one line of help."""

SECRET = "hunter2"


@dataclass(frozen=True)
class Found:
    """A bot, and what stands beside it by convention: providers.py, settings.py, and a README above the package."""

    bot: Bot
    package: str

    @property
    def register(self) -> Callable[[Providers, Any], None]:
        return importlib.import_module(f"{self.package}.providers").register  # type: ignore[no-any-return]

    def settings(self, folder: Path) -> ServiceSettings:
        kind: type[ServiceSettings] = importlib.import_module(f"{self.package}.settings").Settings
        outside = {"practice_file": folder / "effects"} if self.bot is practice else {}
        if (example := self.above / "example.yaml").exists():
            outside[f"{self.bot.name}_file"] = example
        return settings_for(kind, **outside)

    @property
    def above(self) -> Path:
        """The folder that holds the package; an example.yaml in it is the bot's file."""
        return Path(inspect.getfile(importlib.import_module(self.package))).parent.parent

    @property
    def readme(self) -> str:
        return (self.above / "README.md").read_text()


def _found() -> list[Found]:
    bots: list[Bot] = [practice, *(point.load() for point in entry_points(group="bellboard.bots"))]
    return [Found(bot, next(iter(bot.handlers.values())).function.__module__.partition(".")[0]) for bot in bots]


CAME_IN = HookBatch(hook="any", format="generic", deliveries=[HookDelivery(sequence=1, body=b'{"title": "a test"}')])
BOTS = _found()
COMMANDS = [(found, command) for found in BOTS for command in found.bot.contract.commands]
each_bot = pytest.mark.parametrize("found", BOTS, ids=lambda found: found.bot.name)
each_command = pytest.mark.parametrize(("found", "command"), COMMANDS, ids=lambda value: getattr(value, "action", ""))

NEEDY = [(found, command) for found, command in COMMANDS if found.bot.handlers[command.method].provided]
each_needy_command = pytest.mark.parametrize(("found", "command"), NEEDY, ids=lambda value: getattr(value, "action", ""))
PLAIN = [(found, command) for found, command in COMMANDS if all(a.kind is not Kind.REST for a in command.arguments)]
TYPED = [(found, command) for found, command in COMMANDS if not command.internal]
each_typed_command = pytest.mark.parametrize(("found", "command"), TYPED, ids=lambda value: getattr(value, "action", ""))
each_plain_command = pytest.mark.parametrize(("found", "command"), PLAIN, ids=lambda value: getattr(value, "action", ""))


@pytest.fixture
def meet(talk_to: TalkTo, tmp_path: Path) -> Callable[[Found], Talk]:
    """Talk to a bot that was found."""
    return lambda found: talk_to(found.bot, found.register, found.settings(tmp_path))


def test_the_bots_are_found() -> None:
    """The suite is of no use if it finds nobody."""
    assert {"memes", "practice"} <= {found.bot.name for found in BOTS}


@each_bot
def test_every_method_is_implemented_and_nothing_else(found: Found) -> None:
    """A method without a handler, or the other way round, never starts."""
    found.bot.check()

    assert len(found.bot.handlers) >= len(found.bot.contract.commands)


@each_bot
def test_the_bot_fits_a_line_of_help(found: Found) -> None:
    """So does everything that it says of itself."""
    assert 0 < len(found.bot.contract.summary) <= SUMMARY


@each_command
def test_the_command_fits_a_line_of_help(found: Found, command: Command) -> None:
    """A summary is short, begins small and ends without a full stop; each argument has its help."""
    assert 0 < len(command.summary) <= SUMMARY
    assert command.summary[0].islower()
    assert not command.summary.endswith(".")
    assert all(argument.help for argument in command.arguments)


@each_command
def test_the_docstring_says_what_help_says(found: Found, command: Command) -> None:
    """Whoever reads the code reads the same as whoever asks for help."""
    handler = found.bot.handlers[command.method]
    first = (inspect.getdoc(handler.function) or "").partition("\n")[0]

    assert first.lower().startswith(command.summary.lower())


@each_command
def test_every_example_parses(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """Help that does not work is worse than none."""
    vocabulary = Vocabulary([found.bot.contract])

    assert command.examples
    for example in command.examples:
        *before, line = stages(example)
        assert vocabulary.parse(line, _Everything(), piped=bool(before)).command is command


@each_typed_command
async def test_the_first_example_works(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """On what comes with the bot: no account, no network. Where that has to be set up, or nothing has that id, it says so."""
    said = await say(meet(found), command)

    assert said.state == "SUCCEEDED" or _rightly_refused(command, said), said.blocks
    assert said.blocks


@each_typed_command
async def test_a_preview_is_given_where_it_is_promised(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """And nowhere else. At the end of words for people a question mark is one of theirs."""
    said = await say(meet(found), command, " ?")

    if command.dry_run:
        assert said.state == "SUCCEEDED" or _rightly_refused(command, said)
    elif command.effect != options.EFFECT_READ and all(a.kind is not Kind.REST for a in command.arguments):
        assert said.state in ("FAILED", NOT_UNDERSTOOD)


@each_bot
async def test_every_provider_comes_with_the_bot(found: Found, tmp_path: Path) -> None:
    """With no settings but the bus's own, everything that handlers need can be made, and is well."""
    async with Providers() as providers:
        providers.register(Keep, MemoryKeep)
        providers.rehearse(Keep, MemoryKeep)
        providers.register(Marks, lambda: MemoryMarks(found.bot.name))
        providers.rehearse(Marks, lambda: MemoryMarks(found.bot.name))
        providers.register(Feeds, MemoryFeeds)
        providers.rehearse(Feeds, MemoryFeeds)
        await providers.start((Keep, Marks, Feeds))
        found.register(providers, found.settings(tmp_path))
        await providers.start(found.bot.needs)

        assert await providers.ping() == {}


@each_command
async def test_unknown_words_get_a_helpful_reply(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """A slip of the finger in the phrase is answered with the phrase."""
    slip = command.name[:-1] + ("q" if command.name[-1] != "q" else "w")
    said = await meet(found)(f"{slip} --no-such-flag 1")

    assert said.state == NOT_UNDERSTOOD
    assert said.failure.hint


@each_plain_command
async def test_an_unknown_flag_is_named(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """The line was nearly right."""
    said = await say(meet(found), command, " --no-such-flag")

    assert said.state == NOT_UNDERSTOOD
    assert "no-such-flag" in said.failure.text


@each_needy_command
@pytest.mark.parametrize("error", [RuntimeError(f"password={SECRET}"), OSError(SECRET), KeyError(SECRET)], ids=repr)
async def test_a_broken_provider_is_told_politely(
    found: Found, command: Command, meet: Callable[[Found], Talk], error: Exception
) -> None:
    """A short cause and the trace; nothing of the error's own text."""
    said = await _broken(meet(found), found, command, error)

    assert said.state == ("UNKNOWN" if command.effect == options.EFFECT_ONCE else "FAILED")
    assert said.failure.trace_id == said.trace_id
    assert said.failure.text
    assert said.failure.hint
    assert SECRET not in f"{said}"


@each_needy_command
async def test_a_provider_that_says_no_is_quoted(found: Found, command: Command, meet: Callable[[Found], Talk]) -> None:
    """What a provider raises for people to read is what they read."""
    said = await _broken(meet(found), found, command, ProviderError("the store is closed", hint="it opens at nine"))

    assert (said.failure.text, said.failure.hint) == ("the store is closed", "it opens at nine")


@each_command
def test_the_readme_lists_the_command(found: Found, command: Command) -> None:
    """By its phrase, in the table of commands."""
    assert f"| `{command.name}" in found.readme


@each_bot
def test_the_readme_lists_the_settings(found: Found, tmp_path: Path) -> None:
    """Those that are the bot's own."""
    own = set(type(found.settings(tmp_path)).model_fields) - set(BotSettings.model_fields)

    assert [name for name in own if f"`BELLBOARD_{name.upper()}`" not in found.readme] == []


@each_bot
def test_the_readme_says_what_may_be_needed(found: Found) -> None:
    """Commands, settings, permissions: in every bot's README."""
    assert [part for part in ("## Commands", "## Settings", "## Permissions") if part not in found.readme] == []


@each_bot
def test_a_bot_of_ours_is_found_where_people_look(found: Found) -> None:
    """In the table of README and in the chart's values. Others' bots, and the tests' own, need not be."""
    if found.above.parent != ROOT / "services":
        return
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| {found.bot.name} |")]
    assert len(rows) == 1
    values = yaml.safe_load((ROOT / "helm" / "bellboard" / "values.yaml").read_text())
    assert found.bot.name in values["defaults"]["bots"]


@each_bot
def test_the_commands_are_read_in_one_sitting(found: Found) -> None:
    """bot.py has at most 120 lines."""
    source = inspect.getsource(importlib.import_module(f"{found.package}.bot"))

    assert len(source.splitlines()) <= 120


async def say(talk: Talk, command: Command, more: str = "") -> Said:
    """Say a command's first example, with a picture; behind a pipe with a table, and with what came in at a webhook."""
    *before, line = stages(command.examples[0])
    piped = table(["name", "count"], [("a", 1), ("b", 2)]).table if before else None
    return await talk(line + more, upload=a_picture(), table=piped, batch=CAME_IN if command.hook else None)


def _rightly_refused(command: Command, said: Said) -> bool:
    """Whether a line failed for want of what it names by an id, or of a setting; and says what to do."""
    names_an_id = any(parse(word) for word in command.examples[0].split())
    return said.state == "FAILED" and (bool(names_an_id and said.failure.hint) or "BELLBOARD_" in said.failure.hint)


class _Broken:
    """A provider of which everything fails in the same way, and so do its parts."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> _Broken:
        return _Broken(self._error)

    def _fail(self, *_: object, **__: object) -> NoReturn:
        raise self._error

    __call__ = __getitem__ = __contains__ = __iter__ = __len__ = _fail


async def _broken(talk: Talk, found: Found, command: Command, error: Exception) -> Said:
    for kind in found.bot.needs:
        talk.provide(kind, _Broken(error))
    return await say(talk, command)


class _Everything:
    """A scope in which every name means itself, and there always is a picture."""

    def person(self, word: str) -> str | None:
        return word

    def room(self, word: str) -> str | None:
        return word

    def now(self) -> datetime:
        return datetime.now(UTC)

    def picture(self, word: str = "") -> Any:
        return BlobRef(owner="gw", sha256="0" * 64, media_type="image/png", size=1)
