"""The embedded store of metrics: what it makes of counters, what it forgets, and what a crash costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bellboard.ranges import Span
from bellboard_graphs.catalogue import Catalogue
from bellboard_graphs.embedded import FILE, EmbeddedSource
from bellboard_graphs.store import Sample, Store

BEGIN = 1_795_000_000.0

WRITER = """
import sys
from pathlib import Path
from bellboard_graphs.store import Sample, Store
store = Store(Path(sys.argv[1]))
for i in range(1_000_000):
    labels = (("app", "shop"), ("version", "v1"))
    store.add("sandbox", 1_795_000_000.0 + i, [Sample("http_requests_total", labels, float(i), True)] * 1)
    print(i, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / FILE)


def counter(value: float, *, code: str = "200", version: str = "v1") -> Sample:
    """One value of the counter of requests."""
    return Sample("http_requests_total", (("app", "shop"), ("code", code), ("version", version)), value, True)


async def drawn(
    store: Store, name: str, seconds: float, step: float, by: str = "", app: str = "shop"
) -> dict[str, list[float | None]]:
    """What the catalogue's name gives from the beginning on, by label."""
    source = EmbeddedSource(store, {"sandbox": step / 2})
    wanted = Catalogue.read(None).want(name, app, by)
    lines = await source.series(wanted, Span(BEGIN, BEGIN + seconds, ""), step)
    return {line.label: list(line.values) for line in lines}


async def test_a_rate_goes_through_a_reset(store: Store) -> None:
    """A counter that begins anew at 0 has not gone back."""
    for i, value in enumerate([100, 120, 140, 10, 30, 50]):
        store.add("sandbox", BEGIN + i * 10, [counter(value)])

    assert await drawn(store, "rps", 60, 10) == {"": [None, 2.0, 2.0, 1.0, 2.0, 2.0]}


async def test_a_counter_that_is_born_meanwhile_began_at_zero(store: Store) -> None:
    """The first failures of a version are not lost."""
    store.add("sandbox", BEGIN + 5, [counter(10)])
    store.add("sandbox", BEGIN + 15, [counter(15), counter(5, code="500")])

    assert await drawn(store, "errors", 20, 10) == {"": [None, 50.0]}


async def test_one_that_was_only_away_did_not_begin_anew(store: Store) -> None:
    """A target that missed a round goes on where it was."""
    for i, samples in enumerate([[counter(100)], [], [counter(120)]]):
        store.add("sandbox", BEGIN + 5 + i * 10, samples)

    assert await drawn(store, "rps", 30, 10) == {"": [None, None, 2.0]}


async def test_services_that_ask_each_other_are_not_added_up(store: Store) -> None:
    """Each has its line; one alone is the app's."""
    for i in range(3):
        shop = [
            Sample("http_requests_total", (("app", "shop"), ("code", "200"), ("service", name)), value, True)
            for name, value in (("web", i * 20.0), ("stock", i * 10.0))
        ]
        mail = Sample("http_requests_total", (("app", "mail"), ("code", "200"), ("service", "smtp")), i * 30.0, True)
        store.add("sandbox", BEGIN + i * 10, [*shop, mail])

    assert await drawn(store, "rps", 30, 10) == {"stock": [None, 1.0, 1.0], "web": [None, 2.0, 2.0]}
    assert await drawn(store, "rps", 30, 10, app="mail") == {"": [None, 3.0, 3.0]}


async def test_a_share_is_told_apart_by_a_label(store: Store) -> None:
    """A version that fails a quarter, and one that fails nothing."""
    for i in range(4):
        samples = [counter(i * 100), counter(i * 75, version="v2"), counter(i * 25, version="v2", code="503")]
        store.add("sandbox", BEGIN + i * 10, samples)

    assert await drawn(store, "errors", 40, 10, by="version") == {"v1": [None, 0, 0, 0], "v2": [None, 25, 25, 25]}


async def test_a_quantile_comes_out_of_buckets(store: Store) -> None:
    """By straight lines within them."""
    for i in range(3):
        heights = {"0.1": 50 * i, "0.2": 100 * i, "+Inf": 100 * i}
        samples = [
            Sample("http_request_duration_seconds_bucket", (("app", "shop"), ("le", edge)), height, True)
            for edge, height in heights.items()
        ]
        store.add("sandbox", BEGIN + i * 10, samples)

    (values,) = (await drawn(store, "latency", 30, 10)).values()
    assert values == [None, pytest.approx(0.19), pytest.approx(0.19)]


async def test_gauges_are_added_up(store: Store) -> None:
    """The last value of each, and a gap where there was none."""
    for i in (0, 1, 3):
        samples = [
            Sample("process_resident_memory_bytes", (("app", "shop"), ("replica", name)), 10.0 + i, False) for name in "ab"
        ]
        store.add("sandbox", BEGIN + i * 10, samples)

    assert await drawn(store, "memory", 40, 10) == {"": [20, 22, None, 26]}


def test_the_old_is_forgotten(store: Store) -> None:
    """By age; a series without samples goes too."""
    store.add("sandbox", BEGIN, [counter(1, version="v0")])
    store.add("sandbox", BEGIN + 100, [counter(2)])
    store.prune(BEGIN + 50, 2**30)

    assert [known.labels["version"] for known in store.find("http_requests_total", "shop", ["sandbox"])] == ["v1"]


def test_the_oldest_is_forgotten_when_there_is_too_much(store: Store) -> None:
    """Until the file is small enough; the newest stays."""
    for i in range(200):
        store.add("sandbox", BEGIN + i, [counter(i, version=f"v{n}") for n in range(100)])
    least = store.size
    store.prune(0, least // 2)

    assert store.size <= least // 2
    assert store.lasts(1, BEGIN + 190, 10, 1) == {0: 199}
    assert store.lasts(1, BEGIN, 10, 1) == {}


async def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    """Whatever round a writer has told of is there afterwards, whole; twenty times over."""
    path = tmp_path / FILE
    for _ in range(20):
        path.unlink(missing_ok=True)
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert writer.stdout is not None
        told = -1
        while told < 30:
            told = int(await writer.stdout.readline())
        writer.kill()
        rest = (await writer.stdout.read()).split()
        await writer.wait()
        told = max([told, *(int(line) for line in rest if line.isdigit())])

        store = Store(path)
        found = store.lasts(1, BEGIN, 1, told + 10)
        store.close()
        assert [found[i] for i in range(told + 1)] == [float(i) for i in range(told + 1)]
