"""What bots remember, wherever it is kept. Two suites, held against the versions in memory and those on a real bus."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from bellboard import UserError, ranges
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.keep import Keep, KeepConflict, token
from bellboard.marks import Draft, Mark, Marks, NotYours

T = TypeVar("T")
NOON = 1_795_348_800.0
"""2026-11-22 12:00 UTC."""


async def at_once(*asked: Awaitable[T]) -> list[T | BaseException]:
    """What came of each, errors too."""
    return await asyncio.gather(*asked, return_exceptions=True)


class KeepBehaviour(ABC):
    """What every `Keep` does."""

    @abstractmethod
    async def keep(self, replica: int = 1, *, rehearsing: bool = False) -> Keep:
        """What one bot remembers, as one of its replicas has it."""

    async def test_what_was_put_is_got(self) -> None:
        """By every replica, with the revision that `put` told."""
        one, two = await self.keep(1), await self.keep(2)
        assert await one.get("place.d1") is None

        revision = await one.put("place.d1", b"\x00 stage 2")

        for keep in (one, two):
            kept = await keep.get("place.d1")
            assert kept is not None
            assert (kept.key, kept.value, kept.revision) == ("place.d1", b"\x00 stage 2", revision)
            assert kept.at > 1e9

    async def test_nothing_can_be_kept(self) -> None:
        """No bytes are a value too."""
        keep = await self.keep()
        await keep.put("empty", b"")

        kept = await keep.get("empty")

        assert kept is not None
        assert kept.value == b""

    async def test_without_a_revision_the_last_one_counts(self) -> None:
        """Revisions go up."""
        keep = await self.keep()

        assert await keep.put("a", b"1") < await keep.put("a", b"2")

        kept = await keep.get("a")
        assert kept is not None
        assert kept.value == b"2"

    async def test_a_change_in_between_is_a_conflict(self) -> None:
        """Nothing is written then."""
        keep = await self.keep()
        seen = await keep.put("a", b"1")
        await keep.put("a", b"2")

        with pytest.raises(KeepConflict, match="a was changed"):
            await keep.put("a", b"3", expected=seen)
        with pytest.raises(KeepConflict):
            await keep.forget("a", expected=seen)
        with pytest.raises(KeepConflict):
            await keep.put("a", b"3", expected=0)

        kept = await keep.get("a")
        assert kept is not None
        assert kept.value == b"2"

    async def test_twenty_claims_have_one_winner(self) -> None:
        """Whoever asks, and however often something was there before."""
        keeps = [await self.keep(n % 3) for n in range(20)]
        for round in (1, 2):
            claims = await at_once(*(keep.put("locks.prod", b"%d" % n, expected=0) for n, keep in enumerate(keeps)))

            (winner,) = [n for n, claim in enumerate(claims) if isinstance(claim, int)]
            assert all(isinstance(claim, KeepConflict) for n, claim in enumerate(claims) if n != winner)
            kept = await keeps[0].get("locks.prod")
            assert kept is not None
            assert (kept.value, kept.revision) == (b"%d" % winner, claims[winner]), f"in round {round}"
            await keeps[winner].forget("locks.prod", expected=kept.revision)

    async def test_what_is_forgotten_is_not_there(self) -> None:
        """Forgetting what is not there is nothing; an old revision is of no use afterwards."""
        keep = await self.keep()
        first = await keep.put("a", b"1")
        await keep.forget("a")
        await keep.forget("a")
        await keep.forget("a", expected=0)
        assert await keep.get("a") is None
        assert await keep.list() == []
        with pytest.raises(KeepConflict):
            await keep.forget("a", expected=first)
        with pytest.raises(KeepConflict):
            await keep.put("a", b"2", expected=first)

        assert await keep.put("a", b"2", expected=0) > first

    async def test_what_is_below_a_key_is_listed(self) -> None:
        """By key, the newest value of each; not the key itself, nor those that only begin like it."""
        keep = await self.keep()
        for key in ("locks.prod", "locks.eu.prod", "locks", "locksmith.x", "place"):
            await keep.put(key, b"old")
            await keep.put(key, key.encode())

        assert [kept.key for kept in await keep.list("locks")] == ["locks.eu.prod", "locks.prod"]
        everything = await keep.list()
        assert [kept.key for kept in everything] == ["locks", "locks.eu.prod", "locks.prod", "locksmith.x", "place"]
        assert all(kept.value == kept.key.encode() for kept in everything)

    async def test_a_list_may_be_long(self) -> None:
        """Longer than what the bus answers at once."""
        keep = await self.keep()
        for start in range(0, 600, 100):
            await asyncio.gather(*(keep.put(f"many.{n:04}", b"x") for n in range(start, start + 100)))

        assert [kept.key for kept in await keep.list("many")] == [f"many.{n:04}" for n in range(600)]

    async def test_a_rehearsal_remembers_apart(self) -> None:
        """Neither sees what the other keeps."""
        real, rehearsal = await self.keep(), await self.keep(rehearsing=True)
        await real.put("a", b"real")
        assert await rehearsal.list() == []

        await rehearsal.put("a", b"rehearsed", expected=0)

        assert [kept.value for kept in await real.list()] == [b"real"]
        assert [kept.value for kept in await rehearsal.list()] == [b"rehearsed"]

    @pytest.mark.parametrize("key", ["", "A", "a b", "a..b", ".a", "a.", "a.*", ">", "ä", "a\n", "x" * 201])
    async def test_what_is_no_key_is_refused(self, key: str) -> None:
        """Before anything is asked for."""
        keep = await self.keep()
        for asked in (keep.get(key), keep.put(key, b""), keep.forget(key)):
            with pytest.raises(ValueError, match="is no key"):
                await asked

    @pytest.mark.parametrize("words", ["", "Shop", "a.b", "*", "naïve ✓", "x" * 500, "\udcff"])
    async def test_free_words_become_keys(self, words: str) -> None:
        """Through `token`."""
        keep = await self.keep()
        await keep.put(f"words.{token(words)}", b"here")

        assert [kept.key for kept in await keep.list("words")] == [f"words.{token(words)}"]


class MarksBehaviour(ABC):
    """What every `Marks` does. The bots are memes and practice."""

    @abstractmethod
    async def marks(self, bot: str = "memes", *, rehearsing: bool = False) -> Marks:
        """The marks as a new replica of a bot has them."""

    async def test_numbers_go_up_by_letter(self) -> None:
        """One row of numbers for each letter, whoever makes the mark."""
        memes, practice = await self.marks(), await self.marks("practice")

        made = [
            await memes.begin("D", Draft(title="one", at=NOON), key="a"),
            await practice.begin("D", Draft(title="two", at=NOON), key="a"),
            await memes.begin("K", Draft(title="three", at=NOON), key="a"),
            await memes.begin("D", Draft(title="four", at=NOON), key="b"),
        ]

        assert [mark.id for mark in made] == ["D1", "D2", "K1", "D3"]
        assert [(mark.kind, mark.bot) for mark in made[1:3]] == [("deploy", "practice"), ("lock", "memes")]

    async def test_a_mark_is_what_it_was_said_to_be(self) -> None:
        """And is found by every bot, in small letters too."""
        draft = Draft(
            title="shop v1 → v2",
            at=NOON + 0.25,
            until=NOON + 60,
            app="shop",
            env="prod",
            person="ann",
            command="c1",
            state="failed",
            detail={"gate": "errors<5%"},
        )
        made = await (await self.marks()).begin("D", draft, key="c1")

        assert made == Mark(
            id="D1",
            kind="deploy",
            bot="memes",
            app="shop",
            env="prod",
            at=NOON + 0.25,
            until=NOON + 60,
            title="shop v1 → v2",
            person="ann",
            command="c1",
            state="failed",
            rehearsal=False,
            detail={"gate": "errors<5%"},
        )
        other = await self.marks("practice")
        assert await other.find("d1") == await other.find("D1") == made

    @pytest.mark.parametrize("id", ["D2", "K1", "X1", "D", "D0", "D01", "D-1", "D1 or 1", "", "D*", "*1", "D" + "9" * 30])
    async def test_what_is_not_there_is_not_found(self, id: str) -> None:
        """Nor what is no id."""
        marks = await self.marks()
        await marks.begin("D", Draft(title="one", at=NOON), key="a")

        assert await marks.find(id) is None

    async def test_a_letter_has_to_be_one(self) -> None:
        """There are five."""
        marks = await self.marks()
        with pytest.raises(ValueError, match="no letter"):
            await marks.begin("d", Draft(title="one", at=NOON), key="a")

    async def test_the_same_key_is_the_same_mark(self) -> None:
        """As it is by now; for another letter or another bot it is another key."""
        marks = await self.marks()
        made = await marks.begin("D", Draft(title="one", at=NOON), key="c1")
        await marks.update(replace(made, state="succeeded", until=NOON + 5))

        again = await (await self.marks()).begin("D", Draft(title="one", at=NOON), key="c1")

        assert again == replace(made, state="succeeded", until=NOON + 5)
        assert (await marks.begin("D", Draft(title="two", at=NOON), key="c2")).id == "D2"
        assert (await marks.begin("G", Draft(title="two", at=NOON), key="c1")).id == "G1"

    async def test_many_begin_at_once(self) -> None:
        """Two replicas each with the same keys, and another bot: a number for each key, none left out."""
        everyone = [await self.marks(bot) for bot in ("memes", "memes", "practice")]
        drafts = [(marks, f"c{n}") for n in range(8) for marks in everyone]

        made = await asyncio.gather(*(marks.begin("D", Draft(title=key, at=NOON), key=key) for marks, key in drafts))

        ids = {(mark.bot, mark.title): mark.id for mark in made}
        assert all(mark.id == ids[mark.bot, mark.title] for mark in made)
        assert sorted(ids.values(), key=lambda id: int(id[1:])) == [f"D{n}" for n in range(1, 17)]
        found = await everyone[0].between(NOON, NOON)
        assert {(mark.bot, mark.title): mark.id for mark in found} == ids

    async def test_a_mark_is_changed_by_its_bot_alone(self) -> None:
        """Nor is one changed that was never made."""
        memes, practice = await self.marks(), await self.marks("practice")
        made = await memes.begin("D", Draft(title="one", at=NOON), key="a")
        for changed in (replace(made, title="mine"), replace(made, bot="practice"), replace(made, id="D7", bot="practice")):
            with pytest.raises(NotYours):
                await practice.update(changed)
        with pytest.raises(NotYours):
            await memes.update(replace(made, id="D7"))

        await memes.update(replace(made, state="succeeded"))
        await memes.update(replace(made, state="rolled-back", detail={"why": "the gate"}))

        assert await practice.find("D1") == replace(made, state="rolled-back", detail={"why": "the gate"})

    async def test_marks_are_found_by_when_they_were(self) -> None:
        """Those that touch the range, however long ago they began; the oldest first."""
        marks = await self.marks()
        times = {"before": (0, 9), "up to": (1, 10), "within": (12, 13), "from": (20, 30), "after": (21, 30), "long": (2, None)}
        for title, (at, until) in times.items():
            draft = Draft(title=title, at=NOON + at, until=None if until is None else NOON + until)
            await marks.begin("D", draft, key=title)
        ends = await marks.begin("K", Draft(title="ends", at=NOON + 3), key="ends")
        await marks.update(replace(ends, until=NOON + 11))
        await marks.begin("L", Draft(title="moment", at=NOON + 4), key="moment")

        for reader in (marks, await self.marks("practice"), marks):
            found = await reader.between(NOON + 10, NOON + 20)
            assert [mark.title for mark in found] == ["up to", "long", "ends", "within", "from"]

    async def test_what_goes_on_is_found_much_later(self) -> None:
        """What was written long before the range, and what ends long after it was written."""
        marks = await self.marks()
        await marks.begin("I", Draft(title="goes on", at=NOON), key="a")
        await marks.begin("K", Draft(title="frozen", at=NOON, until=NOON + 1e9), key="b")
        later = NOON + 1e8

        assert [mark.title for mark in await marks.between(later, later + 60)] == ["goes on", "frozen"]
        incident = await marks.find("I1")
        assert incident is not None
        await marks.update(replace(incident, until=NOON + 60))
        assert [mark.title for mark in await marks.between(later, later + 60)] == ["frozen"]

    async def test_marks_are_chosen_by_app_and_kind(self) -> None:
        """Either, or both."""
        marks = await self.marks()
        for letter, app in (("D", "shop"), ("D", "stock"), ("K", "shop"), ("G", "shop")):
            await marks.begin(letter, Draft(title=f"{letter} {app}", at=NOON, app=app), key=app)

        async def titles(**wanted: object) -> set[str]:
            return {mark.title for mark in await marks.between(NOON, NOON, **wanted)}  # type: ignore[arg-type]

        assert await titles(app="shop") == {"D shop", "K shop", "G shop"}
        assert await titles(kinds=["deploy"]) == {"D shop", "D stock"}
        assert await titles(app="shop", kinds=["lock", "graph"]) == {"K shop", "G shop"}
        assert await titles(app="nothing") == set()

    async def test_a_rehearsed_mark_says_so(self) -> None:
        """It has an id like any other; a real command does not come upon it, and changes none."""
        real, rehearsal = await self.marks(), await self.marks(rehearsing=True)
        happened = await real.begin("D", Draft(title="real", at=NOON), key="a")
        rehearsed = await rehearsal.begin("D", Draft(title="rehearsed", at=NOON), key="b")

        assert (happened.rehearsal, rehearsed.rehearsal) == (False, True)
        assert rehearsed.id == "D2"
        assert [mark.id for mark in await real.between(NOON, NOON)] == ["D1"]
        assert [mark.id for mark in await rehearsal.between(NOON, NOON)] == ["D1", "D2"]
        assert await real.find("D2") == rehearsed
        for marks, mark in ((real, rehearsed), (rehearsal, happened), (rehearsal, replace(happened, rehearsal=True))):
            with pytest.raises(NotYours):
                await marks.update(replace(mark, title="changed"))
        await rehearsal.update(replace(rehearsed, state="succeeded"))

    async def test_ranges_are_resolved_by_id(self) -> None:
        """Around and since what any bot has marked."""
        await (await self.marks()).begin("D", Draft(title="v2", at=NOON, until=NOON + 600), key="a")
        marks = await self.marks("practice")

        async def resolved(given: TimeRange) -> ranges.Span:
            return await ranges.resolve(given, now=NOON + 7200, marks=marks, default=timedelta(hours=1))

        assert await resolved(TimeRange(around="d1")) == ranges.Span(
            NOON - 900, NOON + 1500, "around D1, 11:45-12:25 UTC (40 min)"
        )
        assert await resolved(TimeRange(since="D1")) == ranges.Span(NOON, NOON + 7200, "since D1, 12:00-14:00 UTC (2 h)")
        with pytest.raises(UserError, match="there is no D9"):
            await resolved(TimeRange(around="D9"))
