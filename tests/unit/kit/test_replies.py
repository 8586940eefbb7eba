"""Builders of blocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import bellboard
from bellboard import code, image, link, progress, question, reply, table, text
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.replies import BAD, choice, failure


def test_a_table_is_typed_by_its_cells() -> None:
    """The first cell that is not empty says what the column holds."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    block = table(["who", "count", "at", "took"], [("a", None, noon, timedelta(seconds=90)), (None, 2, None, None)])

    assert [column.type for column in block.table.columns] == [
        chat.COLUMN_TYPE_UNSPECIFIED,
        chat.COLUMN_TYPE_NUMBER,
        chat.COLUMN_TYPE_TIME,
        chat.COLUMN_TYPE_DURATION,
    ]
    first, second = block.table.rows
    assert first.cells[1].WhichOneof("value") is None
    assert first.cells[2].time.ToDatetime(UTC) == noon
    assert first.cells[3].duration.seconds == 90
    assert second.cells[1].number == 2


def test_a_column_may_say_what_it_is() -> None:
    """With its unit."""
    block = table([chat.Column(name="p95", type=chat.COLUMN_TYPE_NUMBER, unit="ms")], [(1.5,)], title="latency")

    assert (block.table.title, block.table.columns[0].unit) == ("latency", "ms")


def test_rows_are_as_long_as_there_are_columns() -> None:
    """A cell too many is a mistake."""
    with pytest.raises(ValueError, match="2 cells"):
        table(["a", "b"], [("x",)])


def test_links_are_web_pages() -> None:
    """Nothing else may be clicked."""
    assert link("https://example.org", "here").link.title == "here"
    with pytest.raises(ValueError, match="not an http address"):
        link("javascript:alert(1)")


def test_each_builder_makes_its_block() -> None:
    """By the names of the contract."""
    blocks = [
        text("a", tone=BAD),
        code("{}", language="json"),
        image(chat.BlobRef(sha256="0"), alt="a bell", width=2, height=1),
        progress("half", 0.5),
        progress("who knows"),
        question("sure?", choice("yes", "practice fire a")),
        failure("no", hint="yes"),
    ]

    kinds = ["text", "code", "image", "progress", "progress", "question", "failure"]
    assert [block.WhichOneof("kind") for block in reply(*blocks).blocks] == kinds
    assert not blocks[4].progress.HasField("done")


def test_every_public_name_is_there() -> None:
    """The names of the package are loaded when they are used."""
    for name in bellboard.__all__:
        assert getattr(bellboard, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = bellboard.nothing
