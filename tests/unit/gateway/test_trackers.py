"""Which tickets there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bellboard.errors import SettingsError
from bellboard_gateway.trackers import Trackers

GOOD = """
trackers:
  - {name: Jira, prefix: OPS-, url: "https://jira.example.com/browse/{id}"}
  - {name: GitHub, prefix: SHOP-, url: "https://github.com/example/shop/issues/{number}"}
"""


def of(file: Path, ticket: str) -> str:
    tracker = Trackers(file).of(ticket)
    return tracker.address(ticket) if tracker else ""


def test_a_ticket_leads_to_its_page(tmp_path: Path) -> None:
    """By its prefix, with all of it or its number in the address; others lead nowhere."""
    (tmp_path / "t.yaml").write_text(GOOD)

    assert of(tmp_path / "t.yaml", "OPS-17") == "https://jira.example.com/browse/OPS-17"
    assert of(tmp_path / "t.yaml", "SHOP-3") == "https://github.com/example/shop/issues/3"
    for other in ("OPS-", "OPS-x", "XOPS-1", "UTF-8", "D142", "OPS-1-2", "OPS-¹"):
        assert of(tmp_path / "t.yaml", other) == ""


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    """It need not be there, and may be empty."""
    (tmp_path / "empty.yaml").write_text("")

    for file in (None, tmp_path / "none.yaml", tmp_path / "empty.yaml"):
        assert Trackers(file).of("OPS-17") is None


WRONG = {
    "another scheme": GOOD.replace("https://jira", "javascript://jira"),
    "no place for the ticket": GOOD.replace("{id}", "17"),
    "another place": GOOD.replace("{id}", "{0}"),
    "a prefix without a dash": GOOD.replace("OPS-", "OPS"),
    "the same prefix": GOOD.replace("SHOP-", "OPS-"),
    "no YAML": "trackers: [",
    "something else": "tracker: []",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, case: str) -> None:
    """By its name, and what is wrong in it."""
    (tmp_path / "t.yaml").write_text(WRONG[case])

    with pytest.raises(SettingsError, match=r"t\.yaml"):
        Trackers(tmp_path / "t.yaml")


def test_a_change_that_is_wrong_leaves_the_old_in_force(tmp_path: Path) -> None:
    """People edit it while the gateway runs."""
    file = tmp_path / "t.yaml"
    file.write_text(GOOD)
    trackers = Trackers(file)
    for text, there in (("trackers: [", True), ("trackers: []", False)):
        file.write_text(text)
        trackers.look()
        assert bool(trackers.of("OPS-17")) is there
