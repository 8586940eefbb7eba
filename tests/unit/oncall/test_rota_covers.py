"""Covers and swaps: of two that change them at once one looks again, and nobody is put on call without their word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import orjson

from bellboard.keep.memory import MemoryKeep
from bellboard.marks.memory import MemoryMarks
from bellboard_oncall.rota import Shift
from bellboard_oncall.rota.covers import AGREED, ASKED, MOST, WITHDRAWN, Cover, Covers, Piece, apply


class SlowKeep(MemoryKeep):
    """Lets others come in between at every call, as a bus does."""

    async def get(self, key: str):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0)
        return await super().get(key)

    async def put(self, key: str, value: bytes, *, expected: int | None = None) -> int:
        await asyncio.sleep(0)
        return await super().put(key, value, expected=expected)


def a_cover(command: str, person: str = "bo", start: float = 100, end: float = 200, state: str = AGREED) -> Cover:
    piece = Piece("primary", person, "ann", start, end)
    return Cover(
        kind="cover", team="payments", by=person, other="", state=state, at=0, expires=9e9, command=command, pieces=(piece,)
    )


async def test_of_twenty_at_once_none_is_lost() -> None:
    """Each has an id of its own, from two replicas that share what is kept."""
    keep, marks = SlowKeep(), MemoryMarks("oncall")
    replicas = [Covers(keep, marks), Covers(keep, marks)]

    made = await asyncio.gather(
        *(replicas[n % 2].add("payments", f"c{n}", lambda _, n=n: a_cover(f"c{n}")) for n in range(20))  # type: ignore[misc]
    )

    assert len({one.id for one in made if one}) == 20
    assert len(await replicas[0].of("payments")) == 20


async def test_each_knows_those_that_were_quicker() -> None:
    """What a cover takes is decided on what is there at the moment at which it is written."""
    covers = Covers(SlowKeep(), MemoryMarks("oncall"))
    seen: dict[str, int] = {}

    def making(command: str):  # type: ignore[no-untyped-def]
        def make(known: Sequence[Cover]) -> Cover:
            seen[command] = len(known)
            return a_cover(command)

        return make

    await asyncio.gather(*(covers.add("payments", f"c{n}", making(f"c{n}")) for n in range(5)))

    assert sorted(seen.values()) == [0, 1, 2, 3, 4]


async def test_a_second_attempt_makes_the_same_cover() -> None:
    """With the same id, however far the first one came."""
    keep, marks = MemoryKeep(), MemoryMarks("oncall")
    first = await Covers(keep, marks).add("payments", "c1", lambda _: a_cover("c1"))
    again = await Covers(keep, marks).add("payments", "c1", lambda _: a_cover("c1", person="cy"))

    assert first == again
    assert first is not None
    mark = await marks.find(first.id)
    assert mark is not None
    assert (mark.kind, mark.state, mark.detail["people"]) == ("cover", AGREED, "bo,ann")


async def test_of_an_answer_and_a_withdrawal_one_wins() -> None:
    """The other one is told how it stands."""
    covers = Covers(SlowKeep(), MemoryMarks("oncall"))
    made = await covers.add("payments", "c1", lambda _: a_cover("c1", state=ASKED))
    assert made is not None
    log: list[str] = []

    def to(state: str):  # type: ignore[no-untyped-def]
        def change(found: Cover, _: Sequence[Cover]) -> Cover:
            if found.state != ASKED:
                log.append(found.state)
                return found
            return replace(found, state=state)

        return change

    await asyncio.gather(covers.change(made, to(AGREED)), covers.change(made, to(WITHDRAWN)))

    (kept,) = await covers.of("payments")
    assert [kept.state] == log


async def test_the_oldest_are_forgotten_first() -> None:
    """There is room for hundreds of them, and no more than the bus takes."""
    keep = MemoryKeep()
    covers = Covers(keep, MemoryMarks("oncall"))
    many = [a_cover(f"c{n}", start=n, end=n + 1) for n in range(2000)]
    await keep.put("covers.payments", orjson.dumps(many))

    await covers.add("payments", "new", lambda _: a_cover("new", start=5000, end=6000))

    kept = await covers.of("payments")
    assert len(kept) > 300
    assert kept[-1].command == "new"
    assert [one.command for one in kept[:-1]] == [one.command for one in many[-len(kept) + 1 :]]
    assert all(len(one.value) <= MOST for one in await keep.list("covers"))


def test_what_was_agreed_last_lies_on_top() -> None:
    """What was only asked for changes nothing."""
    base = [Shift("payments", "primary", "ann", 0, 300), Shift("payments", "backup", "di", 0, 300)]
    covers = [a_cover("c1"), a_cover("c2", "cy", 150, 250), a_cover("c3", "eve", 0, 300, state=ASKED)]

    shifts = [one for one in apply(base, covers) if one.layer == "primary"]

    assert [(one.person, one.start, one.end, one.instead) for one in shifts] == [
        ("ann", 0, 100, ""),
        ("bo", 100, 150, "ann"),
        ("cy", 150, 200, "bo"),
        ("cy", 200, 250, "ann"),
        ("ann", 250, 300, ""),
    ]
