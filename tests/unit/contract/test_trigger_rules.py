"""What a contract may say of its triggers."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.contract import Contract
from bellboard.contract.files import digest_of
from bellboard.errors import ContractError
from tests.unit.contract.making import Field, announce, arg, command

GOOD: dict[str, Any] = {"name": "ids", "help": "it helps", "field": "a", "own_id": options.OwnId()}


def made(*triggers: dict[str, Any], fields: tuple[Field, ...] = (arg("a", position=1),)) -> Contract:
    """A contract with one command that has these triggers."""
    announcement = announce(command("toy", *fields))
    method = announcement.files.file[-1].service[0].method[0]
    for trigger in triggers:
        method.options.Extensions[options.trigger].add(**trigger)
    announcement.digest = digest_of(announcement.files)
    return Contract.from_announcement(announcement)


def test_a_command_carries_its_triggers() -> None:
    """As the gateway needs them, in the order of the contract."""
    names = {"name": "team", "help": "it helps", "field": "a", "name_prefix": options.NamePrefix(prefix="oncall-")}

    (toy,) = made(GOOD, names).commands

    assert [trigger.name for trigger in toy.triggers] == ["ids", "team"]


def test_what_is_unasked_fills_nothing() -> None:
    """Nothing was typed that could fill it; the command has what it needs from its bot."""
    unasked = {"name": "note", "help": "it helps", "unasked": options.Unasked()}

    assert made(unasked).commands[0].triggers[0].name == "note"
    with pytest.raises(ContractError, match="of what is unasked fills no field"):
        made({**unasked, "field": "a"})


BROKEN: dict[str, tuple[dict[str, Any], tuple[Field, ...], str]] = {
    "no name": ({"name": ""}, (), "the trigger's name “”"),
    "loud name": ({"name": "The Ids"}, (), "the trigger's name “The Ids”"),
    "no help": ({"help": ""}, (), "the help of the trigger ids is not one line"),
    "no field": ({"field": "b"}, (), "fills b, which is no argument"),
    "number": ({"field": "b"}, (arg("b", "int32"),), "a trigger can't fill b"),
    "several": ({"field": "b"}, (arg("b", repeated=True),), "a trigger can't fill b"),
    "secret": ({"field": "b"}, (arg("b", secret=True),), "a trigger can't fill b"),
    "another is needed": ({}, (arg("b", required=True),), "leaves b open, which must be given"),
    "suffix of letters": ({"person_suffix": options.PersonSuffix(suffix="er")}, (), "suffix is not 1 to 8 signs"),
    "empty suffix": ({"person_suffix": options.PersonSuffix()}, (), "suffix is not 1 to 8 signs"),
    "small prefix": ({"numbered_id": options.NumberedId(prefix="ops-")}, (), "not capitals and digits"),
    "loud prefix": ({"name_prefix": options.NamePrefix(prefix="@oncall")}, (), "not small letters, digits and dashes"),
    "empty prefix": ({"name_prefix": options.NamePrefix()}, (), "not small letters, digits and dashes"),
    "many lines": ({"pasted_error": options.PastedError(min_lines=101)}, (), "more than 100 lines"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_trigger_is_named(case: str) -> None:
    """The error says what is wrong with it."""
    said, more, complaint = BROKEN[case]
    shaped = any(key in said for key in ("person_suffix", "numbered_id", "name_prefix", "pasted_error"))
    trigger = {key: value for key, value in GOOD.items() if not (shaped and key == "own_id")} | said

    with pytest.raises(ContractError) as raised:
        made(trigger, fields=(arg("a", position=1), *more))

    assert complaint in raised.value.hint


def test_a_name_is_there_once() -> None:
    """A room switches it on by it."""
    with pytest.raises(ContractError) as raised:
        made(GOOD, {**GOOD, "numbered_id": options.NumberedId()})

    assert "the trigger “ids” is there twice" in raised.value.hint
