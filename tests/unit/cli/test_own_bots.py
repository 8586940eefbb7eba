"""The bots that come with Bellboard are enrolled by their contracts, and kept up to date."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.errors import UserError
from bellboard.provision import House
from bellboard.provision.enrol import enrolment
from bellboard_cli import town
from bellboard_cli.bots import OWN, describe, enrol_own, module_of, own


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "data")
    house.make()
    return house


@pytest.mark.parametrize("name", OWN)
def test_a_contract_alone_says_what_the_bot_says(name: str) -> None:
    """Nothing of the bot is imported, and the enrolment is the same."""
    wanted, described = own(name), describe(name, module_of(name), open=True)
    wanted.phrases.sort()
    described.phrases.sort()
    assert wanted == described


def test_all_are_enrolled_as_open(house: House) -> None:
    """So everyone may run what they declare as READ."""
    assert enrol_own(house, sandbox=True) == []

    assert {one.bot for one in house.enrolments() if one.open} == {"house", *OWN}


def test_the_sandbox_is_left_out_where_it_is_not_wanted(house: House) -> None:
    """Until it is; then it stays."""
    enrol_own(house, sandbox=False)
    assert "sandbox" not in {one.bot for one in house.enrolments()}
    enrol_own(house, sandbox=True)
    enrol_own(house, sandbox=False)
    assert "sandbox" in {one.bot for one in house.enrolments()}


def test_an_enrolment_from_before_is_brought_up_to_date(house: House) -> None:
    """Its first words and effects are those of the contract; its key, and whether it is open, stay."""
    was = house.enrol(
        enrolment("deploy", module="bellboard_deploy", package="p", phrases=["deploy"], effects=[options.EFFECT_READ])
    )

    enrol_own(house, sandbox=True)

    (now,) = [one for one in house.enrolments() if one.bot == "deploy"]
    assert list(now.phrases) == list(own("deploy").phrases)
    assert (now.open, now.nkey) == (False, was.nkey)


def test_a_bot_whose_first_word_is_taken_is_left_out_and_that_is_said(house: House) -> None:
    """Somebody else's bot had it first."""
    house.enrol(enrolment("mine", module="", package="mine.v1", phrases=["graph"], effects=[options.EFFECT_READ]))

    (said,) = enrol_own(house, sandbox=True)

    assert "the bot graphs is left as it is: 'graph' belongs to the bot mine" in said
    assert "graphs" not in {one.bot for one in house.enrolments()}


def test_a_short_folder_is_the_town_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one is reached by a link that only we can have made."""
    monkeypatch.setattr(town, "LONGEST", len(str(tmp_path)) + 60)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert town.folder_in(tmp_path) == tmp_path / "sandbox"
    (long := tmp_path / ("x" * 80)).mkdir()

    link = town.folder_in(long)

    assert (link.parent, link.resolve()) == (tmp_path, long / "sandbox")
    assert town.folder_in(long) == link
    link.unlink()
    link.symlink_to("/")
    with pytest.raises(UserError, match="too long for sockets"):
        town.folder_in(long)
