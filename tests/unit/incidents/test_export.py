"""The post-mortem: the same incident gives the same document, and a Markdown parser reads back what was put in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bellboard_incidents.export import MOST, document
from bellboard_incidents.gather import belonging, gather, still_open
from bellboard_incidents.model import NOTE, Incident, put_together
from bellboard_incidents.record import MISSING, Row
from tests.unit.incidents.stories import (
    CLOSING,
    ENTRIES,
    GOLDEN,
    MARKS,
    NOON,
    OPENING,
    ROWS,
    WEB,
    bare,
    documents,
    entry,
    row,
    whole,
)

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def body(written: str) -> str:
    """What stands behind the front matter."""
    return written.split("\n---\n", 1)[1]


def front(written: str) -> dict[str, Any]:
    """The front matter."""
    loaded: dict[str, Any] = yaml.safe_load(written.split("\n---\n", 1)[0].removeprefix("---\n"))
    return loaded


def headings(written: str) -> list[str]:
    return [token.content for before, token in pairwise(PARSER.parse(body(written))) if before.type == "heading_open"]


def rows_of(written: str, section: str) -> list[list[str]]:
    """The cells of the table below a heading, as a parser gives them."""
    tokens = PARSER.parse(body(written).split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0])
    rows: list[list[str]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("td_open", "th_open"):
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows[1:]


@pytest.mark.parametrize("name", ["whole.md", "bare.md"])
def test_the_document_is_as_it_was(name: str) -> None:
    """To the letter; ``python -m tests.unit.incidents.stories`` writes it anew."""
    assert documents()[name] == (GOLDEN / name).read_text()


def test_the_front_matter_is_read_back() -> None:
    """Id, title, severity, times, roles, who was on call."""
    facts = front(documents()["whole.md"])

    assert (facts["id"], facts["title"], facts["severity"], facts["worst_severity"]) == ("I7", OPENING.title, 3, 1)
    assert (facts["opened"], facts["closed"], facts["duration"]) == ("2026-11-23T12:00:00Z", "2026-11-23T12:21:00Z", "21 min")
    assert facts["roles"] == {"lead": "ann", "scribe": "bo"}
    assert facts["on_call"] == ["ann, bo (P5, payments, taken by ann)", "ann until 17:00, then bo"]


def test_every_section_is_there() -> None:
    """In the order in which it is read."""
    told = headings(documents()["whole.md"])

    assert told[:10] == [
        "I7: checkout fails &#124; for \\*everybody\\*",
        *("Summary", "Impact", "People", "Timeline", "Deploys", "Alerts and pages", "Locks and freezes"),
        *("Graphs and answers", "What stayed open"),
    ]


def test_the_timeline_holds_what_belongs_to_it() -> None:
    """Deploys and alerts of the half hour before, what was typed and said until the end, and its thread after that."""
    rows = rows_of(documents()["whole.md"], "Timeline")

    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    words = [row[3] for row in rows]
    assert "nobody can pay | really |" in words
    assert "logs shop /a|b/ --since 20m" in words
    assert "see https://example.org" in words
    assert "thanks!" not in words, "it was said in the room, after the end"
    assert "good morning" not in words, "it was said before the beginning"
    assert "elsewhere" not in words, "that graph was looked at in another room"
    assert not [word for word in words if word.startswith(("record", "incident", "alert show"))]


def test_what_stayed_open_is_to_be_ticked_off() -> None:
    """What burned or was held when it was closed, and what notes leave to be done."""
    left = body(documents()["whole.md"]).split("## What stayed open\n\n")[1].split("\n\n##")[0].splitlines()

    assert [line.split(":")[0] for line in left] == ["- [ ] K2", "- [ ] A4", "- [ ] todo"]


def test_pictures_and_cards_are_linked() -> None:
    """By the address of the page; without one they are named."""
    whole, bare = documents()["whole.md"], documents()["bare.md"]

    tokens = [child for token in PARSER.parse(body(whole)) for child in token.children or ()]
    sources = [str(child.attrs["src"]) for child in tokens if child.type == "image"]
    assert sources == [f"{WEB}/blob/graphs/{'ab' * 32}?type=image%2Fpng&size=1234"]
    links = {str(child.attrs["href"]) for child in tokens if child.type == "link_open"}
    assert f"{WEB}/#ops/back142" in links
    assert all(address.startswith(f"{WEB}/#ops/") for address in links)
    assert "](" not in bare


def test_what_is_missing_is_said() -> None:
    """Where there is no record, and where the record has a gap."""
    gap = Row(NOON, MISSING, words="too much happened")
    told = gather(whole(), MARKS, [gap, *ROWS], NOON + 3600)

    assert "could not be had" in documents()["bare.md"]
    assert told.missing == ["some of what was typed and said, from 2026-11-23 12:00:00 UTC on: too much happened"]
    assert "too much happened" in document(whole(), told, now=NOON + 3600)


def test_without_a_record_looks_are_told_by_their_time() -> None:
    """A graph of its time may belong to it; an answer given in another room does not."""
    marks = [
        replace(MARKS[3], id="G1"),
        replace(MARKS[5], id="L1", detail={"room": "play"}),
        replace(MARKS[5], detail={"room": "ops"}),
    ]

    assert [mark.id for mark in belonging(whole(), marks, NOON + 3600)] == ["G1", "L4"]


def test_what_ends_later_stayed_open() -> None:
    """At the end of the incident it was not over."""
    later = replace(MARKS[1], until=NOON + 3000)

    assert [mark.id for mark in still_open(whole(), [later, MARKS[1]], NOON + 3600)] == ["A3"]


def test_a_long_timeline_says_what_it_leaves_out() -> None:
    """The newest are kept."""
    many = [row(one / 1000, "bo", f"line {one}", kind="talk", id=f"t{one}") for one in range(MOST + 100)]
    written = document(bare(), gather(bare(), [], many, NOON + 3600), now=NOON + 3600)

    assert len(rows_of(written, "Timeline")) == MOST
    assert "101 earlier rows are left out." in written


nasty = st.one_of(
    st.text(max_size=60), st.sampled_from(["a|b", "\n\n# h", "```", "---\n", "<script>", "![a](b)", "\\", "&lt;", "- x"])
)


@settings(max_examples=40, deadline=None)
@given(nasty, nasty, nasty, nasty)
def test_no_words_break_a_document(title: str, said: str, outcome: str, who: str) -> None:
    """Whatever anybody types, says or is called: every section and every row is there, and none more."""
    plain = document(_with("t", "s"), _gathered(_with("t", "s"), "s", "o", "w"), now=NOON)
    incident = _with(title, said)
    written = document(incident, _gathered(incident, said, outcome, who), now=NOON, web=WEB)

    rows = rows_of(written, "Timeline")
    assert [len(row) for row in rows] == [6] * len(rows_of(plain, "Timeline"))
    assert len(headings(written)) == len(headings(plain))
    assert not [token for token in PARSER.parse(body(written)) if token.type in ("html_block", "fence", "code_block")]
    assert front(written)["id"] == "I7"


def _with(title: str, said: str) -> Incident:
    opening = replace(OPENING, title=title)
    return put_together(opening, replace(CLOSING, words=said), [*ENTRIES, entry(5, NOTE, said, by=title)])


def _gathered(incident: Incident, said: str, outcome: str, who: str) -> Any:
    rows = [*ROWS, row(6, who, said, outcome=outcome), row(7, who, said, kind="talk")]
    marks = [replace(mark, title=f"{said} {outcome}", state="firing", app=who) for mark in MARKS]
    return gather(incident, marks, rows, NOON + 3600)
