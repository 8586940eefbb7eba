"""What holds of a group of alerts, however its deliveries come: in any order, twice, in any batches, by two replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard.keep.memory import MemoryKeep
from bellboard_oncall.alerts import groups
from bellboard_oncall.alerts.formats import read
from bellboard_oncall.alerts.groups import Group, closed, mark, merge, seen
from bellboard_oncall.alerts.model import Alert, Notice, brief, place
from bellboard_oncall.alerts.store import Groups, dump, load

NOW = 1_800_000_000.0


def alert(name: str, *, firing: bool = True, starts: float = NOW) -> Alert:
    return Alert(fingerprint=name, firing=firing, labels={"instance": name}, starts=starts)


def notice(sequence: int, *alerts: Alert, title: str = "Down") -> Notice:
    return Notice(place=place(sequence), group="g", title=title, labels={"app": "shop"}, alerts=alerts)


words = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), min_size=1, max_size=3, unique_by=lambda word: word[0])
stories = st.lists(words, min_size=1, max_size=12)
"""What each delivery says, in order."""


def told(story: Sequence[Sequence[tuple[str, bool]]]) -> list[Notice]:
    return [
        notice(number, *(alert(name, firing=firing) for name, firing in said), title=f"Down {number}")
        for number, said in enumerate(story, 1)
    ]


def truth(story: Sequence[Sequence[tuple[str, bool]]]) -> dict[str, bool]:
    """Whether each alert fires in the end, by the newest word about it alone."""
    return {name: firing for said in story for name, firing in said}


def burns(group: Group) -> set[bytes]:
    return {name for name, (fired, over) in group.marked.items() if fired > over}


@settings(deadline=None)
@given(stories, st.randoms(use_true_random=False))
def test_any_order_and_any_number_of_copies_end_in_the_same_alerts(story: list[list[tuple[str, bool]]], random: Random) -> None:
    """Deliveries come again, and two replicas take them in turns that nobody decides."""
    notices = told(story)
    shuffled = notices + [random.choice(notices) for _ in notices]
    random.shuffle(shuffled)
    straight, mixed = Group(key="g"), Group(key="g")
    for one in notices:
        straight = merge(straight, [one], NOW)
    for one in shuffled:
        mixed = merge(mixed, [one], NOW)
    assert mixed.marked == straight.marked
    assert (mixed.firing, mixed.open, mixed.title, mixed.newest) == (
        straight.firing,
        straight.open,
        straight.title,
        straight.newest,
    )
    assert burns(mixed) == {mark(name) for name, firing in truth(story).items() if firing}
    assert {name: one.firing for name, one in mixed.listed.items() if one.firing} == {
        name: one.firing for name, one in straight.listed.items() if one.firing
    }


@settings(deadline=None)
@given(stories, st.data())
def test_any_batches_in_order_end_in_the_same_group(story: list[list[tuple[str, bool]]], data: st.DataObject) -> None:
    """How many deliveries are handed over together, and which of them again, changes nothing that anybody sees."""
    notices = told(story)
    straight, batched = Group(key="g"), Group(key="g")
    for one in notices:
        straight = merge(straight, [one], NOW)
    at = 0
    while at < len(notices):
        size = data.draw(st.integers(1, 4))
        batched = merge(batched, notices[at : at + size], NOW)
        batched = merge(batched, notices[at : at + size], NOW)
        at += size
    assert seen(batched) == seen(straight)
    assert (batched.episode, batched.marked, batched.base) == (straight.episode, straight.marked, straight.base)


@settings(deadline=None)
@given(stories, st.lists(st.integers(0, 1), min_size=12, max_size=12))
def test_two_replicas_with_one_memory_agree(story: list[list[tuple[str, bool]]], turns: list[int]) -> None:
    """Both take every delivery, at once; compare-and-set loses no word of either."""
    notices = told(story)

    async def both() -> Group | None:
        store = Groups(MemoryKeep())

        async def replica(mine: Sequence[Notice]) -> None:
            for one in mine:
                await store.change("g", lambda group, one=one: merge(group, [one], NOW))  # type: ignore[misc]

        halves = [[one for one, turn in zip(notices, turns, strict=False) if turn == side] for side in (0, 1)]
        await asyncio.gather(replica(halves[0] + notices), replica(halves[1]))
        return await store.get(Group(key="g").name)

    group = asyncio.run(both())
    assert group is not None
    assert burns(group) == {mark(name) for name, firing in truth(story).items() if firing}
    assert group.open == bool(group.firing)


async def test_whoever_else_writes_is_not_overwritten() -> None:
    """A replica that does not look before it writes is told, and looks."""
    keep = MemoryKeep()
    mine, other = Groups(keep), Groups(keep)
    await mine.change("g", lambda group: merge(group, [notice(1, alert("a"))], NOW), look=False)
    await other.change("g", lambda group: merge(group, [notice(2, alert("b"))], NOW))
    group = await mine.change("g", lambda group: merge(group, [notice(3, alert("c"))], NOW), look=False)
    assert (group.firing, await other.get(group.name)) == (3, group)


@settings(deadline=None)
@given(stories)
def test_a_group_is_the_same_after_it_was_stored(story: list[list[tuple[str, bool]]]) -> None:
    """Nothing is lost on the way to memory and back."""
    group = merge(Group(key="g"), told(story), NOW)
    assert load(dump(group)) == group


def test_a_group_is_over_when_all_of_it_is() -> None:
    """And what was there is counted."""
    group = merge(Group(key="g"), [notice(1, alert("a"), alert("b"))], NOW)
    assert (group.open, group.firing, group.over) == (True, 2, 0)
    group = merge(group, [notice(2, alert("a", firing=False))], NOW + 1)
    assert (group.open, group.firing, group.over) == (True, 1, 1)
    group = merge(group, [notice(3, alert("b", firing=False))], NOW + 2)
    assert (group.open, group.firing, group.over, group.ended) == (False, 0, 2, NOW + 2)


def test_what_burns_anew_is_a_new_episode_with_nothing_done_about_it() -> None:
    """Whoever took care of the last one does not of this one."""
    group = merge(Group(key="g"), [notice(1, alert("a")), notice(2, alert("a", firing=False))], NOW)
    group = replace(group, id="A1", card="c1", acked_by="ann", page="P1")
    group = merge(group, [notice(3, alert("a", starts=NOW + 60))], NOW + 60)
    assert (group.episode, group.id, group.card, group.acked_by, group.page) == (2, "", "", "", "")
    assert (group.last_id, group.last_card, group.since, group.over) == ("A1", "c1", NOW + 60, 0)


def test_a_late_word_about_what_is_over_changes_nothing() -> None:
    """It fired before it was over, and comes after that word."""
    group = merge(Group(key="g"), [notice(5, alert("a")), notice(6, alert("a", firing=False))], NOW)
    late = merge(group, [notice(4, alert("a"))], NOW + 1)
    assert seen(late) == seen(group)
    assert late.episode == 1


def test_an_alert_that_comes_late_is_not_lost() -> None:
    """Its group has been over since, but nobody said that this one is."""
    group = merge(Group(key="g"), [notice(5, alert("a")), notice(6, alert("a", firing=False))], NOW)
    group = merge(group, [notice(4, alert("b"))], NOW + 1)
    assert (group.open, group.firing) == (True, 1)


def test_what_was_over_before_it_was_seen_is_shown_as_over() -> None:
    """The word that it is over overtook the one that it burns."""
    group = merge(Group(key="g"), [notice(2, alert("a", firing=False))], NOW)
    assert group.episode == 0
    group = merge(group, [notice(1, alert("a"))], NOW)
    assert (group.episode, group.open, group.over) == (1, False, 1)


def test_ten_thousand_alerts_are_counted_and_fit_into_memory() -> None:
    """The bus keeps values of up to 250 KiB."""
    many = [alert(f"host-{number}") for number in range(groups.MOST)]
    group = merge(Group(key="g"), [notice(at + 1, *many[at * 500 : at * 500 + 500]) for at in range(20)], NOW)
    assert (group.firing, len(group.listed)) == (groups.MOST, groups.LISTED)
    assert len(dump(group)) < 200 * 1024
    group = merge(group, [notice(99, *(alert(f"host-{number}", firing=False) for number in range(9_000)))], NOW)
    assert (group.firing, group.over) == (1_000, 9_000)
    group = merge(group, [notice(100, alert("one too many"))], NOW)
    assert (group.firing, group.beyond) == (1_000, 1)


@pytest.mark.parametrize("letter", ["x", '"', "\U0001f600"])
def test_the_largest_group_that_anybody_can_send_fits_into_memory(letter: str) -> None:
    """Long labels, addresses and keys, in the letters that take most: they are cut off."""
    labels = {f"{number}{letter * 90}": letter * 200 for number in range(40)}
    entry = {"labels": labels, "annotations": {"summary": letter * 400, "runbook": f"https://{letter * 400}"}}
    entries = [entry | {"fingerprint": f"{n}{letter * 100}", "generatorURL": f"https://{letter * 2000}"} for n in range(12)]
    body = orjson.dumps({"groupKey": letter * 300_000, "alerts": entries, "commonLabels": labels, "externalURL": "http://a"})
    (said,) = read("am", "alertmanager", [(99, NOW, body)]).notices
    many = [alert(f"host-{number}") for number in range(groups.MOST - 12)]

    group = merge(Group(key=said.group), [said, *(notice(at + 1, *many[at::20]) for at in range(20))], NOW)

    assert (group.firing, len(group.listed)) == (groups.MOST, groups.LISTED)
    assert len(dump(replace(group, listed={one.fingerprint: brief(one) for one in said.alerts}))) < 250 * 1024


def test_what_a_person_ends_stays_so_until_it_is_said_to_burn_again() -> None:
    """The deliveries that came before come again, and change nothing."""
    notices = [notice(1, alert("a"), alert("b")), notice(2, alert("c"))]
    group = merge(Group(key="g"), notices, NOW)
    ended = closed(group, NOW + 5)
    assert (ended.open, ended.firing, ended.over) == (False, 0, 3)
    assert merge(ended, notices, NOW + 6).open is False
    assert merge(ended, [notice(3, alert("a"))], NOW + 7).episode == 2


def test_only_what_burns_on_at_the_source_is_left() -> None:
    """After a silence, under which nobody heard that the rest is over."""
    group = merge(Group(key="g"), [notice(1, alert("a"), alert("b"))], NOW)
    left = closed(group, NOW + 5, frozenset({"b"}))
    assert (left.open, left.firing, left.over) == (True, 1, 1)
    assert burns(left) == {mark("b")}
