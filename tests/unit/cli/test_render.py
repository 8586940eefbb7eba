"""Blocks in a terminal."""

from __future__ import annotations

import io

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard_cli.render import plain, render


def _shown(*blocks: chat.Block) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False)
    for item in render(blocks, lambda blob: f"http://here/blob/{blob.sha256}"):
        console.print(item)
    return out.getvalue()


def test_text_is_shown_as_it_is() -> None:
    """Rich's markup means nothing in what a bot says."""
    assert _shown(chat.Block(text=chat.Text(text="[red]no[/red] markup"))) == "[red]no[/red] markup\n"


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\r", "\x9b31m", "\u202e", "\u2066"])
def test_nothing_a_bot_says_moves_the_terminal(evil: str) -> None:
    """Escape sequences, bells and direction marks are replaced."""
    assert evil not in plain(f"a{evil}b")
    assert evil not in _shown(chat.Block(text=chat.Text(text=f"a{evil}b")))
    assert evil not in _shown(chat.Block(code=chat.Code(text=f"a{evil}b", language="json")))


def test_lines_and_tabs_stay() -> None:
    """Code keeps its shape."""
    assert plain("a\n\tb") == "a\n\tb"


def test_a_table_shows_every_kind_of_cell() -> None:
    """Numbers with their unit, moments, lengths of time, and nothing."""
    columns = [
        chat.Column(name="who"),
        chat.Column(name="took", type=chat.COLUMN_TYPE_NUMBER, unit="ms"),
        chat.Column(name="when", type=chat.COLUMN_TYPE_TIME),
        chat.Column(name="for", type=chat.COLUMN_TYPE_DURATION),
        chat.Column(name="?"),
    ]
    cells = [
        chat.Cell(text="web"),
        chat.Cell(number=1234.5),
        chat.Cell(time=Timestamp(seconds=1_000_000_000)),
        chat.Cell(duration=Duration(seconds=90)),
        chat.Cell(),
    ]
    shown = _shown(chat.Block(table=chat.Table(title="Times", columns=columns, rows=[chat.Row(cells=cells)])))

    for expected in ("Times", "web", "took (ms)", "1,234.5", "2001-09-09 01:46:40Z", "0:01:30"):
        assert expected in shown


def test_a_picture_is_its_words_and_where_to_find_it() -> None:
    """A terminal shows no pictures."""
    image = chat.Image(alt="a rocket", blob=chat.BlobRef(sha256="ab12"))

    assert _shown(chat.Block(image=image)) == "[a rocket] http://here/blob/ab12\n"


def test_a_chart_without_a_picture_is_shown_as_its_words() -> None:
    """There is no address to give."""
    assert _shown(chat.Block(chart=chat.Chart(alt="going up", spec="{}"))) == "[going up]\n"


def test_a_chart_is_shown_as_its_picture() -> None:
    """Its specification is for browsers."""
    chart = chat.Chart(alt="going up", spec="{}", picture=chat.BlobRef(sha256="cd34"))

    assert _shown(chat.Block(chart=chart)) == "[going up] http://here/blob/cd34\n"


def test_a_question_shows_the_lines_to_type() -> None:
    """The answer to a question is another line."""
    question = chat.Question(text="Sure?", choices=[chat.Choice(label="Yes", line="practice fire a")])

    assert _shown(chat.Block(question=question)) == "Sure?\n  Yes:  practice fire a\n"


def test_a_failure_shows_cause_way_out_and_trace() -> None:
    """In this order."""
    failure = chat.Failure(text="no such app", hint="try shop", trace_id="abc")

    assert _shown(chat.Block(failure=failure)) == "no such app\ntry shop\ntrace abc\n"


def test_progress_shows_its_share_if_it_has_one() -> None:
    """Unknown is not nought."""
    assert _shown(chat.Block(progress=chat.Progress(text="working"))) == "working\n"
    assert _shown(chat.Block(progress=chat.Progress(text="working", done=0.0))) == "working 0%\n"


def test_links_and_code_are_shown() -> None:
    """A link with its title, code as it is."""
    assert _shown(chat.Block(link=chat.Link(title="runbook", url="https://example.com/r"))) == "runbook https://example.com/r\n"
    assert _shown(chat.Block(code=chat.Code(text="a  b"))) == "a  b\n"


def test_a_block_of_a_kind_unknown_to_us_is_left_out() -> None:
    """A newer gateway may send one."""
    assert _shown(chat.Block()) == ""
