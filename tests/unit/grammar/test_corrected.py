"""The whole line put right, where one slip is all that was found: what the page offers to take."""

from __future__ import annotations

import pytest
from hypothesis import given

from bellboard.grammar import NotUnderstood, Nowhere, Vocabulary
from tests.unit.contract.making import Room, arg, command, contract
from tests.unit.grammar.test_properties import KNOWN_LINES, LINES, SHIPPED

EVERY = "practice every north 3"

SLIPS = [
    ('meme shipit "a b" c', 'meme ship-it "a b" c'),
    ('meme template=shipit "a b"', 'meme template=ship-it "a b"'),
    ('meme "shipit" a', "meme ship-it a"),
    ('mem ship-it "a b"', 'meme ship-it "a b"'),
    ("mem list", "meme list"),
    ("meme lst", "meme list"),
    ("meme LITS?", "meme list?"),
    ("meem list?", "meme list?"),
    ("practice frie a", "practice fire a"),
    ("practice", "practice look"),
    (f"{EVERY} --luod --for 1h", f"{EVERY} --loud --for 1h"),
    (f"{EVERY} --luod=yes", f"{EVERY} --loud=yes"),
    (f"{EVERY} --who @ani", f"{EVERY} --who @ann"),
    (f"{EVERY} --where=#opps", f"{EVERY} --where=#ops"),
    ("practice look -wait 3s", "practice look --wait 3s"),
    ("practice look -nothing", 'practice look "-nothing"'),
    ('practice look "a b', 'practice look "a b"'),
    ("roll 2d6?", "roll 2d6"),
    ("roll 2d6 --dry-run", "roll 2d6"),
]


@pytest.mark.parametrize(("line", "right"), SLIPS)
def test_a_slip_is_put_right_and_the_rest_of_the_line_is_kept(line: str, right: str) -> None:
    """What was typed behind the slip is not typed again."""
    with pytest.raises(NotUnderstood) as raised:
        SHIPPED.parse(line, Room())

    assert raised.value.corrected == right


@pytest.mark.parametrize(
    "line",
    [
        *("", "nonsense", "practice nonsense", "meme", "meme list x", "meme template=lst", "meme --template lst", 'meme "lst"'),
        *(f"{EVERY} --loud --loud", "roll \a"),
    ],
)
def test_what_is_no_slip_is_put_right_by_nobody(line: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(NotUnderstood) as raised:
        SHIPPED.parse(line, Room())

    assert raised.value.corrected == ""


@pytest.mark.parametrize(
    ("line", "right"),
    [("dpeloy shop v2", "deploy shop v2"), ("dpeloy shwo D1", "deploy show D1"), ("dpeloy show D1", "deploy show D1")],
)
def test_what_a_command_is_known_to_take_is_no_slip_of_a_longer_phrase(line: str, right: str) -> None:
    """Though the app's name is but a letter away from it."""
    start = command("deploy", arg("app", position=1, suggestions=["shop"]), arg("version", position=2), method="Start")
    vocabulary = Vocabulary([contract(start, command("deploy show", arg("id", position=1), method="Show"))])

    with pytest.raises(NotUnderstood) as raised:
        vocabulary.parse(line, Room())

    assert raised.value.corrected == right


def test_a_picture_is_only_offered_where_there_is_one() -> None:
    """Whoever took the offer would be told the same again."""
    for word in ("last", "nope"):
        with pytest.raises(NotUnderstood, match="no picture here yet, so upload one") as raised:
            SHIPPED.parse(f"meme picture a --on {word}", Nowhere())
        assert raised.value.corrected == ""

    with pytest.raises(NotUnderstood, match="there is no picture “nope” here") as raised:
        SHIPPED.parse("meme picture a --on nope", Room())
    assert raised.value.corrected == "meme picture a --on last"


def test_no_line_with_a_secret_is_put_right() -> None:
    """It would be shown."""
    toys = Vocabulary([contract(command("login", arg("token", secret=True), arg("loud", "bool")))])

    for line in ("login --token hunter2 --luod", "login --luod --token hunter2", 'login --token "hunter2'):
        with pytest.raises(NotUnderstood) as raised:
            toys.parse(line, Room())
        assert raised.value.corrected == ""


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("roll \a", "leave it out"),
        ("roll \u202e2d6", "leave it out"),
        ("roll 1\nroll 2", "say one line at a time"),
        ("r\u043ell", "type the word anew, in one script"),
        ("roll a" + "\u0301" * 9, "leave some of them out"),
    ],
)
def test_a_character_that_may_not_stand_there_says_what_to_do(line: str, remedy: str) -> None:
    """As with every other mistake."""
    with pytest.raises(NotUnderstood) as raised:
        SHIPPED.parse(line, Room())

    assert raised.value.suggestion == remedy


@given(LINES | KNOWN_LINES)
def test_a_line_that_was_put_right_has_another_mistake_or_none(line: str) -> None:
    """Else whoever takes what is offered is offered the same again."""
    wrong = mistake(line)
    if wrong is None or not wrong.corrected:
        return
    left = mistake(wrong.corrected)

    assert left is None or (left.line, left.reason) != (wrong.line, wrong.reason)


def mistake(line: str) -> NotUnderstood | None:
    try:
        SHIPPED.parse(line, Room())
    except NotUnderstood as error:
        return error
    return None
