"""Words in a document are words, whatever they are: read back by a Markdown parser that knows nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bellboard_incidents.markdown import begin, code, image, item, link, one_line, table, text

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

NASTY = (
    *(
        "|",
        "\\",
        "\\|",
        "`",
        "``",
        "`|`",
        "*a*",
        "_b_",
        "~~c~~",
        "[x](javascript:1)",
        "![p](q)",
        "<b>",
        "<!--",
        "&amp;",
        "&#124;",
    ),
    *("# h", "- i", "+ i", "1. i", "1) i", "> q", "```", "~~~", "---", "===", "\r\n\r\n# h", "\u2028", "\x00", "\u202e", "a\\"),
)
TABLE = {"table", "thead", "tbody", "tr", "th", "td", "inline"}
words = st.one_of(st.text(max_size=80), st.lists(st.sampled_from([*NASTY, "a", " ", "\n"]), max_size=8).map("".join))


def said(tokens: list[Token] | None) -> str:
    """All the words of inline tokens."""
    return "".join(token.content for token in tokens or () if token.type in ("text", "code_inline"))


def kinds(tokens: list[Token] | None) -> set[str]:
    return {token.type for token in tokens or ()}


def cells(tokens: list[Token]) -> Iterator[Token]:
    """The inline token of each cell."""
    for before, token in pairwise(tokens):
        if before.type in ("td_open", "th_open"):
            yield token


@given(words, words, st.booleans())
@example("\\|", "|\\", True)
@example("`|`", "", True)
def test_a_cell_holds_its_words_and_nothing_else(first: str, second: str, as_code: bool) -> None:
    """As text and as code: the table keeps its columns, and nothing in them is markup."""
    write = code if as_code else text
    tokens = PARSER.parse(table(("a", "b"), [(write(first), write(second))]))

    assert {token.type.rpartition("_")[0] or token.type for token in tokens} <= TABLE
    found = list(cells(tokens))
    assert [said(cell.children) for cell in found[2:]] == [one_line(first), one_line(second)]
    assert all(kinds(cell.children) <= {"text", "code_inline"} for cell in found)


@given(words)
def test_an_item_holds_its_words_and_nothing_else(words: str) -> None:
    """One paragraph in one list, however the words begin."""
    tokens = PARSER.parse(item(begin(words)))

    opened = [token.type for token in tokens if token.type.endswith("_open")]
    assert opened == ["bullet_list_open", "list_item_open", *["paragraph_open"] * bool(one_line(words))]
    inline = [token for token in tokens if token.type == "inline"]
    assert [said(token.children) for token in inline] == ([one_line(words)] if one_line(words) else [])
    assert all(kinds(token.children) <= {"text"} for token in inline)


@given(words)
def test_a_line_holds_its_words_and_nothing_else(words: str) -> None:
    """One paragraph, and nothing before or behind it changes."""
    tokens = PARSER.parse(f"before\n\n{begin(words)}\n\nbehind")

    told = [said(token.children) for token in tokens if token.type == "inline"]
    assert told == ["before", *([one_line(words)] if one_line(words) else []), "behind"]
    assert all(token.type in ("paragraph_open", "paragraph_close", "inline") for token in tokens)


@given(words.filter(one_line))
def test_a_heading_holds_its_words_and_nothing_else(words: str) -> None:
    """It stays one heading."""
    tokens = PARSER.parse(f"# I7: {text(words)}")

    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert said(tokens[1].children) == f"I7: {one_line(words)}"


@given(words, words)
def test_a_link_leads_where_it_should(words: str, room: str) -> None:
    """Whatever its words are, and whatever its address holds."""
    tokens = PARSER.parse(link(words or "x", f"https://bells.example/#{room}"))[1].children or []

    assert [token.type for token in tokens if token.type.startswith("link")] == ["link_open", "link_close"]
    assert str(tokens[0].attrs["href"]).startswith("https://bells.example/#")
    assert said(tokens) == one_line(words or "x")


@given(words)
def test_a_picture_has_its_words(words: str) -> None:
    """For those who can't see it."""
    tokens = PARSER.parse(image(words, "https://bells.example/blob/graphs/ab?type=image%2Fpng"))[1].children or []

    assert [token.type for token in tokens] == ["image"]
    assert said(tokens[0].children) == one_line(words)


@given(st.text())
def test_one_line_is_one_line(words: str) -> None:
    """Without control characters, broken ones, and those that turn the direction."""
    line = one_line(words)

    assert line == one_line(line)
    assert len(line.splitlines()) <= 1
    assert line.encode().decode() == line
    assert "\u202e" not in line
