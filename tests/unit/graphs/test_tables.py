"""What can be done with a table."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard import UserError, replies
from bellboard.api.chat.v1.chat_pb2 import Table
from bellboard_graphs import tables

TABLE = replies.table(
    ["version", "by", "took", "at", "requests"],
    [
        ("v1", "ann", timedelta(minutes=2), datetime(2026, 11, 22, 10, tzinfo=UTC), 40),
        ("v2", "bob", timedelta(minutes=9), datetime(2026, 11, 22, 11, tzinfo=UTC), 7.5),
        ("v1", "cat", timedelta(seconds=30), datetime(2026, 11, 22, 12, tzinfo=UTC), 100),
        ("v3", "ann", None, datetime(2026, 11, 22, 13, tzinfo=UTC), None),
    ],
    title="deploys",
).table


def shown(table: Table, *columns: str) -> list[tuple[str, ...]]:
    """The cells of some columns, or of all, in words."""
    places = [tables.column(table, name) for name in columns] or range(len(table.columns))
    return [tuple(tables.words(row.cells[at]) for at in places) for row in table.rows]


def test_values_are_counted() -> None:
    """The commonest first."""
    assert shown(tables.count(TABLE, "version")) == [("v1", "2"), ("v2", "1"), ("v3", "1")]


def test_rows_are_counted() -> None:
    """Where no column is named."""
    assert shown(tables.count(TABLE, "")) == [("4",)]


def test_the_largest_rows_are_kept() -> None:
    """By a column of numbers, or of lengths of time."""
    assert shown(tables.top(TABLE, "2", "requests"), "by") == [("cat",), ("ann",)]
    assert shown(tables.top(TABLE, "took", ""), "by")[:2] == [("bob",), ("ann",)]


def test_the_commonest_values_are_kept() -> None:
    """Of a column of words."""
    assert shown(tables.top(TABLE, "1", "version")) == [("v1", "2")]


@pytest.mark.parametrize("many", ["0", "many", "-1", "99999", "²"])
def test_no_number_of_rows_is_refused(many: str) -> None:
    """The hint is the right form."""
    with pytest.raises(UserError, match=r"top 10 by requests"):
        tables.top(TABLE, many, "requests")


@pytest.mark.parametrize(
    ("condition", "by"),
    [
        ("version=v1", ["ann", "cat"]),
        ("VERSION = V1", ["ann", "cat"]),
        ("version != v1", ["bob", "ann"]),
        ("took > 1m", ["ann", "bob"]),
        ("took<=2m", ["ann", "cat"]),
        ("at >= 2026-11-22T12:00", ["cat", "ann"]),
        ("requests = 7.5", ["bob"]),
        ("requests < 50", ["ann", "bob"]),
        ('by="bob"', ["bob"]),
        ("by = nobody", []),
    ],
)
def test_rows_that_match_are_kept(condition: str, by: list[str]) -> None:
    """Words whatever their case, numbers, lengths and moments by their size."""
    assert shown(tables.keep(TABLE, condition), "by") == [(name,) for name in by]


@pytest.mark.parametrize("condition", ["version", "", "nothing = 1", "took > soon", "=v1"])
def test_a_broken_condition_is_told(condition: str) -> None:
    """With a hint."""
    with pytest.raises(UserError) as told:
        tables.keep(TABLE, condition)
    assert told.value.hint


@given(st.text(max_size=80))
def test_no_condition_breaks_anything(condition: str) -> None:
    """It is met, or told to be none."""
    with contextlib.suppress(UserError):
        assert len(tables.keep(TABLE, condition).rows) <= len(TABLE.rows)


def test_rows_are_put_in_order() -> None:
    """Empty cells come last, whichever way."""
    assert shown(tables.sort(TABLE, "requests", desc=False), "by") == [("bob",), ("ann",), ("cat",), ("ann",)]
    assert shown(tables.sort(TABLE, "requests", desc=True), "version") == [("v1",), ("v1",), ("v2",), ("v3",)]
    assert shown(tables.sort(TABLE, "version", desc=False), "version")[0] == ("v1",)


def test_columns_are_picked_in_the_order_given() -> None:
    """The types stay."""
    picked = tables.pick(TABLE, "took, version")

    assert [(column.name, column.type) for column in picked.columns] == [("took", tables.DURATION), ("version", 0)]
    assert shown(picked)[1] == ("540 s", "v2")


def test_an_unknown_column_is_told_with_the_nearest() -> None:
    """Or with those that there are."""
    with pytest.raises(UserError, match=r"version") as told:
        tables.pick(TABLE, "verson")
    assert told.value.hint == "version"
    with pytest.raises(UserError, match=r"there are version, by, took"):
        tables.sort(TABLE, "zzz", desc=False)
