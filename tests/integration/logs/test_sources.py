"""What every source of lines owes: one suite, against the embedded store, journald, and doubles of the others' servers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from bellboard import ProviderError, SettingsError
from bellboard_logs.choice import Choice, Elasticsearch, Journald, Kubernetes, Loki, load
from bellboard_logs.entries import ERROR, INFO, WARNING, Entry
from bellboard_logs.providers import LogSource
from bellboard_logs.sources import Routed
from bellboard_logs.store import Stored, Writer
from bellboard_logs.store.reader import Reader
from tests.integration.kube import api as kube
from tests.integration.logs.conftest import NOW, asked
from tests.integration.logs.doubles import ElasticsearchDouble, LokiDouble, logged, served, speaking

JOURNAL = Path("/lib/systemd/systemd-journal-remote")
NOWHERE = cast(LogSource, None)
"""Stands for the embedded store where it is not looked into."""

BEGUN = float(int(NOW) - 1000)


def line(at: int, message: str, level: int = INFO, app: str = "shop") -> Entry:
    return Entry(BEGUN + at, level, app, message, replica="web-1")


LINES = (
    line(0, "order 1 placed"),
    line(10, "order 2 placed"),
    line(20, "payment token mismatch for order 3", ERROR),
    line(30, "stock answered late: 900ms", WARNING),
    line(35, "token of another app", app="other"),
    line(40, "order 4 placed"),
)


@asynccontextmanager
async def embedded(folder: Path, lines: Sequence[Entry]) -> AsyncIterator[LogSource]:
    async with Writer(folder / "lines.db") as writer:
        reader = Reader(folder / "lines.db")
        await writer.write(lines)
        yield Stored(writer, reader)
        await reader.close()


@asynccontextmanager
async def journald(folder: Path, lines: Sequence[Entry]) -> AsyncIterator[LogSource]:
    if not JOURNAL.exists() or not shutil.which("journalctl"):
        pytest.skip("no systemd-journal-remote here")
    priority = {INFO: 6, WARNING: 4, ERROR: 3}
    exported = "".join(
        f"__REALTIME_TIMESTAMP={int(entry.at * 1e6)}\n__MONOTONIC_TIMESTAMP={int((entry.at - BEGUN + 1) * 1e6)}\n"
        f"_BOOT_ID={'a' * 32}\n_HOSTNAME=web-1\nSYSLOG_IDENTIFIER={entry.app}\nPRIORITY={priority[entry.level]}\n"
        f"MESSAGE={entry.message}\n\n"
        for entry in lines
    )
    file = folder / "shop.journal"
    subprocess.run([str(JOURNAL), f"--output={file}", "-"], input=exported.encode(), check=True, capture_output=True)
    async with Choice(journald=Journald(file=file)).open(NOWHERE) as source:
        yield source


@asynccontextmanager
async def loki(folder: Path, lines: Sequence[Entry]) -> AsyncIterator[LogSource]:
    async with served(LokiDouble(lines).routes()) as url, Choice(loki=Loki(url=url)).open(NOWHERE) as source:
        yield source


@asynccontextmanager
async def elasticsearch(folder: Path, lines: Sequence[Entry]) -> AsyncIterator[LogSource]:
    async with (
        served(ElasticsearchDouble(lines).routes()) as url,
        Choice(elasticsearch=Elasticsearch(url=url)).open(NOWHERE) as source,
    ):
        yield source


@asynccontextmanager
async def kubernetes(folder: Path, lines: Sequence[Entry]) -> AsyncIterator[LogSource]:
    async with kube.served(folder) as api:
        api.script(kube.POD, kube.pods(speaking("web-1", "shop"), speaking("web-2", "other")))
        for pod, app in (("web-1", "shop"), ("web-2", "other")):
            api.script(f"{kube.POD}/{pod}/log", logged(*(entry for entry in lines if entry.app == app)))
        async with Choice(kubernetes=Kubernetes(kubeconfig=api.kubeconfig())).open(NOWHERE) as source:
            yield source


@pytest.fixture(params=[embedded, journald, loki, elasticsearch, kubernetes], ids=lambda made: str(made.__name__))
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogSource]:
    """A source that holds `LINES`."""
    async with request.param(tmp_path, LINES) as made:
        yield made


async def found(source: LogSource, *words: str, level: int = 0, start: float = 0, end: float = 1000) -> list[str]:
    query = asked(*words, level=level, start=BEGUN + start, end=BEGUN + end)
    return [entry.message for entry in (await source.search(query, limit=100)).entries]


async def test_lines_come_in_order_with_all_that_is_known(source: LogSource) -> None:
    """Only those of the app."""
    assert await found(source) == [entry.message for entry in LINES if entry.app == "shop"]

    (entry,) = (await source.search(asked("mismatch", start=BEGUN, end=NOW), limit=100)).entries
    assert (entry.at, entry.level, entry.app, entry.replica) == (BEGUN + 20, ERROR, "shop", "web-1")


@pytest.mark.parametrize(
    "words",
    [
        ["token"],
        ["MISMATCH"],
        ["mism*"],
        ["token mismatch"],
        ["error"],
        ["/tok[a-z]+", "mis/"],
        ["/PAYMENT/i"],
        ["token", "/r 3/"],
    ],
    ids=" ".join,
)
async def test_the_error_is_found(source: LogSource, words: list[str]) -> None:
    """By word, prefix, phrase, level and regular expression."""
    assert await found(source, *words) == ["payment token mismatch for order 3"]


@pytest.mark.parametrize("typed", ["toke", "mismatch token", "critical", "/^token/", '" OR 1=1', "-x*", "a|b", "shop} |= x"])
async def test_nothing_else_is_found(source: LogSource, typed: str) -> None:
    """Whatever it may mean in the source's own language."""
    assert await found(source, typed) == []


