"""What may be typed next."""

from __future__ import annotations

import pytest

from bellboard.api.memes.v1 import memes_pb2
from bellboard.contract import Contract
from bellboard.grammar import Vocabulary
from bellboard_practice.v1 import practice_pb2
from tests.unit.contract.making import Room


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Memes and practice."""
    services = (
        memes_pb2.DESCRIPTOR.services_by_name["MemesService"],
        practice_pb2.DESCRIPTOR.services_by_name["PracticeService"],
    )
    return Vocabulary(Contract.of(service, "1") for service in services)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("me", ["meme", "meme list"]),
        ("MEME L", ["meme list"]),
        ("meme ", ["meme list", "ship-it", "this-is-fine", "paged", "picture", "--on"]),
        ("meme sh", ["ship-it"]),
        ("meme --", ["--on"]),
        ("meme --on ", ["last"]),
        ("meme paged --on l", ["last"]),
        ("meme paged --on=last ", []),
        ("practice fire a --", ["--wait", "--fail", "--reason", "--dry-run"]),
        ("practice fire a --fail --", ["--wait", "--reason", "--dry-run"]),
        ("practice every north 3 t", ["to"]),
        ("practice every north 3 --who ", ["@ann", "@bob"]),
        ("practice every north 3 --who @b", ["@bob"]),
        ("practice every north 3 --where #", ["#ops", "#play"]),
        ("practice every n", ["north"]),
        ("practice every north 3 --tag a --ta", ["--tag"]),
        ("roll ", ["2d6", "d20"]),
        ('practice look "a b', []),
        ("what ", []),
        ("\u202e", []),
    ],
)
def test_what_fits_is_offered(vocabulary: Vocabulary, typed: str, offered: list[str]) -> None:
    """Phrases, then values, small words and flags that are not given yet."""
    assert [offer.text for offer in vocabulary.complete(typed, len(typed), Room())] == offered


def test_an_empty_line_offers_every_phrase(vocabulary: Vocabulary) -> None:
    """In alphabetical order, with one line of help each; but for those that are not for people."""
    offers = vocabulary.complete("", 0)

    names = sorted(command.name for command in vocabulary.commands if not command.internal)
    assert [offer.text for offer in offers] == names[: len(offers)]
    assert "practice beat" not in names
    assert vocabulary.complete("practice beat ", 14) == []
    assert ("roll", "throw dice", 0) in offers


def test_an_offer_says_what_it_replaces(vocabulary: Vocabulary) -> None:
    """From its start up to the cursor; what is behind the cursor does not count."""
    offers = vocabulary.complete("meme pag --on last", len("meme pag"))

    assert offers == [("paged", "what to draw on", len("meme "))]
    assert vocabulary.complete("meme l", 6)[0].start == 0


def test_nobody_is_offered_where_nobody_is_known(vocabulary: Vocabulary) -> None:
    """A scope that lists no people offers none."""
    assert vocabulary.complete("practice every north 3 --who ", 29) == []
