"""Lines with pipes: how they are read, and what a stage hands on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.grammar import NotUnderstood, Nowhere, Parsed, Vocabulary
from bellboard.grammar.pipes import join
from bellboard.replies import reply, table, text
from bellboard_gateway import house, stages
from bellboard_practice.bot import bot as practice
from bellboard_practice.v1 import practice_pb2

VOCABULARY = Vocabulary([practice.contract, house.bot.contract])


def read(line: str) -> tuple[Parsed, ...]:
    return stages.understand(VOCABULARY, line, Nowhere())


def refused(line: str) -> NotUnderstood:
    with pytest.raises(NotUnderstood) as caught:
        read(line)
    return caught.value


def test_each_stage_is_a_command() -> None:
    """In the order in which they stand."""
    parsed = read("practice list 4 |  practice total")
    assert [stage.command.name for stage in parsed] == ["practice list", "practice total"]
    assert join([stage.canonical for stage in parsed]) == "practice list 4 | practice total"


def test_what_people_meant_as_a_flag_is_no_text() -> None:
    """At the end of a text it would do for real what was to be rehearsed; behind `--` it is text, if it must be."""
    for flag in ("--sandbox", "--dry-run", "--SANDBOX"):
        error = refused(f"reject abcdef not today {flag}")
        assert error.reason == f"{flag.lower()} would be part of REASON here"
        assert error.line[error.caret :] == flag
        (parsed,) = read(f"reject abcdef -- not today {flag}")
        assert read(parsed.canonical)[0].request == parsed.request
    assert len(read("can I reject abcdef --sandbox")) == 1


def test_a_line_without_a_pipe_has_one_stage() -> None:
    """Also where what looks like one stands in quotes."""
    assert len(read("practice look here")) == 1
    assert len(read('practice look "a | b"')) == 1


@pytest.mark.parametrize(
    ("line", "points_at"),
    [
        ("practice list 3 | practice totl", "totl"),
        ("practice list 3 | practice total now", "now"),
        ("practice list x | practice total", "x"),
        ("practice list 3 | nonsense | practice total", "nonsense"),
        ("practice list 3 | practice look here", " "),
    ],
)
def test_the_caret_points_into_the_whole_line(line: str, points_at: str) -> None:
    """Whichever stage is wrong."""
    error = refused(line)
    assert error.line == line
    assert (error.line + "  ")[error.caret :].startswith(points_at)


def test_a_slip_in_a_stage_is_put_right_in_the_whole_line() -> None:
    """So that nobody types the other stages again; but never where a secret would be shown."""
    assert refused("practice list 3 | practice totl").corrected == "practice list 3 | practice total"
    assert refused("practice lst 3 | practice total").corrected == "practice list 3 | practice total"
    assert refused("practice list 3 | practice total now").corrected == ""
    assert refused("practice every north 3 --token hunter2 | practice totl").corrected == ""


@pytest.mark.parametrize("line", ["practice list 3 |", "| practice total", "practice list 3 | | practice total"])
def test_a_stage_that_is_empty_is_said_to_be(line: str) -> None:
    """Not that the line is."""
    error = refused(line)
    assert (error.reason, error.suggestion) == ("a stage of this pipe is empty", "leave out the |")


def test_what_changes_something_stands_last() -> None:
    """The stage is pointed at."""
    error = refused("practice list 3 | practice fire a | practice total")
    assert "can only stand last" in error.reason
    assert error.line[error.caret : error.caret + error.length] == "practice fire a"
    assert read("practice list 3 | practice fire a")[1].command.name == "practice fire"


def test_a_preview_at_the_end_is_of_the_last_stage() -> None:
    """What comes before it runs."""
    first, last = read("practice list 3 | practice fire a ?")
    assert (first.preview, last.preview) == (False, True)


def test_a_pipe_has_a_most_of_stages() -> None:
    """So that nobody fills the ledger with one line."""
    assert "at most 8" in refused(join(["practice list 3", *["practice total"] * 8])).reason


def test_a_pipe_in_words_for_people_is_one_of_them() -> None:
    """A reason is not parted, and a question about a pipe is about all of it."""
    assert len(read("reject abcdef cats | dogs")) == 1
    (asked,) = read("can I practice list 3 | practice total")
    assert asked.request.line == "practice list 3 | practice total"  # type: ignore[attr-defined]


def test_no_stage_shows_a_secret() -> None:
    """Neither in what was not understood, nor in a question about it."""
    error = refused("practice list 3 | practice every north 3 --token hush | nonsense")
    assert "hush" not in error.line
    assert "hush" not in stages.discreet(VOCABULARY, "practice list 3 | practice every north 3 --token hush")


def test_the_next_stage_has_an_id_that_follows() -> None:
    """The same for every replica, and another for each stage."""
    envelope = pb.Envelope(id="a", pipe=["b", "c"])
    following = stages.next_id(envelope)
    assert following == stages.next_id(envelope)
    assert following != stages.next_id(pb.Envelope(id=following, stage=1, pipe=["c"]))
    assert stages.next_id(pb.Envelope(id="a")) == ""


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("practice li", 0),
        ("practice list 3 | prac", 18),
        ("practice list 3 | ", 18),
        ("a | b | c ", 8),
        ('practice look "a | b', 0),
    ],
)
def test_completion_is_of_the_stage_where_the_cursor_is(text: str, start: int) -> None:
    """Whatever stands before it."""
    assert stages.stage_at(text, len(text)) == start
    assert stages.stage_at(f"{text} | more", len(text)) == start


LISTS = next(command for command in practice.contract.commands if command.method == "List")
LOOKS = next(command for command in practice.contract.commands if command.method == "Look")
FIVE, TWO = (table(["number"], [(n,) for n in range(count)]) for count in (5, 2))


def test_the_tables_of_the_response_come_first() -> None:
    """What people see may be less."""
    result = practice_pb2.ListResponse(table=FIVE.table).SerializeToString()
    assert stages.table_of(LISTS, result, reply(TWO)) == FIVE.table
    assert stages.table_of(LISTS, b"", reply(TWO)) is None
    assert stages.table_of(LISTS, b"\xff", reply(TWO)) is None


def test_else_the_first_table_that_is_shown_is_handed_on() -> None:
    """Whatever stands around it."""
    assert stages.table_of(LOOKS, b"", reply(text("two"), TWO, FIVE)) == TWO.table
    assert stages.table_of(LOOKS, b"", chat.Reply()) is None


WORDS = st.sampled_from(
    ["practice", "list", "3", "total", "|", "||", "fire", "a", "?", "!", '"', "'", "--sandbox", "can", "I", ""]
)


@given(
    st.one_of(st.lists(WORDS, max_size=20).map(" ".join), st.text(alphabet="practice list|'\"?!-= <>“”—\u00a0x3", max_size=80))
)
def test_no_line_with_pipes_breaks_the_reading_of_it(line: str) -> None:
    """It is understood, or it is said what is wrong and where."""
    try:
        parsed = read(line)
    except NotUnderstood as wrong:
        error = wrong
    else:
        again = read(join([stage.canonical for stage in parsed]))
        assert [stage.canonical for stage in again] == [stage.canonical for stage in parsed]
        return
    assert 0 <= error.caret <= len(error.line) + 1
