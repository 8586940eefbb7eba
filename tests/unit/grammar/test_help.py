"""Help, told from the contracts."""

from __future__ import annotations

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.contract import READ, Command, Contract
from bellboard.grammar import Vocabulary, help_blocks
from bellboard_practice.v1 import practice_pb2


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Memes, the house and practice."""
    services = (
        memes_pb2.DESCRIPTOR.services_by_name["MemesService"],
        house_pb2.DESCRIPTOR.services_by_name["HouseService"],
        practice_pb2.DESCRIPTOR.services_by_name["PracticeService"],
    )
    return Vocabulary(Contract.of(service, "1") for service in services)


def anyone(_command: Command) -> bool:
    return True


def rows(table: chat.Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_help_lists_every_command(vocabulary: Vocabulary) -> None:
    """By phrase, each with its form and one line."""
    reply = help_blocks(vocabulary, "", anyone)

    listed = rows(reply.blocks[0].table)
    assert len(listed) == sum(not command.internal for command in vocabulary.commands)
    assert not any(row[0].startswith("practice beat") for row in listed)
    assert ["roll [DICE]", "throw dice"] in listed
    assert listed == sorted(listed)


def test_help_hides_what_is_not_allowed(vocabulary: Vocabulary) -> None:
    """In lists, in detail and in suggestions."""

    def reads(command: Command) -> bool:
        return command.effect == READ

    assert ["roll [DICE]", "throw dice"] not in rows(help_blocks(vocabulary, "", reads).blocks[0].table)
    assert help_blocks(vocabulary, "roll", reads).blocks[0].failure.text == "there is no command “roll”"
    assert "did you mean" not in help_blocks(vocabulary, "rol", reads).blocks[0].failure.hint


def test_help_tells_of_one_command_all_that_it_takes(vocabulary: Vocabulary) -> None:
    """Form, arguments, examples, effect, steps."""
    reply = help_blocks(vocabulary, "practice fire", anyone)

    summary, usage, arguments, examples, notes = reply.blocks
    assert summary.text.text == "Do what must not happen twice."
    assert usage.code.text == "practice fire LABEL [--wait WAIT] [--fail] [--reason REASON]"
    assert rows(arguments.table)[0] == ["LABEL", "a label", "must be given"]
    assert examples.code.text == "practice fire a\npractice fire a --wait 1s\npractice list 3 | practice fire a"
    assert notes.text.text == (
        "It is never run twice. “?” at the end shows what it would do. It takes a table from a pipe: … | practice fire. "
        "“!” behind its name forces it, and wants a reason."
    )


def test_help_tells_defaults_choices_bounds_and_steps(vocabulary: Vocabulary) -> None:
    """Whatever the contract says."""
    every = {row[0]: row[1:] for row in rows(help_blocks(vocabulary, "practice every", anyone).blocks[2].table)}

    assert every["DIRECTION"] == ["which way: one of north, south", "must be given"]
    assert every["COUNT"] == ["how many (at least 1, at most 10)", "must be given"]
    assert every["to ENV"] == ["where to", "sandbox"]
    assert "Steps: boots, rope, top." in help_blocks(vocabulary, "practice climb", anyone).blocks[-1].text.text


def test_help_on_a_phrase_that_others_begin_with_shows_them_too(vocabulary: Vocabulary) -> None:
    """`help meme` tells of `meme list` as well."""
    reply = help_blocks(vocabulary, "meme", anyone)

    assert reply.blocks[1].code.text.startswith("meme TEMPLATE")
    assert rows(reply.blocks[-1].table) == [["meme list", "show the templates"]]


@pytest.mark.parametrize("about", ["practice", "memes", "MEMES?"])
def test_help_on_a_bot_or_a_first_word_lists_its_commands(vocabulary: Vocabulary, about: str) -> None:
    """So that nobody needs to know which is which."""
    assert all(
        row[0].startswith(("practice", "meme", "roll")) for row in rows(help_blocks(vocabulary, about, anyone).blocks[0].table)
    )


def test_help_on_nothing_known_offers_the_nearest(vocabulary: Vocabulary) -> None:
    """And says nothing of what was not found but its beginning."""
    failure = help_blocks(vocabulary, "mem list", anyone).blocks[0].failure

    assert failure.hint == "did you mean “help meme list”?"
    assert len(help_blocks(vocabulary, "x" * 4000, anyone).blocks[0].failure.text) < 100
