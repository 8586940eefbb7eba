"""What is heard in talk: a few fixed shapes, whatever is typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Command
from bellboard_gateway.triggers import HEARD, MOST, is_error, matches, names_in
from tests.unit.contract.making import arg, contract
from tests.unit.contract.making import command as making

COMMAND: Command = contract(making("toy", arg("a", position=1))).commands[0]
PEOPLE = frozenset({"ann", "bo.diaz", "cy"})


def trigger(**shape: Any) -> options.TriggerOptions:
    return options.TriggerOptions(name=next(iter(shape)).replace("_", "-"), help="it helps", field="a", **shape)


PLUS = trigger(person_suffix=options.PersonSuffix(suffix="++"))
OPS = trigger(numbered_id=options.NumberedId(prefix="OPS-"))
ANY = trigger(numbered_id=options.NumberedId())
ONCALL = trigger(name_prefix=options.NamePrefix(prefix="oncall-"))
PASTED = trigger(pasted_error=options.PastedError())
OWN = trigger(own_id=options.OwnId())
ALL = (PLUS, OPS, ONCALL, PASTED, OWN)


def heard(text: str, *triggers: options.TriggerOptions) -> list[str]:
    return [match.value for match in matches(text, [(COMMAND, one) for one in triggers], PEOPLE.__contains__)]


@pytest.mark.parametrize(
    ("text", "one", "values"),
    [
        ("@ann++ for the fix", PLUS, ["ann"]),
        ("thanks @bo.diaz++, @cy++!", PLUS, ["bo.diaz", "cy"]),
        ("@ann+++ @nobody++ ann++ @ann ++ x@ann++", PLUS, []),
        ("see OPS-17, or (OPS-18).", OPS, ["OPS-17", "OPS-18"]),
        ("PAY-1 DEVOPS-17 ops-17 OPS-17-1 OPS-0 https://x.io/OPS-17 a.OPS-17 OPS-17.md", OPS, []),
        ("PAY-1 and OPS-2: both", ANY, ["PAY-1", "OPS-2"]),
        ("@oncall-payments the till is down", ONCALL, ["payments"]),
        ("hey @OnCall-Shop-EU.", ONCALL, ["shop-eu"]),
        ("@oncall- @oncall mail@oncall-shop @noncall-shop", ONCALL, []),
        ("is D142 out? I7, too", OWN, ["D142", "I7"]),
        ("d142 D0 D1x XD1 D142-rc1 #D3 D142.txt Z9 /D142", OWN, []),
    ],
)
def test_a_shape_is_heard_as_a_word_of_its_own(text: str, one: options.TriggerOptions, values: list[str]) -> None:
    """And not within addresses, paths and other words."""
    assert heard(text, one) == values


ERRORS = [
    "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'token'",
    "java.lang.IllegalStateException: no\n\tat com.acme.Pay.run(Pay.java:12)",
    'Exception in thread "main" java.lang.Error',
    "panic: runtime error: index out of range\n\ngoroutine 1 [running]:",
    "TypeError: undefined is not a function\n    at pay (/srv/pay.js:12:3)",
    "ERROR payment token mismatch",
    "2026-11-22T10:12:03.123Z ERROR web payment token mismatch",
    "10:12:03.123 ERROR web v2 web-1 payment token mismatch",
    "2026/11/22 10:12:03 [error] 7#7: upstream timed out",
    '{"ts": "2026-11-22T10:12:03Z", "level": "error", "msg": "payment token mismatch"}',
    "time=10:12 level=error msg=nope",
]


@pytest.mark.parametrize("text", ERRORS)
def test_a_pasted_error_is_recognised(text: str) -> None:
    """In the languages and forms that people paste."""
    assert heard(text, PASTED) == [text]


@pytest.mark.parametrize("text", ["an error, I think", "the ERROR rate is up", "at last (we are done)", "level 3", "I errored"])
def test_talk_about_errors_is_none(text: str) -> None:
    """Only what a program says counts."""
    assert heard(text, PASTED) == []


def test_a_pasted_error_may_need_lines() -> None:
    """A contract may want more than one."""
    three = trigger(pasted_error=options.PastedError(min_lines=3))

    assert heard(ERRORS[5], three) == []
    assert heard(f"{ERRORS[5]}\n\n a\n", three) == []
    assert heard(f"{ERRORS[5]}\na\nb", three) == [f"{ERRORS[5]}\na\nb"]


def test_what_stands_in_a_pasted_error_is_not_heard_besides() -> None:
    """Nobody said it."""
    text = "ERROR OPS-17 broke D142\n@ann++"

    assert heard(text, *ALL) == [text]


def test_a_line_calls_at_most_three_commands_and_none_twice() -> None:
    """However many ids it holds."""
    assert heard("D1 D2 D1 D3 D4", OWN) == ["D1", "D2", "D3"]


def test_a_command_has_its_own_number_whatever_stands_beside_it() -> None:
    """So the same message brought again is the same command, though a helper was switched on meanwhile."""
    both = matches("OPS-1 D2", [(COMMAND, OPS), (COMMAND, OWN)], PEOPLE.__contains__)
    alone = matches("OPS-1 D2", [(COMMAND, OWN)], PEOPLE.__contains__)

    assert both[1].ordinal == alone[0].ordinal != both[0].ordinal
    assert all(0 < one.ordinal < 2**32 for one in both)


def test_names_are_found_in_talk() -> None:
    """In small letters, once each, without what ends a sentence, and not in addresses."""
    assert names_in("@Ann, see @bo.diaz. mail cy@home.org @ann") == ["ann", "bo.diaz"]
    assert len(names_in(" ".join(f"@a{n}" for n in range(100)))) == 20


PIECES = st.sampled_from(
    [
        "@",
        "ann",
        "++",
        "+",
        "OPS-",
        "-",
        "17",
        "D",
        "1",
        "0",
        " ",
        "\n",
        "\t",
        ".",
        ":",
        "at ",
        "(",
        ")",
        "Error",
        "Exception",
        "a.",
        "ERROR",
        "[",
        "]",
        "2026-11-22",
        "{",
        '"level"',
        "=",
        "oncall-",
        "Traceback",
        "é",
        "\u202e",
        "\ud800",
        "\0",
        '  File "',
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_whatever_is_typed_is_heard_without_harm(text: str) -> None:
    """At most three, each of them a piece of the line."""
    found = heard(text, *ALL, ANY)

    assert len(found) <= MOST
    assert all(value in text or value in text.lower() for value in found)


@settings(max_examples=60, deadline=None)
@given(PIECES, PIECES, st.integers(1, 3))
def test_the_longest_lines_take_no_time(one: str, other: str, count: int) -> None:
    """64 KiB of anything, repeated: the work is bounded by what is listened to, or this test would never end."""
    text = (one * count + other) * (64 * 1024)

    assert len(heard(text[: 64 * 1024], *ALL, ANY)) <= MOST
    assert len(text) >= HEARD
    names_in(text[: 64 * 1024])
    is_error(text[: 64 * 1024])
