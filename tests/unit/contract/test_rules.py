"""Every rule that a contract can break, each broken alone."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.contract import IDEMPOTENT, ONCE, READ, Contract
from bellboard.contract.files import digest_of
from bellboard.errors import ContractError
from tests.unit.contract.making import COLOUR, DURATION, PICTURE, Method, announce, arg, command, contract

REST: dict[str, Any] = {"kind": options.ARGUMENT_KIND_REST}
PERSON: dict[str, Any] = {"kind": options.ARGUMENT_KIND_PERSON}

BROKEN = {
    "phrase missing": (command(""), "is not 1 to 5 words"),
    "phrase with signs": (command("toy/now"), "is not 1 to 5 words"),
    "phrase too long": (command("a b c d e f"), "is not 1 to 5 words"),
    "alias with signs": (command("toy", aliases=["to_y"]), "is not 1 to 5 words"),
    "alias of itself": (command("toy", aliases=["Toy"]), "is there twice"),
    "no summary": (command("toy", summary=""), "the summary is not one line"),
    "summary of two lines": (command("toy", summary="a\nb"), "the summary is not one line"),
    "endless deadline": (command("toy", deadline={"seconds": 90_000}), "the deadline is not"),
    "deadline of nothing": (command("toy", deadline={"seconds": 0}), "the deadline is not"),
    "preview of a read": (command("toy", dry_run=True), "has nothing to preview"),
    "no reply": (Method("Play", (), {"phrase": "toy", "summary": "s", "effect": READ}, reply=False), "has no field “reply”"),
    "client stream": (
        Method("Play", (), {"phrase": "toy", "summary": "s", "effect": READ}, client_streaming=True),
        "one request, not a stream",
    ),
    "gap": (command("toy", arg("a", position=1), arg("b", position=3)), "the positions are not 1, 2, 3"),
    "same place": (command("toy", arg("a", position=1), arg("b", position=1)), "the positions are not 1, 2, 3"),
    "behind the rest": (command("toy", arg("a", position=1, **REST), arg("b", position=2)), "takes all that is left"),
    "behind what is repeated": (
        command("toy", arg("a", repeated=True, position=1), arg("b", position=2, default="x")),
        "takes all that is left",
    ),
    "must behind may": (command("toy", arg("a", position=1, default="x"), arg("b", position=2)), "b must be given"),
    "place and word": (command("toy", arg("a", position=1, word="to")), "both a position and a word"),
    "same flag": (command("toy", arg("a"), arg("b", flag="a")), "the flag --a is there twice"),
    "same word": (command("toy", arg("a", word="to"), arg("b", word="to")), "the small word “to” is there twice"),
    "reserved flag": (command("toy", arg("dry_run", "bool")), "can't have the flag --dry-run"),
    "loud word": (command("toy", arg("a", word="To")), "can't have the word"),
    "bytes": (command("toy", arg("a", "bytes")), "can't be typed"),
    "message": (command("toy", arg("a", ".bellboard.api.chat.v1.Link")), "can't be typed"),
    "person of numbers": (command("toy", arg("a", "int32", **PERSON)), "a kind that its type can't have"),
    "default of no number": (command("toy", arg("a", "int32", default="x")), "the default of a is none"),
    "default of no choice": (command("toy", arg("a", COLOUR, default="pink")), "the default of a is none"),
    "default out of bounds": (command("toy", arg("a", "int32", default="3", max=2)), "the default of a is none"),
    "default person": (command("toy", arg("a", default="ann", **PERSON)), "can't have a default"),
    "default picture": (command("toy", arg("a", PICTURE, default="last")), "the default of a is none"),
    "must and default": (command("toy", arg("a", required=True, default="x")), "must be given, and has a default"),
    "secret number": (command("toy", arg("a", "int32", secret=True)), "secret, but not a single string"),
    "secrets": (command("toy", arg("a", repeated=True, secret=True)), "secret, but not a single string"),
    "open secret": (command("toy", arg("a", secret=True, default="x")), "everyone can read"),
    "switches": (command("toy", arg("a", "bool", repeated=True)), "can't be repeated"),
    "bounds of a switch": (command("toy", arg("a", "bool", max=1)), "can't have bounds"),
    "bounds of a length of time": (command("toy", arg("a", DURATION, max=1)), "can't have bounds"),
    "bounds the wrong way round": (command("toy", arg("a", "int32", min=2, max=1)), "a min above its max"),
    "help of two lines": (command("toy", arg("a", help="x\ny")), "the help of a is not one line"),
    "read with steps": (command("toy", steps=[{"name": "a"}]), "a command that only reads has no steps"),
    "same step": (command("toy", effect=ONCE, steps=[{"name": "a"}, {"name": "a"}]), "the step “a” is there twice"),
    "reading step": (command("toy", effect=ONCE, steps=[{"name": "a", "effect": READ}]), "neither IDEMPOTENT nor ONCE"),
    "loud step": (command("toy", effect=ONCE, steps=[{"name": "A b"}]), "the step's name"),
    "step worse than its command": (
        command("toy", effect=IDEMPOTENT, steps=[{"name": "a", "effect": ONCE}]),
        "is ONCE, so the command must be",
    ),
    "exclusive of nothing": (command("toy", effect=ONCE, exclusive=["a"]), "exclusive: there is no field a"),
    "exclusive list": (
        command("toy", arg("a", repeated=True), effect=ONCE, exclusive=["a"]),
        "not a plain single value",
    ),
    "exclusive read": (command("toy", arg("a"), exclusive=["a"]), "it can't be exclusive"),
    "too often": (command("toy", every={"seconds": 9}), "not between 10 s and 24 h"),
    "too seldom": (command("toy", every={"seconds": 90_000}), "not between 10 s and 24 h"),
    "by itself with what must be given": (
        command("toy", arg("a", position=1), every={"seconds": 60}),
        "can't need an argument",
    ),
    "hook that is typed": (command("toy", effect=IDEMPOTENT, hook="batch"), "what takes in webhooks is internal"),
    "hook of nothing": (command("toy", effect=IDEMPOTENT, hook="batch"), "hook: batch is no field of type"),
    "hook of another type": (command("toy", arg("batch", PICTURE), effect=IDEMPOTENT, hook="batch"), "is no field of type"),
    "hook that runs once": (command("toy", effect=ONCE, hook="batch"), "so the command must not be ONCE"),
    "probe of nothing": (command("toy", effect=ONCE, probe="Look"), "the probe Look is no method"),
    "example with a word too many": (command("toy", examples=["toy x"]), "one word too many"),
    "example of nothing": (command("toy", examples=["tyo"]), "is not understood"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(case: str) -> None:
    """The error says what is wrong, and in which method or bot."""
    method, complaint = BROKEN[case]

    with pytest.raises(ContractError) as raised:
        contract(method)

    assert complaint in raised.value.hint


def test_every_broken_rule_is_named_at_once() -> None:
    """An author mends all of them in one go."""
    with pytest.raises(ContractError, match="breaks 3 rules") as raised:
        contract(command("to_y", arg("a", "int32", default="x"), summary=""))

    assert raised.value.hint.count("Play: ") == 3


def test_a_bot_has_a_name_and_a_summary() -> None:
    """They stand in subjects and in help."""
    with pytest.raises(ContractError) as raised:
        Contract.from_announcement(announce(command(), bot="The Toy", summary=""))

    assert "the bot's name “The Toy”" in raised.value.hint
    assert "the bot's summary" in raised.value.hint


def test_a_method_that_nobody_can_call_is_no_part_of_a_contract() -> None:
    """Each is a command, or the probe of one."""
    with pytest.raises(ContractError, match="Stray: it is neither a command nor the probe of one"):
        contract(command(), Method("Stray", (), None))


def test_a_probe_takes_the_lost_request_and_says_whether_it_happened() -> None:
    """Both are checked, and that it is no command itself."""
    with pytest.raises(ContractError) as raised:
        contract(command("toy", effect=ONCE, probe="Look"), command("look", method="Look"))

    for complaint in ("is itself a command", "no field “lost” of type PlayRequest", "no “optional bool happened”"):
        assert complaint in raised.value.hint


def test_an_example_of_another_command_is_no_example() -> None:
    """Longest phrase wins, for examples too."""
    with pytest.raises(ContractError, match="is one of List"):
        contract(command("toy", arg("a", position=1), examples=["toy list"]), command("toy list", method="List"))


def test_a_bot_has_at_least_one_command() -> None:
    """A contract without any is no contract."""
    with pytest.raises(ContractError, match="0 commands"):
        contract()


def test_a_real_oneof_can_not_be_typed() -> None:
    """Which of several fields is set is nothing that a flag can say."""
    announcement = announce(command("toy", arg("a"), arg("b")))
    message = announcement.files.file[-1].message_type[0]
    message.oneof_decl.add(name="either")
    for field in message.field:
        field.oneof_index = 0
    announcement.digest = digest_of(announcement.files)

    with pytest.raises(ContractError, match="a is in a oneof"):
        Contract.from_announcement(announcement)


def test_a_trigger_fills_a_field() -> None:
    """A trigger without a shape, or without a field, can never call anything."""
    announcement = announce(command("toy", arg("a")))
    method = announcement.files.file[-1].service[0].method[0]
    method.options.Extensions[options.trigger].add(field="nothing")
    announcement.digest = digest_of(announcement.files)

    with pytest.raises(ContractError) as raised:
        Contract.from_announcement(announcement)

    assert "a trigger has no shape" in raised.value.hint
    assert "a trigger fills nothing" in raised.value.hint


def test_phrases_may_be_typed_in_capitals() -> None:
    """ "can I" is a phrase: matching minds no case."""
    assert contract(command("can I")).commands[0].phrase == ("can", "I")
