"""The commands of `bell`. Each imports what it needs when it is called, so that none waits for the others' imports."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bellboard.errors import BellboardError, SettingsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Start Bellboard, speak to it, look after it.",
)
bot = typer.Typer(no_args_is_help=True, help="Say which bots there are.")
app.add_typer(bot, name="bot")

Data = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="BELLBOARD_DATA")]
Url = Annotated[
    str, typer.Option("--url", help="A gateway of elsewhere, such as http://127.0.0.1:9090.", envvar="BELLBOARD_URL")
]
Token = Annotated[
    Path | None, typer.Option("--token-file", help="The file with your token there.", envvar="BELLBOARD_TOKEN_FILE")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FOLDER = Path(".bellboard")
T = TypeVar("T")


@app.command()
def up(
    data: Data = FOLDER,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where the page is; 0 for any. The same as last time without.")
    ] = None,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox/--no-sandbox", help="With the sandbox, a small production to practise on."),
    ] = True,
) -> None:
    """Start everything, and keep it alive until Ctrl-C."""
    from .up import up

    raise typer.Exit(_plainly(partial(up, data, port, sandbox=sandbox)))


@app.command()
def say(
    line: Annotated[str, typer.Argument(help="What to say, such as: meme list")],
    data: Data = FOLDER,
    room: Annotated[str, typer.Option(help="Where to say it.")] = "general",
    as_person: Annotated[str, typer.Option("--as", help="On whose behalf; for the local owner only.")] = "",
    json: Json = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="How many seconds to wait for the end of it.")] = 60.0,
    url: Url = "",
    token_file: Token = None,
) -> None:
    """Say a line, and show what becomes of it.

    Exit: 0 succeeded, 1 failed, 2 not understood or denied, 3 unknown, 4 expired or no bot, 5 cancelled or rejected,
    6 not final in time.
    """
    from .runfile import find
    from .say import Line, say
    from .tell import ForPeople, ForPrograms

    def run() -> int:
        found = find(data, url, token_file)
        tell = ForPrograms() if json else ForPeople(found().blob_url)
        return asyncio.run(say(found, Line(line, room, as_person, timeout), tell))

    raise typer.Exit(_plainly(run))


@app.command()
def commands(
    data: Data = FOLDER,
    room: Annotated[str, typer.Option(help="In which room.")] = "general",
    json: Json = False,
    url: Url = "",
    token_file: Token = None,
) -> None:
    """List the commands you may run."""
    from .runfile import find
    from .status import commands

    _plainly(lambda: asyncio.run(commands(find(data, url, token_file), room, as_json=json)))


@app.command()
def status(data: Data = FOLDER, json: Json = False, url: Url = "", token_file: Token = None) -> None:
    """Show the bots, their replicas, and what waits."""
    from .runfile import find
    from .status import status

    _plainly(lambda: asyncio.run(status(find(data, url, token_file), as_json=json)))


@app.command()
def doctor(
    data: Data = FOLDER,
    kube: Annotated[bool, typer.Option("--kube", help="Look at a release of the chart in a cluster instead.")] = False,
    release: Annotated[str, typer.Option(help="With --kube: the release's name.")] = "bellboard",
    namespace: Annotated[str, typer.Option(help="With --kube: the release's own namespace.")] = "bellboard",
    context: Annotated[str, typer.Option(help="With --kube: the kubeconfig's context, if not its current one.")] = "",
) -> None:
    """Find what is wrong, and say what to do about it, in one line each."""
    if kube:
        raise typer.Exit(_plainly(lambda: _doctor_kube(namespace, release, context)))
    from .doctor import doctor

    raise typer.Exit(_plainly(lambda: asyncio.run(doctor(data))))


def _doctor_kube(namespace: str, release: str, context: str) -> int:
    try:
        from .cluster.doctor import doctor
    except ModuleNotFoundError as error:
        raise SettingsError(f"{error.name} is not installed", hint="pip install 'bellboard-cli[kube]'") from None
    return asyncio.run(doctor(namespace, release, context))


@app.command()
def hooks(
    name: Annotated[str, typer.Argument(help="Only what to write into the program that calls this one.")] = "",
    data: Data = FOLDER,
    json: Json = False,
) -> None:
    """Show where programs such as Alertmanager bring what happened, and how; with their secrets."""
    from .hooks import hooks

    _plainly(lambda: hooks(data, name, as_json=json))


@app.command()
def trace(
    id: Annotated[str, typer.Argument(help="A command's id, or the beginning of it.")],
    data: Data = FOLDER,
    url: Url = "",
    token_file: Token = None,
) -> None:
    """List the spans of a command."""
    from .runfile import find
    from .trace import trace

    _plainly(lambda: asyncio.run(trace(find(data, url, token_file), id)))


@bot.command()
def enrol(
    name: Annotated[str, typer.Argument(help="The bot's name.")],
    module: Annotated[str, typer.Option(help="Its Python module; found by its entry point without.")] = "",
    open_: Annotated[bool, typer.Option("--open/--closed", help="Whether everyone may run its READ commands.")] = False,
    data: Data = FOLDER,
) -> None:
    """Admit a bot: give it an account on the bus, and start it with the others."""
    from .bots import enrol

    print(_plainly(lambda: enrol(data, name, module=module, open=open_)))


@app.command("new-bot")
def new_bot(
    name: Annotated[str, typer.Argument(help="The bot's name, such as weather.")],
    into: Annotated[Path | None, typer.Option(help="The folder in which to make it.")] = None,
) -> None:
    """Make a bot, with a contract, one command, and tests that pass."""
    from .bots import new_bot

    print(_plainly(lambda: new_bot(name, into)))


def _plainly(work: Callable[[], T]) -> T:
    """Do the work; what goes wrong is said in one line, without a traceback."""
    try:
        return work()
    except BellboardError as error:
        print(f"bell: {error.text}" + (f"; {error.hint}" if error.hint else ""), file=sys.stderr)
    except OSError as error:
        what = (f"{error.filename}: " if error.filename else "") + (error.strerror or str(error))
        elsewhere = "choose a place that you may write to" if error.filename else "bell doctor may tell why"
        remedy = "make room on the disk" if error.errno == ENOSPC else elsewhere
        print(f"bell: {what}; {remedy}", file=sys.stderr)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(1)
