"""The embedded store: what is acknowledged stays, what is asked for is found, and the oldest goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bellboard import UserError
from bellboard.testing.eventually import eventually
from bellboard_logs.entries import ERROR, WARNING
from bellboard_logs.store import Stored, Writer
from bellboard_logs.store.reader import Reader, match
from tests.integration.logs.conftest import NOW, House, asked, line

WRITES_UNTIL_KILLED = """
import asyncio, sys, time
from pathlib import Path
from bellboard_logs.entries import Entry
from bellboard_logs.store import Writer

async def main():
    async with Writer(Path(sys.argv[1])) as writer:
        for number in range(10**9):
            await writer.write([Entry(time.time(), 2, "shop", f"batch {number} line {n}") for n in range(50)])
            print(number, flush=True)

asyncio.run(main())
"""


async def test_what_is_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Each batch that was acknowledged is there, whole, and can be searched."""
    file = tmp_path / "lines.db"
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITES_UNTIL_KILLED, str(file), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        acknowledged = [int(await process.stdout.readline()) for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(number) for number in (await process.stdout.read()).split(b"\n")[:-1]]
        await process.wait()
        with sqlite3.connect(file) as db:
            for number in (acknowledged[0], acknowledged[-1]):
                (count,) = db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f'"batch {number} line"',)).fetchone()
                assert count >= 50
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        db.close()
        file.unlink()
        for rest in tmp_path.glob("lines.db-*"):
            rest.unlink()


async def test_the_newest_are_found_in_order(store: House) -> None:
    """Whatever the order in which they came."""
    await store.writer.write([line("c", NOW + 2), line("a", NOW)])
    await store.writer.write([line("b", NOW + 1)])

    found = await store.stored.search(asked(), limit=2)

    assert [entry.message for entry in found.entries] == ["b", "c"]
    assert found.total == 3


async def test_lines_of_one_moment_are_all_kept(store: House) -> None:
    """A clock of whole seconds is no reason to lose any."""
    await asyncio.gather(*(store.writer.write([line(f"n {n} {m}") for m in range(1000)]) for n in range(5)))

    assert (await store.stored.search(asked(), limit=1)).total == 5000


async def test_words_levels_and_times_narrow_it_down(store: House) -> None:
    """All of them must fit."""
    await store.writer.write(
        [
            line("token mismatch", NOW, ERROR),
            line("token fine", NOW),
            line("token late", NOW + 100, ERROR),
            line("x", NOW, WARNING),
        ]
    )

    assert await store.find("token") == ["token mismatch", "token fine", "token late"]
    assert await store.find("error") == ["token mismatch", "token late"]
    assert await store.find("/mis.*ch/") == ["token mismatch"]
    found = await store.stored.search(asked("token", end=NOW + 50, level=ERROR), limit=10)
    assert [entry.message for entry in found.entries] == ["token mismatch"]
    assert not await store.find(app="other")


async def test_lines_are_counted(store: House) -> None:
    """By level, version and pattern."""
    await store.writer.write([line(f"order {n}", version=f"v{n % 2}") for n in range(5)] + [line("boom", level=ERROR)])

    assert await store.stored.count(asked(), "level") == [("info", 5), ("error", 1)]
    assert dict(await store.stored.count(asked("order"), "version")) == {"v0": 3, "v1": 2}
    assert await store.stored.count(asked(), "pattern") == [("order <*>", 5), ("boom", 1)]


async def test_a_pattern_is_new_once_and_for_all(store: House) -> None:
    """What was there before a moment is not new after it, and a restart forgets none of it."""
    await store.writer.write([line("order 1", NOW - 100), line("order 2", NOW)])
    async with Writer(store.file) as again:
        await again.write([line("order 3", NOW + 1), line("token mismatch for 7", NOW + 1, ERROR)])

    found = await store.stored.patterns(asked(start=NOW), new=True)

    assert [(pattern.template, pattern.count, pattern.level) for pattern in found] == [("token mismatch for <*>", 1, ERROR)]