async def test_the_newest_are_kept_where_there_are_too_many(source: LogSource) -> None:
    """In order of time all the same."""
    query = asked(start=BEGUN, end=NOW)

    assert [entry.message for entry in (await source.search(query, limit=1)).entries] == ["order 4 placed"]


async def test_level_and_time_narrow_it_down(source: LogSource) -> None:
    """A level and all that is worse; the end is not in the range."""
    assert await found(source, level=WARNING) == ["payment token mismatch for order 3", "stock answered late: 900ms"]
    assert await found(source, start=10, end=30) == ["order 2 placed", "payment token mismatch for order 3"]


async def test_lines_are_counted(source: LogSource) -> None:
    """By level and by pattern."""
    query = asked(start=BEGUN, end=NOW)

    assert dict(await source.count(query, "level")) == {"info": 3, "warning": 1, "error": 1}
    assert (await source.count(query, "pattern"))[0] == ("order <*> placed", 3)


async def test_new_patterns_are_told(source: LogSource) -> None:
    """Those that were not there before the range."""
    new = await source.patterns(asked(start=BEGUN + 15, end=BEGUN + 50), new=True)

    assert [pattern.template for pattern in new] == ["payment token mismatch for order <*>", "stock answered late: <*>"]


async def test_neighbours_are_given(source: LogSource) -> None:
    """Before and after."""
    query = asked("mismatch", start=BEGUN, end=NOW)
    (entry,) = (await source.search(query, limit=10)).entries

    before, after = await source.beside(query, entry, 1)

    assert [other.message for other in (*before, *after)] == ["order 2 placed", "stock answered late: 900ms"]


@pytest.mark.parametrize("app", ['shop"} or {app="other', "--file=/etc/passwd", "../other", "shop; id", "%s"])
async def test_an_app_is_only_a_name(source: LogSource, app: str) -> None:
    """It is found or not, and nothing else comes of it."""
    assert not (await source.search(asked(app=app, start=BEGUN, end=NOW), limit=10)).entries


async def test_it_is_well(source: LogSource) -> None:
    """And says so."""
    await source.ping()


async def test_a_server_that_is_away_is_told_of() -> None:
    """By its name, without its address."""
    async with Choice(loki=Loki(url="http://127.0.0.1:9")).open(NOWHERE) as source:
        with pytest.raises(ProviderError, match="Loki can't be reached"):
            await source.ping()


async def test_each_app_is_asked_for_where_it_is(tmp_path: Path) -> None:
    """The first choice that fits; the embedded store for the rest."""
    file = tmp_path / "logs.yaml"
    file.write_text("sources:\n- {env: prod, app: 'shop*', journald: {program: /bin/false}}\n")
    routes = load(file)
    async with embedded(tmp_path, LINES) as stored, routes.choices[0].open(stored) as other:
        routed = Routed(routes, {routes.choices[0]: other, routes.choices[1]: stored})

        assert (await routed.search(asked("mismatch"), limit=1)).total == 1
        assert routes.choose("prod", "shop-web") is routes.choices[0]


@pytest.mark.parametrize(
    "text", ["sources: [{}]", "sources: [{loki: {url: x}}]", "nonsense: 1", "{", "sources: [{journald: {}, loki: {}}]"]
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    """At start, with its name."""
    file = tmp_path / "logs.yaml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=r"logs\.yaml"):
        load(file)
