"""A line as typed becomes a line as read; what a line may not hold is refused."""

from __future__ import annotations

import pytest

from bellboard.grammar import MAX_BYTES, MAX_WORDS, NotUnderstood, normalise


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ('meme ship-it "a" "b"', 'meme ship-it "a" "b"'),
        ("  a\tb\u00a0c\u3000d \n", "a b c d"),
        ("say “hello world” now", 'say "hello world" now'),
        ("say „hello world“", 'say "hello world"'),
        ("say «hello world»?", 'say "hello world"?'),
        ("say ‘hello world’", "say 'hello world'"),
        ("say don’t", "say don't"),
        ("top=“a b”", 'top="a b"'),
        ("say “don’t”", 'say "don’t"'),
        ('say "he said “hi” to me"', 'say "he said “hi” to me"'),
        ('say “5" wide”', 'say "5\\" wide"'),
        ("ship —canary 10 –soak 5m", "ship --canary 10 --soak 5m"),
        ("ship — rest", "ship -- rest"),
        ("add –5", "add -5"),
        ("say “a — b”", 'say "a — b"'),
        ("10–20", "10–20"),
        ("ship\u2011it \u22125", "ship-it -5"),
        ("look <http://shop.example|shop.example>", "look shop.example"),
        ("look <https://shop.example/a|shop.example/a>?", "look shop.example/a?"),
        ("look <https://shop.example/?a=b>", "look https://shop.example/?a=b"),
        ("look <http://evil.example|shop.example>", "look http://evil.example"),
        ("mail <mailto:a@b.example|a@b.example>", "mail a@b.example"),
        ("page <@U123|ann>, now", "page @U123, now"),
        ("page <@U123> in <#C9|ops>", "page @U123 in #C9"),
        ("who=<@U123>", "who=@U123"),
        ("a < b > c", "a < b > c"),
        ("a <b> c", "a <b> c"),
        ("a <", "a <"),
        ("a <@", "a <@"),
        ("a <>", "a <>"),
        ("a <@x y>", "a <@x y>"),
        ("cafe\u0301", "café"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_keyboards_and_chat_systems_do_is_undone(typed: str, read: str) -> None:
    """And what is within quotes stays as it is."""
    assert normalise(typed) == read
    assert normalise(read) == read


@pytest.mark.parametrize(
    "line",
    [
        'meme picture "何これ"', "say привет", "say שלום", "say สวัสดี", "say नमस्ते", "say 👍🏽 ❤️ 👩‍💻 🏳️‍🌈 1️⃣ ☎︎", "say 🫨 new",
        "say naïve Ærøskøbing", "deploy東京", "say ½ µs", "say a\u0301\u0323b",
    ],
)  # fmt: skip
def test_text_of_any_one_script_is_fine(line: str) -> None:
    """Emoji and their joiners too, those newer than this Python included."""
    assert normalise(line)


@pytest.mark.parametrize(
    ("line", "caret", "length", "reason"),
    [
        ("roll 2\x00d6", 6, 1, "a control character (U+0000)"),
        ("roll \x1b[31m", 5, 1, "a control character (U+001B)"),
        ("roll\x7f", 4, 1, "a control character (U+007F)"),
        ("roll\nroll", 4, 1, "a line break (U+000A)"),
        ("roll\u2028roll", 4, 1, "can't be seen (U+2028)"),
        ("roll \u202e6d2", 5, 1, "turns the direction of text (U+202E)"),
        ("roll \u2066d6", 5, 1, "turns the direction of text (U+2066)"),
        ("roll \u200fd6", 5, 1, "turns the direction of text (U+200F)"),
        ("ro\u200bll", 2, 1, "can't be seen (U+200B)"),
        ("ro\u00adll", 2, 1, "can't be seen (U+00AD)"),
        ("ro\ufeffll", 2, 1, "can't be seen (U+FEFF)"),
        ("a\u200db", 1, 1, "can't be seen (U+200D)"),
        ("a\ufe0fb", 1, 1, "can't be seen (U+FE0F)"),
        ("a\ufe00", 1, 1, "can't be seen (U+FE00)"),
        ("\u200d👍", 0, 1, "can't be seen (U+200D)"),
        ("say \u3164", 4, 1, "can't be seen (U+3164)"),
        ("say \U000e0041", 4, 1, "can't be seen (U+E0041)"),
        ("say \ue000", 4, 1, "can't be seen (U+E000)"),
        ("say \ud83d", 4, 1, "half a character (U+D83D)"),
        ("say \U0010ffff", 4, 1, "can't be seen (U+10FFFF)"),
        ("deploy shоp", 7, 4, "mixes letters of scripts that look alike"),
        ("dеploy shop", 0, 6, "mixes letters of scripts that look alike"),
        ("say \"prοd\"", 4, 6, "mixes letters of scripts that look alike"),
        ("say ｐrod", 4, 4, "mixes letters of scripts that look alike"),
        ("say 𝐩rod", 4, 4, "mixes letters of scripts that look alike"),
        ("say Αлфа", 4, 4, "mixes letters of scripts that look alike"),
        ("say a" + "\u0301" * 7, 11, 1, "too many accents"),
    ],
)  # fmt: skip
def test_what_can_not_be_seen_or_looks_like_something_else_is_refused(line: str, caret: int, length: int, reason: str) -> None:
    """Where it stands is shown; the line that is shown holds none of it."""
    with pytest.raises(NotUnderstood) as raised:
        normalise(line)

    error = raised.value
    assert reason in error.reason
    assert (error.caret, error.length) == (caret, length)
    assert all(character.isprintable() for character in error.line)
    assert len(error.line) == len(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x" * (MAX_BYTES + 1), "longer than 4 KiB"),
        ("ä" * (MAX_BYTES // 2 + 1), "longer than 4 KiB"),
        ("x" * 2**20, "longer than 4 KiB"),
        ("\u202e" * 2**20, "longer than 4 KiB"),
        ("roll " + "x " * MAX_WORDS, "more than 64 words"),
        ("x\u00a0" * 65, "more than 64 words"),
        ("\x00 " * 65, "more than 64 words"),
    ],
)
def test_size_is_looked_at_first(line: str, reason: str) -> None:
    """Whatever else is wrong; and what is shown of it is short, and safe."""
    with pytest.raises(NotUnderstood, match=reason) as raised:
        normalise(line)

    assert len(raised.value.line) <= 81
    assert raised.value.line.isprintable()


def test_the_largest_line_is_taken() -> None:
    """Exactly 4 KiB, exactly 64 words."""
    assert len(normalise("x" * MAX_BYTES)) == MAX_BYTES
    assert len(normalise("x " * MAX_WORDS).split()) == MAX_WORDS