async def test_a_line_is_shown_among_its_neighbours(store: House) -> None:
    """Those of the same replica."""
    await store.writer.write([line(f"step {n}", NOW + n) for n in range(9)])
    (entry,) = (await store.stored.search(asked("/step 4/"), limit=10)).entries

    before, after = await store.stored.beside(asked(), entry, 2)

    assert [entry.message for entry in (*before, *after)] == ["step 2", "step 3", "step 5", "step 6"]


async def test_the_oldest_are_dropped_by_size(tmp_path: Path) -> None:
    """The newest stay, the file stays near its limit, and the index knows of the loss."""
    file = tmp_path / "lines.db"
    async with Writer(file, max_bytes=2 * 2**20, max_age=10**9) as writer:
        stored = Stored(writer, reader := Reader(file))
        for batch in range(40):
            await writer.write([line(f"filler {batch} {n} " + "x" * 200, NOW + batch * 1000 + n) for n in range(500)])

        async def small() -> bool:
            return (await stored.search(asked("filler"), limit=1)).total < 10_000

        await eventually(small)
        assert [entry.message.split()[1] for entry in (await stored.search(asked(), limit=1)).entries] == ["39"]
        assert not (await stored.search(asked("/^filler 0 /"), limit=1)).entries
        await reader.close()


async def test_the_oldest_are_dropped_by_age(tmp_path: Path) -> None:
    """And only those."""
    file = tmp_path / "lines.db"
    async with Writer(file, max_age=3600.0) as writer:
        stored = Stored(writer, reader := Reader(file))
        now = time.time()  # not when this file was read: with many tests before this one, that is long ago
        await writer.write([line("old", now - 7200), line("young", now)])

        async def gone() -> bool:
            return [entry.message for entry in (await stored.search(asked(), limit=9)).entries] == ["young"]

        await eventually(gone)
        await reader.close()


async def test_a_tail_hears_what_is_written(store: House) -> None:
    """What fits the query, from then on."""
    tail = store.stored.tail(asked("token"))
    first = asyncio.ensure_future(anext(tail))
    await eventually(lambda: store.writer._listeners)
    await store.writer.write([line("token mismatch"), line("fine")])

    assert [entry.message for entry in await first] == ["token mismatch"]
    await tail.aclose()  # type: ignore[attr-defined]  # an async generator
    assert not store.writer._listeners


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=80),
    st.text(alphabet="\"'*()^:-+{}NEARANDOT %s{}./\\;\x00\u202e", min_size=1, max_size=80),
    st.sampled_from(
        [
            '" OR 1=1 --',
            "text : x",
            "NEAR(a b)",
            "a* OR b",
            "%s%n{0}{x!r}",
            "../../etc/passwd",
            "$(id)",
            "`id`",
            "'; DROP TABLE line;",
        ]
    ),
)


def test_no_words_get_out_of_their_quotes(tmp_path: Path) -> None:
    """5,000 payloads: each is a string for the index, and no error of its language comes back."""
    db = sqlite3.connect(":memory:")
    db.execute("""CREATE VIRTUAL TABLE words USING fts5 (text, tokenize="unicode61 remove_diacritics 0 tokenchars '_-'")""")
    db.execute("INSERT INTO words VALUES ('something harmless')")

    @settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(HOSTILE, min_size=1, max_size=4))
    def look(words: list[str]) -> None:
        try:
            query = asked(*words)
        except UserError:
            return
        if query.words:
            db.execute("SELECT * FROM words WHERE words MATCH ?", (match(query.words),)).fetchall()

    look()
    db.close()


@pytest.mark.parametrize("payload", ["'; DROP TABLE line; --", "../../etc/passwd", "%s{0}", "shop' OR '1'='1"])
async def test_an_app_is_only_a_name(store: House, payload: str) -> None:
    """It is a value, never a part of a statement."""
    await store.writer.write([line("x")])

    assert not await store.find(app=payload)
    assert await store.find() == ["x"]


async def test_a_line_from_a_far_future_keeps_no_other_from_the_store(store: House) -> None:
    """A clock may be that wrong, and a person may ask for all there will be."""
    await store.writer.write([line("late", at=4e9), line("now")])

    found = await store.stored.search(asked(app="shop", end=5e9), limit=10)
    assert "now" in [entry.message for entry in found.entries]
